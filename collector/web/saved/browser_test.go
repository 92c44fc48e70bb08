package saved

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"seawall/collector/web/frame"
	"seawall/collector/web/static"
	"seawall/collector/web/webtest"
)

var shots = flag.String("shots", "", "a folder for pictures of the page")

// TestBrowser looks in Chromium at the form that comes back. The list with its views is
// among the pages that package web looks at.
func TestBrowser(t *testing.T) {
	s := open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, static.Prefix) {
			s.frame.Files().ServeHTTP(w, r)
			return
		}
		r = frame.With(r, ann)
		r.PostForm, r.Form = url.Values{"name": {strings.Repeat("long", 20)}, "query": {"q=web"}}, url.Values{}
		s.save(w, r)
	}))
	t.Cleanup(server.Close)
	webtest.Walk{Base: server.URL, Shots: *shots}.Pages(t, webtest.Chromium(t), []string{"/hosts/views"})
}
