package figures

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/pkg/finding"
)

func overview() fleet.Overview {
	return fleet.Overview{Presence: map[fleet.Presence]int{fleet.Online: 7, fleet.Silent: 2, "=invented": 9}, Standing: map[fleet.Standing]int{fleet.Active: 8, fleet.Revoked: 1},
		Counts: fleet.Counts{Pass: 75, Fail: 20, Unknown: 5, Waived: 3}, BySeverity: [6]int{5: 4, 3: 16}, Detected: [6]int{4: 2}, Pending: 11, Requests: 3, Expired: 1,
		Worst: []fleet.Check{{Info: finding.CheckInfo{ID: "a-hosts-own-words"}}}}
}

// scraped returns what Prometheus reads, without the lines about it.
func scraped(t *testing.T, f *Fleet) []string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(f)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return strings.FieldsFunc(w.Body.String(), func(r rune) bool { return r == '\n' })
}

// TestFigures holds the figures, as Prometheus reads them: names and labels are an
// interface.
func TestFigures(t *testing.T) {
	f := New(func(context.Context) (fleet.Overview, error) { return overview(), nil }, time.Now)
	want := []string{
		"certificates_expired 1", `detections{severity="critical"} 0`, `detections{severity="high"} 2`, `failed_results{severity="critical"} 4`, `failed_results{severity="medium"} 16`,
		`hosts{presence="archived"} 0`, `hosts{presence="offline"} 0`, `hosts{presence="online"} 7`, `hosts{presence="silent"} 2`,
		`members{standing="active"} 8`, `members{standing="quarantined"} 0`, `members{standing="revoked"} 1`, "requests_waiting 3",
		`results{status="error"} 0`, `results{status="fail"} 20`, `results{status="pass"} 75`, `results{status="unknown"} 5`, `results{status="waived"} 3`,
		"score_percent 75", "security_updates_pending 11",
	}
	series := 0
	for _, line := range scraped(t, f) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if series++; strings.Contains(line, "invented") || strings.Contains(line, "own-words") {
			t.Errorf("a host's words are a label: %s", line)
		}
		if i := slices.Index(want, strings.TrimPrefix(line, "seawall_fleet_")); i >= 0 {
			want = slices.Delete(want, i, i+1)
		}
	}
	if len(want) > 0 || series != 29 {
		t.Errorf("%d series; missing are %q", series, want)
	}
}

// TestKept: the store is asked once in a while, and its failure is no figure.
func TestKept(t *testing.T) {
	now, asked, failing := time.Now(), 0, false
	f := New(func(ctx context.Context) (fleet.Overview, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the store may take for ever")
		}
		if asked++; failing {
			return fleet.Overview{}, errors.New("the store is away")
		}
		return overview(), nil
	}, func() time.Time { return now })
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(f)
	for step, want := range []int{1, 1, 2} {
		if step == 2 {
			now = now.Add(keep)
		}
		if _, err := r.Gather(); err != nil || asked != want {
			t.Errorf("step %d: asked %d times, want %d, %v", step, asked, want, err)
		}
	}
	failing = true
	now = now.Add(keep)
	if _, err := r.Gather(); err == nil || !strings.Contains(err.Error(), "the store is away") {
		t.Errorf("a store that is away: %v", err)
	}
	failing = false
	if _, err := r.Gather(); err != nil {
		t.Errorf("a store that is back: %v", err)
	}
}

// TestStore tells the figures of a real store that is empty.
func TestStore(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	text := strings.Join(scraped(t, New(s.Overview, time.Now)), "\n")
	if !strings.Contains(text, `seawall_fleet_hosts{presence="online"} 0`) || strings.Contains(text, "\nseawall_fleet_score_percent ") {
		t.Errorf("figures of nothing: %s", text)
	}
}
