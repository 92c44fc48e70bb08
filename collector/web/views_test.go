package web_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/views"
	"seawall/collector/web"
)

// withViews keeps views in a store that has some already.
func withViews(t *testing.T, c web.Config, all ...views.View) web.Config {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, v := range all {
		err := s.Write(t.Context(), func(w db.Writer) error {
			_, err := views.Save(w, demoNow, v)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.Views = s
	return c
}

var removal = regexp.MustCompile(`action="(/hosts/views/[^"]+/remove)"`)

// TestSavedViews saves the list of hosts as it is, finds it above the list, and removes it
// there; another user sees nothing of it.
func TestSavedViews(t *testing.T) {
	s := newServer(t, withViews(t, withRoles(config(demoFleet(demoNow)))))
	b, other := open(t, s), open(t, s)
	b.loginAs("viewer")
	other.loginAs("operator")
	if a := b.get("/hosts"); strings.Contains(a.body, "Save this view") || strings.Contains(a.body, "Saved views") {
		t.Error("all hosts can be saved")
	}
	a := b.get("/hosts?status=failing&sort=score&page=2&next=//evil.example")
	if !strings.Contains(a.body, `name="query" value="sort=score&amp;status=failing"`) || strings.Contains(a.body, "Share it with") {
		t.Fatalf("no form:\n%s", a.body)
	}
	form := url.Values{"form": {b.form("/hosts")}, "query": {"sort=score&status=failing&x=y&page=3"}, "name": {`<b>worst" first`}}
	if a := b.post("/hosts/views", url.Values{"query": form["query"], "name": form["name"]}); a.code != http.StatusForbidden {
		t.Errorf("without the form's token: %d", a.code)
	}
	if a := b.post("/hosts/views", form); a.code != http.StatusSeeOther || a.header.Get("Location") != "/hosts?sort=score&status=failing" {
		t.Fatalf("%d to %s", a.code, a.header.Get("Location"))
	}
	a = b.get("/hosts?sort=score&status=failing")
	if !strings.Contains(a.body, `<a href="/hosts?sort=score&amp;status=failing" aria-current="page"><bdi>&lt;b&gt;worst&#34; first</bdi></a>`) {
		t.Errorf("no link:\n%s", a.body)
	}
	if a := other.get("/hosts"); strings.Contains(a.body, "worst") {
		t.Error("another sees it")
	}
	if a := b.get("/hosts?fragment=live"); strings.Contains(a.body, "worst") {
		t.Error("it is in the fragment")
	}
	path := removal.FindStringSubmatch(b.get("/hosts?q=web").body)
	if path == nil {
		t.Fatal("no button removes it")
	}
	if a := other.post(path[1], url.Values{"form": {other.form("/hosts")}}); a.code != http.StatusNotFound {
		t.Errorf("another removes it: %d", a.code)
	}
	if a := b.post(path[1], url.Values{"form": form["form"], "query": {"q=web"}}); a.code != http.StatusSeeOther || a.header.Get("Location") != "/hosts?q=web" {
		t.Errorf("remove: %d to %s", a.code, a.header.Get("Location"))
	}
	if a := b.get("/hosts"); strings.Contains(a.body, "worst") {
		t.Error("it is still there")
	}
}
