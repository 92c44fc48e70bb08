package settings

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/erase"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
)

const host = fleet.HostID("01010101010101010101010101010101")

// open returns the pages over a store with one host.
func open(t *testing.T) (*store.Store, *http.ServeMux) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.SaveMember(t.Context(), fleet.Member{Host: host, Key: fleet.KeyHash{1}, Standing: fleet.Active}); err != nil {
		t.Fatal(err)
	}
	f, err := frame.New(frame.Config{Log: log, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := New(Config{Frame: f, Data: s, Days: 30, Kept: []Kept{{"Changes", "30 days"}},
		Forget: func(ctx context.Context, id fleet.HostID, record func(db.Writer, int64) error) (rows int64, err error) {
			_, err = s.Forget(ctx, id, func(w db.Writer, gone []erase.Count) error {
				for _, c := range gone {
					rows += c.Rows
				}
				return record(w, rows)
			})
			return rows, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range pages.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	return s, mux
}

// TestForget: what is not meant is not done, and what is done is in the trail.
func TestForget(t *testing.T) {
	s, mux := open(t)
	admin, scoped := frame.Visitor{User: "ann", Role: frame.Admin}, frame.Visitor{User: "bob", Role: frame.Admin, Scope: []string{"x"}}
	viewer := frame.Visitor{User: "eve", Role: frame.Viewer}
	for _, step := range []struct {
		who  frame.Visitor
		path string
		form url.Values
		code int
		part string
	}{
		{viewer, "/settings", nil, 200, "login_user"},
		{viewer, "/settings", nil, 200, "30 days"},
		{admin, "/settings", nil, 200, "Forget the host"},
		{viewer, "/settings", nil, 200, "as configured"},
		{admin, "/settings/retention", url.Values{"changes": {"0"}, "trail": {"<script>"}}, 422, "The audit trail: 90 to 3650 days"},
		{scoped, "/settings/retention", url.Values{"changes": {"7"}}, 403, ""},
		{admin, "/settings/retention", url.Values{"changes": {"7"}, "detections": {"30"}, "waivers": {"0"}}, 303, ""},
		{viewer, "/settings", nil, 200, "7 days"},
		{admin, "/settings/forget-host", url.Values{"host": {string(host)}}, 422, "sure"},
		{admin, "/settings/forget-host", url.Values{"host": {"x' OR 1=1 --"}, "sure": {"yes"}}, 422, `role="alert"`},
		{admin, "/settings/forget-host", url.Values{"host": {strings.Repeat("0", 32)}, "sure": {"yes"}}, 422, "no such host"},
		{scoped, "/settings/forget-host", url.Values{"host": {string(host)}, "sure": {"yes"}}, 403, ""},
		{scoped, "/settings/forget-name", url.Values{"name": {"mara"}, "sure": {"yes"}}, 403, ""},
		{admin, "/settings/forget-name", url.Values{"name": {"mara"}}, 422, "sure"},
		{admin, "/settings/forget-name", url.Values{"name": {"<script>"}, "sure": {"yes"}}, 422, "&lt;script&gt;"},
		{admin, "/settings/forget-name", url.Values{"name": {"mara"}, "sure": {"yes"}}, 303, ""},
		{admin, "/settings/forget-host", url.Values{"host": {string(host)}, "sure": {"yes"}}, 303, ""},
		{admin, "/settings/forget-host", url.Values{"host": {string(host)}, "sure": {"yes"}}, 422, "no such host"},
	} {
		method := http.MethodPost
		if step.form == nil {
			method = http.MethodGet
		}
		r := httptest.NewRequest(method, step.path, strings.NewReader(step.form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, frame.With(r, step.who))
		if w.Code != step.code || !strings.Contains(w.Body.String(), step.part) || strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%s %v: %d, want %d with %q\n%s", step.path, step.form, w.Code, step.code, step.part, w.Body)
		}
		if step.who.User == "eve" && strings.Contains(w.Body.String(), "forget-host") {
			t.Error("who only reads has a form")
		}
	}
	var got []string
	err := s.Read(t.Context(), func(q db.Querier) error {
		entries, err := trail.List(t.Context(), q, trail.Query{})
		for _, e := range entries {
			got = append(got, e.Who+" "+e.Action+" "+e.Target)
			if strings.Contains(e.Detail, "mara") {
				t.Errorf("the trail keeps the name: %s", e.Detail)
			}
		}
		return err
	})
	if err != nil || strings.Join(got, "|") != "ann host forget "+string(host)+"|ann name forget |ann retention set changes" {
		t.Errorf("trail %q, %v", got, err)
	}
}
