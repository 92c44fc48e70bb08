package join

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
)

// door has hosts that asked to be admitted, and notes who decided about which.
type door struct {
	all     []fleet.Request
	err     error
	decided []string
}

func (d *door) decide(ctx context.Context, id string, to fleet.Decision) error {
	if id == "gone" {
		return fmt.Errorf("request %s: %w", id, fs.ErrNotExist)
	}
	d.decided = append(d.decided, fmt.Sprintf("%s %s by %s", id, to, trail.By(ctx)))
	return nil
}

// post posts a form to the page, and returns the answer's status.
func (d *door) post(t *testing.T, path, form string, closed bool) int {
	t.Helper()
	f, err := frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Frame: f, Requests: func(context.Context) ([]fleet.Request, error) { return d.all, d.err }}
	if !closed {
		c.Decide = d.decide
	}
	page, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range page.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, frame.With(r, frame.Visitor{User: "ann", Role: frame.Operator, Form: "f1"}))
	return w.Code
}

// TestDecide: only a host that still waits is decided about, in the name of who asked, and
// it is admitted only by whom says that its key was compared.
func TestDecide(t *testing.T) {
	d := &door{all: []fleet.Request{{ID: "a", Decision: fleet.Waiting}, {ID: "b", Decision: fleet.Waiting}, {ID: "gone", Decision: fleet.Waiting},
		{ID: "no", Decision: fleet.Rejected}, {ID: "yes", Decision: fleet.Approved}}}
	for _, tt := range []struct {
		path, form string
		want       int
	}{
		{"a/approve", "", http.StatusSeeOther}, {"a/approve", "compared=no", http.StatusSeeOther},
		{"no/approve", "compared=yes", http.StatusSeeOther}, {"yes/reject", "", http.StatusSeeOther},
		{"unknown/approve", "compared=yes", http.StatusNotFound}, {"gone/reject", "", http.StatusNotFound}, {"A/reject", "", http.StatusNotFound},
	} {
		if code := d.post(t, "/hosts/requests/"+tt.path, tt.form, false); code != tt.want || d.decided != nil {
			t.Errorf("%s %s: %d, decided %q", tt.path, tt.form, code, d.decided)
		}
	}
	if code := d.post(t, "/hosts/requests/a/approve", "compared=yes", true); code != http.StatusNotFound || d.decided != nil {
		t.Errorf("a dashboard that decides nothing: %d, %q", code, d.decided)
	}
	for _, path := range []string{"a/approve", "b/reject"} {
		if code := d.post(t, "/hosts/requests/"+path, "compared=yes", false); code != http.StatusSeeOther {
			t.Errorf("%s: %d", path, code)
		}
	}
	if want := []string{"a approved by ann", "b rejected by ann"}; !slices.Equal(d.decided, want) {
		t.Errorf("decided: %q", d.decided)
	}
	d.err = errors.New("no store")
	if code := d.post(t, "/hosts/requests/a/reject", "", false); code != http.StatusInternalServerError || len(d.decided) != 2 {
		t.Errorf("without a store: %d", code)
	}
}
