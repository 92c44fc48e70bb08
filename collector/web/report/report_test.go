package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/triage"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

const (
	one = fleet.HostID("01010101010101010101010101010101")
	two = fleet.HostID("02020202020202020202020202020202")
)

const hostile = "<script>alert(1)</script>\u202e=cmd|' /C calc'!A0"

// open returns the pages over a store with two hosts, of which the second has the tag
// env=prod. On both ssh-root fails, waived where the tag is; the first has a hostile name.
func open(t *testing.T) (*store.Store, *http.ServeMux) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	now := time.Now()
	if err := s.Write(t.Context(), func(w db.Writer) error { return fill(w, now) }); err != nil {
		t.Fatal(err)
	}
	f, err := frame.New(frame.Config{Log: log, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := New(Config{Frame: f, Data: s, Posture: s, Lists: s, Checks: s.Checks})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range pages.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	return s, mux
}

func fill(w db.Writer, now time.Time) error {
	today := now.Unix() / 86400
	for i, id := range []fleet.HostID{one, two} {
		key, err := id.Bytes()
		if err != nil {
			return err
		}
		name := fmt.Sprintf("h%d", i+1)
		if id == one {
			name = hostile
		}
		beat, err := wire.Encode(wire.Record{Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: name}}})
		if err != nil {
			return err
		}
		result := finding.Result{Check: "ssh-root", Status: finding.StatusFail, Severity: finding.SeverityHigh, Actual: "yes", Expected: "no"}
		body, err := wire.Encode(wire.Record{Change: &finding.Change{Result: result}})
		if err != nil {
			return err
		}
		for _, step := range []struct {
			text string
			args []any
		}{
			{"INSERT INTO host (host, first_seen, last_seen, name, heartbeat, pass, fail, severity4, pending) VALUES (?, 1, ?, ?, ?, 3, 2, 1, 1)",
				[]any{key, now.UnixNano(), name, beat}},
			{"INSERT INTO state VALUES (?, 'ssh-root', '', 2, 4, 7, ?)", []any{key, body}},
			{"INSERT INTO state VALUES (?, 'patch-security-updates', 'openssl', 2, 4, ?, ?)", []any{key, now.AddDate(0, 0, -40*(i+1)).UnixNano(), body}},
			{"INSERT INTO host_check VALUES (?, 'ssh-root', 1), (?, 'patch-security-updates', 1)", []any{key, key}},
			{"INSERT INTO host_day VALUES (?, ?, 1, 4, 0, 0), (?, ?, 3, 2, 0, 0)", []any{key, today - 5, key, today - 1}},
		} {
			if err := w.Exec(step.text, step.args...); err != nil {
				return fmt.Errorf("%s: %w", step.text, err)
			}
		}
	}
	key, err := two.Bytes()
	if err == nil {
		err = w.Exec("INSERT INTO host_tag VALUES (?, 'env=prod')", key)
	}
	if err == nil {
		err = w.Exec("INSERT INTO check_rollup (check_id, pass, fail, hosts) VALUES ('ssh-root', 0, 2, 2), ('patch-security-updates', 0, 2, 2)")
	}
	if err == nil {
		err = w.Exec("INSERT INTO day (day, pass, fail) VALUES (?, 2, 8), (?, 6, 4)", today-60, today-3)
	}
	if err == nil {
		_, err = triage.Add(w, now, triage.Waiver{Check: "ssh-root", Tag: "env=prod", Owner: "ann", Reason: hostile, Who: "ann", Expires: now.AddDate(0, 1, 0)})
	}
	return err
}

func get(mux *http.ServeMux, path string, v frame.Visitor) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, frame.With(httptest.NewRequest(http.MethodGet, path, nil), v))
	return w
}

var (
	viewer = frame.Visitor{User: "eve", Role: frame.Viewer}
	scoped = frame.Visitor{User: "pat", Role: frame.Viewer, Scope: []string{"env=prod"}}
)

// TestPage: each report says what is in it, and nothing of who is out of its scope.
func TestPage(t *testing.T) {
	_, mux := open(t)
	for _, c := range []struct {
		name, path string
		who        frame.Visitor
		code       int
		has, lacks []string
	}{
		{"fleet", "/reports", viewer, 200, []string{"the fleet", "&lt;script&gt;", "2 before waivers", "openssl", "env=prod", "Failing results from 8 on"}, []string{"<script>alert"}},
		{"tag", "/reports?tag=env%3Dprod&days=90", viewer, 200, []string{"hosts with tag env=prod", ">h2<", "1 for 31 to 90"}, []string{"alert(1)</bdi></a>"}},
		{"host", "/reports?host=" + string(one), viewer, 200, []string{"Findings", "openssl"}, []string{"waived until"}},
		{"waived host", "/reports?host=" + string(two), viewer, 200, []string{"waived until"}, nil},
		{"scoped", "/reports", scoped, 200, []string{"Only hosts with the tag", ">h2<"}, []string{string(one)}},
		{"scoped, its host", "/reports?host=" + string(two), scoped, 200, []string{"host h2"}, nil},
		{"scoped, another's host", "/reports?host=" + string(one), scoped, 404, nil, []string{"ssh-root"}},
		{"scoped, another's tag", "/reports?tag=other", scoped, 200, []string{"No host is in this report"}, []string{"ssh-root"}},
		{"no such host", "/reports?host=" + strings.Repeat("3", 32), viewer, 404, nil, nil},
		{"hostile address", "/reports?tag=%27%20OR%201%3D1%20--&days=-1&host=%00", viewer, 200, []string{"No host is in this report"}, nil},
	} {
		w := get(mux, c.path, c.who)
		body := w.Body.String()
		if w.Code != c.code {
			t.Errorf("%s: %d, want %d\n%s", c.name, w.Code, c.code, body)
		}
		for _, part := range c.has {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %q\n%s", c.name, part, body)
			}
		}
		for _, part := range c.lacks {
			if strings.Contains(body, part) {
				t.Errorf("%s: has %q\n%s", c.name, part, body)
			}
		}
	}
}

// TestExport: files hold what the page says, run in no spreadsheet, and leave a trace.
func TestExport(t *testing.T) {
	s, mux := open(t)
	var whole struct {
		Hosts   int
		Failing [6]int
		Waived  [6]int
		Checks  []struct{ Hosts, Bad, Waived int }
		Days    []struct{ Counts fleet.Counts }
		Worst   []struct{ Name string }
	}
	w := get(mux, "/reports/export?format=json", viewer)
	if err := json.Unmarshal(w.Body.Bytes(), &whole); err != nil || whole.Hosts != 2 || whole.Failing[4] != 2 || whole.Waived[4] != 1 || len(whole.Checks) != 2 {
		t.Errorf("%v %+v\n%s", err, whole, w.Body)
	}
	if n := len(whole.Days); n != 30 || whole.Days[0].Counts.Fail != 8 || whole.Days[28].Counts.Fail != 4 || whole.Days[29].Counts.Fail != 4 {
		t.Errorf("%d days: %+v", n, whole.Days)
	}
	for part, rows := range map[string]int{"checks": 2, "hosts": 2, "packages": 1, "trend": 30} {
		w := get(mux, "/reports/export?format=csv&part="+part, viewer)
		all, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || len(all) != rows+1 {
			t.Errorf("%s: %d rows, %v", part, len(all), err)
		}
		for _, row := range all {
			for _, cell := range row {
				if strings.ContainsAny(cell, "\u202e") || strings.HasPrefix(cell, "=") {
					t.Errorf("%s has the cell %q", part, cell)
				}
			}
		}
	}
	for _, path := range []string{"?format=csv", "?format=xml", "?format=csv&part=findings", "?format=json&part=checks"} {
		if w := get(mux, "/reports/export"+path, viewer); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(mux, "/reports/export?format=json&host="+string(one), scoped); w.Code != http.StatusNotFound {
		t.Errorf("another's host: %d", w.Code)
	}
	if w := get(mux, "/reports/export?format=csv&part=findings&host="+string(two), scoped); w.Code != 200 || !strings.Contains(w.Body.String(), "waived") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var did []string
	err := s.Read(t.Context(), func(q db.Querier) error {
		all, err := trail.List(t.Context(), q, trail.Query{Action: "report"})
		for _, e := range all {
			did = append(did, e.Who+" "+e.Detail)
		}
		return err
	})
	if err != nil || len(did) != 6 || did[0] != "pat of host h2" || did[5] != "eve of the fleet" {
		t.Errorf("trail %q, %v", did, err)
	}
}
