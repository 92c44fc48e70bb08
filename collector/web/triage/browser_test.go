package triage

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"seawall/collector/triage"
	"seawall/collector/web/frame"
	"seawall/collector/web/static"
	"seawall/collector/web/webtest"
)

var shots = flag.String("shots", "", "a folder for pictures of the pages")

// TestBrowser looks at the pages in Chromium, as an operator, with a host whose texts
// are markup.
func TestBrowser(t *testing.T) {
	s := open(t)
	s.expect(operator, "/waivers/new", waiverForm("tag", "env=prod"), http.StatusSeeOther)
	s.expect(operator, "/hosts/"+two+"/finding", map[string][]string{"check": {"ssh-root"}, "assignee": {"ann"}, "note": {evil}}, http.StatusSeeOther)
	f, err := frame.New(frame.Config{Log: s.frame.Log(), Now: s.frame.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, static.Prefix) {
			f.Files().ServeHTTP(w, r)
			return
		}
		s.mux.ServeHTTP(w, frame.With(r, operator))
	}))
	t.Cleanup(server.Close)
	tab := webtest.Chromium(t)
	webtest.Walk{Base: server.URL, Shots: *shots}.Pages(t, tab, []string{"/waivers", "/waivers/new?check=ssh-root&host=" + one, "/checks/ssh-root/triage",
		"/hosts/" + one + "/triage", Path(triage.Key{Host: one, Check: "ssh-root", Resource: evil}), Path(triage.Key{Host: two, Check: "ssh-root"})})
}
