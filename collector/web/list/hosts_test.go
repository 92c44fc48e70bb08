package list

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

func TestHosts(t *testing.T) {
	for address, want := range map[string]HostFilter{
		"":                 {},
		"q=+a+b+&tag=prod": {HostQuery: fleet.HostQuery{Text: "a b", Tag: "prod"}},
		"os=Debian+13&region=fra1&severity=high&below=90&sort=score&order=reverse&page=3": {HostQuery: fleet.HostQuery{
			OS: "Debian 13", Region: "fra1", Severity: finding.SeverityHigh, Below: 90, Sort: fleet.ByScore, Reverse: true, Page: 2,
		}},
		"status=failing":                 {Status: "failing", HostQuery: fleet.HostQuery{Severity: finding.SeverityInformational}},
		"status=failing&severity=medium": {Status: "failing", HostQuery: fleet.HostQuery{Severity: finding.SeverityMedium}},
		"status=updates":                 {Status: "updates", HostQuery: fleet.HostQuery{Pending: true}},
		"status=silent":                  {Status: "silent", HostQuery: fleet.HostQuery{Presence: fleet.Silent}},
		"status=quarantined":             {Status: "quarantined", HostQuery: fleet.HostQuery{Standing: fleet.Quarantined}},
		"status=expired":                 {Status: "expired", HostQuery: fleet.HostQuery{Expired: true}},
		"status=x&sort=%27&severity=9&page=-1&below=999&order=up": {},
	} {
		v, err := url.ParseQuery(address)
		if err != nil {
			t.Fatal(err)
		}
		want.Size = size
		got := Hosts(v)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", address, diff)
		}
		// An address leads to the same list.
		u, err := url.Parse(got.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, Hosts(u.Query())); diff != "" {
			t.Errorf("%s leads to %s: %s", address, got, diff)
		}
		if got.Any() == (got.String() == "/hosts") && address != "" && !strings.Contains(address, "status=x") {
			t.Errorf("%s: any %v at %s", address, got.Any(), got)
		}
	}
	if got := Hosts(url.Values{"q": {strings.Repeat("é", 4000)}}); len(got.Text) > 200 {
		t.Errorf("%d bytes of text", len(got.Text))
	}
}

func TestHostOrder(t *testing.T) {
	f := Hosts(url.Values{"q": {"a&b"}, "page": {"4"}})
	for sort, want := range map[string][2]string{
		"name":  {"ascending", "/hosts?order=reverse&q=a%26b"},
		"score": {"none", "/hosts?q=a%26b&sort=score"},
	} {
		if got := [2]string{f.Is(sort), f.By(sort)}; got != want {
			t.Errorf("%s: %q, want %q", sort, got, want)
		}
	}
	f.Sort, f.Reverse = fleet.BySeen, true
	if f.Is("seen") != "descending" || f.By("seen") != "/hosts?q=a%26b&sort=seen" {
		t.Errorf("reversed: %s, %s", f.Is("seen"), f.By("seen"))
	}
	if got := f.As("csv"); got != "/hosts/export?format=csv&order=reverse&q=a%26b&sort=seen" {
		t.Errorf("as CSV at %s", got)
	}
}

func TestPlace(t *testing.T) {
	f := HostFilter{HostQuery: fleet.HostQuery{Size: 100}}
	for _, tt := range []struct {
		page, shown, total int
		want               Pages
	}{
		{0, 0, 0, Pages{}},
		{0, 5, 5, Pages{From: 1, To: 5, Total: 5}},
		{0, 100, 250, Pages{From: 1, To: 100, Total: 250, Next: "/hosts?page=2"}},
		{2, 50, 250, Pages{From: 201, To: 250, Total: 250, Previous: "/hosts?page=2"}},
		{9, 0, 250, Pages{From: 900, To: 900, Total: 250, Previous: "/hosts?page=3"}}, // behind the last
	} {
		f.Page = tt.page
		if diff := cmp.Diff(tt.want, f.Pages(tt.shown, tt.total)); diff != "" {
			t.Errorf("page %d: %s", tt.page, diff)
		}
	}
}
