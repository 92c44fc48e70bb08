package posture

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

func TestSift(t *testing.T) {
	for address, want := range map[string]fleet.ChangeQuery{
		"": {},
		"q=+root+&family=ssh&status=fail&actor=a%26b&before=7": {Text: "root", Family: "ssh", Status: finding.StatusFail, Actor: "a&b", Before: 7},
		// The page is of one host, whatever else its address says.
		"host=" + strings.Repeat("0", 32) + "&limit=9999&status=x&before=-1&q=" + strings.Repeat("a", maxWord+1): {},
	} {
		v, err := url.ParseQuery(address)
		if err != nil {
			t.Fatal(err)
		}
		want.Host, want.Limit = "a", frame.PageSize
		got := sift(v, "a")
		if diff := cmp.Diff(sieve{want}, got); diff != "" {
			t.Errorf("%.60s: %s", address, diff)
		}
		again, err := url.ParseQuery(got.query())
		if err != nil {
			t.Fatal(err)
		}
		want.Before = 0
		if diff := cmp.Diff(sieve{want}, sift(again, "a")); diff != "" || got.Any() == (got.query() == "") {
			t.Errorf("%s leads to another page: %s", got.query(), diff)
		}
	}
}

// TestSiftedHost: a sifted timeline keeps what selects on all its pages, takes no new
// changes by itself, and its form is in no fragment.
func TestSiftedHost(t *testing.T) {
	r, err := templates()
	if err != nil {
		t.Fatal(err)
	}
	d := fleet.HostDetail{Host: fleet.Host{ID: "a"}, States: []fleet.State{state("ssh-x", "", finding.StatusFail, 4)}}
	for name, tt := range map[string]struct {
		sieve    fleet.ChangeQuery
		h        history
		want     []string
		unwanted []string
	}{
		"all": {
			h:    history{events: []fleet.Event{{ID: 9}}},
			want: []string{"data-timeline", `<option value="" selected>any family`}, unwanted: []string{"Clear", "Looked back"},
		},
		"first": {
			sieve: fleet.ChangeQuery{Actor: `"><b>`, Family: "gone"},
			h:     history{events: []fleet.Event{{ID: 9}}, next: 5, Reached: now.Add(-time.Hour)},
			want: []string{
				`href="/hosts/a?actor=%22%3E%3Cb%3E&amp;family=gone&amp;before=5#timeline" rel="next"`, `value="&#34;&gt;&lt;b&gt;"`, "Looked back to",
				`<option value="gone" selected>`, `<option value="ssh">`, `href="/hosts/a#timeline">Clear`,
			},
			unwanted: []string{"data-timeline", "Newest changes", "<b>"},
		},
		"older": {
			sieve:    fleet.ChangeQuery{Status: finding.StatusFail, Before: 5},
			want:     []string{`href="/hosts/a?status=fail#timeline">Newest changes`, "No older change matches.", `<option value="fail" selected>`},
			unwanted: []string{"data-timeline", `rel="next"`},
		},
	} {
		tt.h.Sieve = sieve{tt.sieve}
		tt.h.Families = tt.h.Sieve.families(d.States)
		p := hostOf(now, d, tt.h, nil, nil)
		if live := p.Live.Since >= 0; live != (name == "all") {
			t.Errorf("%s: new changes come by themselves: %v", name, live)
		}
		page, err := r.Page("host", p)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range tt.want {
			if !strings.Contains(string(page), s) {
				t.Errorf("%s: the page has no %s", name, s)
			}
		}
		for _, s := range tt.unwanted {
			if strings.Contains(string(page), s) {
				t.Errorf("%s: the page has %s", name, s)
			}
		}
		for _, part := range []string{frame.FragmentAll, frame.FragmentLive} {
			if b, err := r.Fragment("host", part, p); err != nil || strings.Contains(string(b), "<form") {
				t.Errorf("%s: the form is in %s, or %v", name, part, err)
			}
		}
	}
}
