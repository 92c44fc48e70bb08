package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestHostTimelineFilter: a host's page shows the changes that its address selects, of
// that host alone.
func TestHostTimelineFilter(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	first := d.events[0]
	for _, e := range d.events {
		if e.Change.Result.Cause != nil {
			first = e
			break
		}
	}
	r := &first.Change.Result
	if r.Cause == nil {
		t.Fatal("no change has a cause")
	}
	family, _, _ := strings.Cut(r.Check, "-")
	path := "/hosts/" + string(first.Host) + "?"
	for query, want := range map[string]bool{
		url.Values{"actor": {r.Cause.LoginUser}}.Encode(): true, "actor=nobody-at-all": false,
		"family=" + family: true, "family=none": false,
		"q=" + url.QueryEscape(r.Check): true, "q=zzz": false,
		"status=" + r.Status.String(): true,
	} {
		a := b.get(path + query)
		_, rest, _ := strings.Cut(a.body, `id="timeline"`)
		rest, _, _ = strings.Cut(rest, "</section>")
		if got := strings.Contains(rest, "<li"); a.code != http.StatusOK || got != want {
			t.Errorf("%s: answered %d, has changes: %v", query, a.code, got)
		}
	}
}
