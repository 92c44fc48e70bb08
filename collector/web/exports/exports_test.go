package exports

import (
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/webtest"
)

var shots = flag.String("shots", "", "folder for pictures")

// site is the pages over a real store, for one visitor at a time.
type site struct {
	*testing.T
	data    *store.Store
	visitor frame.Visitor
	mux     *http.ServeMux
	now     time.Time
	changed int
	routes  []alert.Route
	frame   *frame.Frame
}

func open(t *testing.T) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &site{T: t, now: time.Unix(1_800_000_000, 0).UTC(), visitor: frame.Visitor{User: "alice", Role: frame.Admin, Form: "f"}, mux: http.NewServeMux()}
	var err error
	if s.data, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.data.Close() })
	if s.frame, err = frame.New(frame.Config{Version: "test", Log: log, Now: func() time.Time { return s.now }}); err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Frame: s.frame, Data: s.data, Changed: func() { s.changed++ }, Routes: func() ([]alert.Route, time.Time) { return s.routes, s.now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Routes() {
		s.mux.HandleFunc(r.Pattern, r.Serve)
	}
	return s
}

// ask sends a request, a POST where there is a form.
func (s *site) ask(path string, form url.Values) (code int, body, to string) {
	s.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, frame.With(r, s.visitor))
	return w.Code, w.Body.String(), w.Header().Get("Location")
}

func (s *site) shows(path string, want ...string) {
	s.Helper()
	code, body, _ := s.ask(path, nil)
	if code != http.StatusOK {
		s.Errorf("%s: %d", path, code)
	}
	for _, w := range want {
		if !strings.Contains(body, w) {
			s.Errorf("%s does not have %q", path, w)
		}
	}
}

func form(more ...string) url.Values {
	v := url.Values{"name": {"siem"}, "enabled": {"yes"}, "what": {"changes", "findings"}, "every": {"12"}, "severity": {"3"}, "families": {"ssh patch"},
		"tags": {"env=prod"}, "format": {"ecs"}, "route": {"hook"}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// TestExport: an export is made, shown, changed and deleted; each is in the trail; a wrong
// form comes back with what was typed and what is wrong.
func TestExport(t *testing.T) {
	s := open(t)
	s.shows("/exports", "Nothing is exported yet", `href="/exports/new"`)
	s.shows("/exports/new", "Name of a route")
	s.routes = []alert.Route{{Name: "mail", Kind: "email"}, {Name: "hook", Kind: "webhook"}}
	if _, body, _ := s.ask("/exports/new", nil); strings.Contains(body, ">mail<") || !strings.Contains(body, ">hook<") {
		t.Error("the form offers another route than those for programs")
	}
	for want, wrong := range map[string]url.Values{
		"name: 1 to 63": form("name", "<script>"), "format: ocsf": form("format", "xml"), "every: not a number": form("every", "often"),
		"severity: not a number": form("severity", "-1"), "what: at least one": {"name": {"a"}, "format": {"ocsf"}, "route": {"hook"}, "severity": {"0"}},
	} {
		code, body, _ := s.ask("/exports/new", wrong)
		if code != http.StatusUnprocessableEntity || !strings.Contains(body, want) || strings.Contains(body, "<script>") {
			t.Errorf("%s: %d", want, code)
		}
	}
	if code, _, to := s.ask("/exports/new", form()); code != http.StatusSeeOther || to != "/exports" || s.changed != 1 {
		t.Fatalf("%d to %s, told %d times", code, to, s.changed)
	}
	if code, body, _ := s.ask("/exports/new", form()); code != http.StatusUnprocessableEntity || !strings.Contains(body, "another export has this one") {
		t.Errorf("the same name again: %d", code)
	}
	s.shows("/exports", "changes, findings every 12 hours as ecs, medium and worse", "hook", "env=prod")
	s.shows("/exports/of/siem", `value="12"`, "ssh patch", `action="/exports/of/siem/delete"`)
	change := form("name", "other", "severity", "5")
	change.Del("enabled")
	if code, _, _ := s.ask("/exports/of/siem", change); code != http.StatusSeeOther {
		t.Errorf("a change: %d", code)
	}
	if p, err := order.Get(t.Context(), s.data, "siem"); err != nil || p.Enabled || p.MinSeverity != 5 || p.Route != "hook" {
		t.Errorf("%+v, %v", p, err)
	}
	if code, _, _ := s.ask("/exports/of/siem/delete", url.Values{}); code != http.StatusSeeOther || s.changed != 3 {
		t.Errorf("deletion: %d", code)
	}
	for path, form := range map[string]url.Values{"/exports/of/siem": nil, "/exports/of/siem/delete": {}, "/exports/of/other": form()} {
		if code, _, _ := s.ask(path, form); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
	var said []string
	if err := s.data.Read(t.Context(), func(q db.Querier) error {
		entries, err := trail.List(t.Context(), q, trail.Query{})
		for _, e := range entries {
			said = append(said, e.Who+" "+e.Action+" "+e.Target)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(said, "; "), "alice stream delete siem; alice stream change siem; alice stream add siem"; got != want {
		t.Errorf("the trail says %s, want %s", got, want)
	}
}

// troubled has an export in each state.
func (s *site) troubled() {
	s.Helper()
	s.routes = []alert.Route{{Name: "hook", Kind: "webhook"}}
	put := func(w db.Writer, name, state string) error {
		id, err := outbox.Put(w, s.now, outbox.Item{Route: "hook", Kind: alert.KindRaw, Rule: "export " + name, Body: []byte("x")})
		if err != nil {
			return err
		}
		return w.Exec("UPDATE outbox SET state = ? WHERE id = ?", state, id)
	}
	err := s.data.Write(s.Context(), func(w db.Writer) error {
		for _, name := range []string{"behind", "refused", "off", "fine"} {
			v := order.Order{Name: name, Enabled: name != "off", Route: map[bool]string{true: "gone", false: "hook"}[name == "off"], Format: order.OCSF, What: []string{order.Changes}}
			if _, err := order.Save(w, s.now, v); err != nil {
				return err
			}
		}
		if err := put(w, "behind", "waiting"); err != nil {
			return err
		}
		if err := put(w, "refused", "refused"); err != nil {
			return err
		}
		if err := w.Exec("UPDATE export_stream SET lost = 7, sent = 123456 WHERE name = 'refused'"); err != nil {
			return err
		}
		return w.Exec("INSERT INTO event (id, host, lane, epoch, seq, ordinal, received, check_id, moved, body, host_before, check_before) VALUES (1, x'00', 'l', 1, 1, 0, 0, 'c', 0, x'', 0, 0)")
	})
	if err != nil {
		s.Fatal(err)
	}
	if err := s.data.Write(s.Context(), func(w db.Writer) error { return w.Exec("UPDATE export_stream SET events = 1 WHERE name <> 'behind'") }); err != nil {
		s.Fatal(err)
	}
}

// TestStates: what is wrong with an export is told.
func TestStates(t *testing.T) {
	s := open(t)
	s.troubled()
	s.shows("/exports", "behind</span>", "refused</span>", "1 parcel to look at", "7 lost", "not in routes.yaml", ">off</span>", "and 1 parcel on the way")
	s.visitor = frame.Visitor{User: "eve", Role: frame.Viewer}
	if code, body, _ := s.ask("/exports", nil); code != http.StatusOK || strings.Contains(body, "/exports/new") {
		t.Errorf("a viewer is offered to change: %d", code)
	}
}

// TestBrowser: every page in Chromium, light and dark, narrow and wide, with axe-core, by
// keyboard and without script.
func TestBrowser(t *testing.T) {
	s := open(t)
	s.troubled()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/static/") {
			s.frame.Files().ServeHTTP(w, r)
			return
		}
		s.mux.ServeHTTP(w, frame.With(r, s.visitor))
	}))
	t.Cleanup(server.Close)
	webtest.Walk{Base: server.URL, Shots: *shots}.Pages(t, webtest.Chromium(t), []string{"/exports", "/exports/new", "/exports/of/refused"})
}
