package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestPatches leads from the packages to the hosts of one, and from there to a host.
func TestPatches(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	link := regexp.MustCompile(`href="(/patches/hosts\?package=[^"]+)"`).FindStringSubmatch(b.get("/patches").body)
	if link == nil {
		t.Fatal("no package is pending")
	}
	a := b.get(link[1])
	host := regexp.MustCompile(`<tr data-key="([0-9a-f]{32})"><th scope="row"><a href="/hosts/`).FindStringSubmatch(a.body)
	if a.code != http.StatusOK || host == nil || !strings.Contains(b.get("/hosts/"+host[1]).body, `id="pending"`) {
		t.Errorf("%s answers %d: %.2000s", link[1], a.code, a.body)
	}
	for path, want := range map[string]string{
		"/patches?q=no-such-package":             "No package with that name",
		"/patches/hosts?package=no-such-package": "No security update of it is pending",
		"/patches?page=9":                        `rel="prev"`,
		"/patches/hosts":                         "There is no such page",
	} {
		if body := b.get(path).body; !strings.Contains(body, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	if a := b.get("/patches/hosts?" + url.Values{"package": {strings.Repeat("x", 5000)}}.Encode()); a.code != http.StatusNotFound {
		t.Errorf("a name of 5,000 bytes answers %d", a.code)
	}
}

// TestChanges shows what the filter selects, and the next page goes on behind it.
func TestChanges(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	seen, pages, path := 0, 0, "/changes"
	next := regexp.MustCompile(`href="(/changes\?[^"]*before=[^"]+)" rel="next"`)
	for ; path != "" && pages < 100; pages++ {
		body := b.get(path).body
		seen += strings.Count(body, "data-event-id=")
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if seen != len(d.events) || pages < 2 {
		t.Errorf("%d pages have %d changes of %d", pages, seen, len(d.events))
	}
	if body := b.get("/changes?actor=nobody-of-that-name").body; strings.Contains(body, "data-event-id=") || !strings.Contains(body, "No change matches.") {
		t.Error("a name that did nothing has changes")
	}
	if body := b.get("/changes?host=" + string(d.hosts[1].ID)).body; strings.Contains(body, `data-host="`+string(d.hosts[0].ID)+`"`) {
		t.Error("another host's changes are shown")
	}
}
