package changes

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

func TestParse(t *testing.T) {
	const id = "a11ce0000000000000000000000000a1"
	for address, want := range map[string]filter{
		"": {},
		"host=" + id + "&check=ssh-a&family=ssh&actor=alice&caused=1&severity=high&status=fail&before=7": {ChangeQuery: fleet.ChangeQuery{
			Host: id, Check: "ssh-a", Family: "ssh", Actor: "alice", Caused: true, Severity: finding.SeverityHigh, Status: finding.StatusFail, Before: 7,
		}},
		// Both days are included.
		"since=2026-03-01&until=2026-03-02": {From: "2026-03-01", To: "2026-03-02", ChangeQuery: fleet.ChangeQuery{
			Since: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC),
		}},
		"host=%27&severity=9&status=x&before=-1&since=yesterday&until=2026-13-01&actor=" + strings.Repeat("a", maxWord+1): {},
	} {
		v, err := url.ParseQuery(address)
		if err != nil {
			t.Fatal(err)
		}
		want.Limit = frame.PageSize
		got := parse(v)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.60s: %s", address, diff)
		}
		u, err := url.Parse(got.address())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, parse(u.Query())); diff != "" {
			t.Errorf("%s leads to another page: %s", got.address(), diff)
		}
	}
}

func TestShow(t *testing.T) {
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	events := []fleet.Event{{ID: 9, Received: now}, {ID: 8, Received: now}}
	for name, tt := range map[string]struct {
		query         string
		scope         []string
		next          int64
		live          bool
		newest, older string
		looked        bool
	}{
		"all":      {live: true},
		"scope":    {scope: []string{"prod"}},
		"filtered": {query: "actor=alice", next: 3, older: "/changes?actor=alice&before=3", looked: true},
		"older":    {query: "before=10", newest: "/changes"},
	} {
		v, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		f := parse(v)
		f.Scope = tt.scope
		p := show(now, f, fleet.ChangePage{Events: events, Next: tt.next, Reached: now.Add(-time.Hour)})
		b := p.Body.(body)
		if (p.Live != nil) != tt.live || tt.live && p.Live.Since != 9 || b.Newest != tt.newest || b.Older != tt.older || !b.Reached.IsZero() != tt.looked {
			t.Errorf("%s: live %+v, newest %q, older %q, reached %v", name, p.Live, b.Newest, b.Older, b.Reached)
		}
	}
}
