package web_test

import (
	"slices"
	"strings"
	"testing"

	"seawall/collector/views"
	"seawall/collector/web"
	"seawall/collector/web/webtest"
)

// examples returns a path for each page among the routes of s.
func examples(t *testing.T, s *web.Server, d *demo) []string {
	t.Helper()
	var out []string
	for _, r := range s.Routes() {
		path, ok := strings.CutPrefix(r.Pattern, "GET ")
		if !ok || strings.HasPrefix(path, "/api/") || slices.Contains([]string{"/events", "/static/", "/healthz", "/readyz", "/metrics", "/login", "/hosts/export", "/patches/advisories/export"}, path) { // no pages
			continue
		}
		path = strings.NewReplacer("{$}", "", "/patches/hosts", "/patches/hosts?package=openssl%3Aamd64", "/patches/advisories", "/patches/advisories", "/patches/advisory", "/patches/advisory?name=DSA-5764-1", "/hosts/{id}/detections/{storm}", detectionPath(d, 0), "/hosts/{id}", "/hosts/"+string(d.hosts[3].ID), "/checks/{id}", "/checks/ssh-ciphers").Replace(path)
		if strings.Contains(path, "{") {
			t.Fatalf("no example of %s", r.Pattern)
		}
		out = append(out, path)
	}
	return out
}

// TestWalk looks at every page there is: axe-core finds nothing, the keyboard reaches
// everything, and without script the page is there.
func TestWalk(t *testing.T) {
	d := demoFleet(demoNow)
	long := strings.Repeat("a name of sixty-four characters ", 2)
	s := newServer(t, withViews(t, config(d), views.View{Account: "admin", Name: "Web, worst first", Query: "q=web&sort=score"},
		views.View{Account: "admin", Name: strings.TrimSpace(long), Query: "status=failing", Shared: true},
		views.View{Account: "mara", Name: hostileStrings()[0], Query: "os=Debian+12", Shared: true}))
	base := serve(t, s)
	tab := webtest.Chromium(t)
	signIn(t, tab, base)
	pages := examples(t, s, d)
	if len(pages) < 8 {
		t.Fatalf("only %q", pages)
	}
	webtest.Walk{Base: base, Shots: *shots}.Pages(t, tab, append(pages, "/hosts?q=web&sort=score", "/nothing"))
}
