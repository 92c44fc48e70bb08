package report

import (
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seawall/collector/web/frame"
	"seawall/collector/web/static"
	"seawall/collector/web/webtest"
)

var shots = flag.String("shots", "", "a folder for pictures of the pages")

// TestBrowser looks at reports in Chromium.
func TestBrowser(t *testing.T) {
	_, mux := open(t)
	f, err := frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, static.Prefix) {
			f.Files().ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, frame.With(r, viewer))
	}))
	t.Cleanup(server.Close)
	webtest.Walk{Base: server.URL, Shots: *shots}.Pages(t, webtest.Chromium(t), []string{"/reports", "/reports?host=" + string(two), "/reports?tag=env%3Dprod&days=90"})
}
