package desk

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/store"
)

// TestHostile: what is not as it should be is refused, and what is told of routes is
// made harmless.
func TestHostile(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d := New(outbox.New(s, time.Now), time.Now, slog.New(slog.DiscardHandler))
	ask := func(method, path, body string) int {
		w := httptest.NewRecorder()
		d.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code
	}
	for _, tt := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/v1/routes", "", http.StatusMethodNotAllowed},
		{"POST", "/v2/claim", "", http.StatusNotFound},
		{"POST", "/v1/claim?limit=1", "", 400},
		{"POST", "/v1/claim?route=r&limit=0", "", 400},
		{"POST", "/v1/claim?route=r&limit=21", "", 400},
		{"POST", "/v1/claim?limit=1&route=" + strings.Repeat("x", 300), "", 400},
		{"POST", "/v1/report", "{}", 400},
		{"POST", "/v1/report?attempt=1", "{", 400},
		{"POST", "/v1/report?attempt=1", `{"id":"x","result":"nonsense"}`, 400},
		{"POST", "/v1/report?attempt=1", `{"id":"x","result":"sent"}`, 204}, // of nothing: ignored
		{"PUT", "/v1/routes", `{"name":1}`, 400},
		{"PUT", "/v1/routes", "[" + strings.Repeat(`{"name":"x"},`, 100) + `{"name":"x"}]`, 400},
		{"PUT", "/v1/routes", `["` + strings.Repeat("x", maxBody) + `"]`, 400},
	} {
		if got := ask(tt.method, tt.path, tt.body); got != tt.want {
			t.Errorf("%s %s %.40s: %d, want %d", tt.method, tt.path, tt.body, got, tt.want)
		}
	}
	if _, seen := d.Routes(); !seen.IsZero() {
		t.Error("what was refused was heard")
	}
	if got := ask("PUT", "/v1/routes", fmt.Sprintf(`[{"name":"b","kind":"email","to":"\u202e\nx%s"},{"name":"a"}]`, strings.Repeat("y", 300))); got != 204 {
		t.Fatalf("%d", got)
	}
	routes, seen := d.Routes()
	want := []alert.Route{{Name: "a"}, {Name: "b", Kind: "email", To: routes[1].To}}
	if diff := cmp.Diff(want, routes); diff != "" || seen.IsZero() || len(routes[1].To) > maxName || !strings.HasPrefix(routes[1].To, `\u202e\nx`) {
		t.Errorf("%q at %s (-want +got):\n%s", routes, seen, diff)
	}
}
