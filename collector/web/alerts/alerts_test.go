package alerts

import (
	"encoding/json"
	"flag"
	"io"
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
	"seawall/collector/alert/rules"
	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/webtest"
)

// site is the pages over a real store, for one visitor at a time.
type site struct {
	t       *testing.T
	data    *store.Store
	box     *outbox.Outbox
	visitor frame.Visitor
	mux     *http.ServeMux
	now     time.Time
	changed int
	routes  []alert.Route
	seen    time.Time
	frame   *frame.Frame
}

func newSite(t *testing.T) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &site{t: t, now: time.Unix(1_800_000_000, 0).UTC(), visitor: frame.Visitor{User: "alice", Role: frame.Admin, Form: "f"}, mux: http.NewServeMux()}
	var err error
	if s.data, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.data.Close() })
	now := func() time.Time { return s.now }
	s.box = outbox.New(s.data, now)
	f, err := frame.New(frame.Config{Version: "test", Log: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Frame: f, Data: s.data, Outbox: s.box, Changed: func() { s.changed++ },
		Routes: func() ([]alert.Route, time.Time) { return s.routes, s.seen }})
	if err != nil {
		t.Fatal(err)
	}
	f.Menu(p.Routes())
	s.frame = f
	for _, r := range p.Routes() {
		s.mux.HandleFunc(r.Pattern, r.Serve)
	}
	return s
}

// ask sends a request, a POST where there is a form, and returns the answer.
func (s *site) ask(path string, form url.Values) (code int, body string, to string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, frame.With(r, s.visitor))
	data, err := io.ReadAll(w.Result().Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.Code, string(data), w.Header().Get("Location")
}

func (s *site) shows(path string, want ...string) {
	s.t.Helper()
	code, body, _ := s.ask(path, nil)
	if code != http.StatusOK {
		s.t.Errorf("%s: %d", path, code)
	}
	for _, w := range want {
		if !strings.Contains(body, w) {
			s.t.Errorf("%s does not have %q", path, w)
		}
	}
	if strings.Contains(body, "<script>") {
		s.t.Errorf("%s has a host's markup", path)
	}
}

func ruleForm() url.Values {
	return url.Values{"name": {"pages <script>"}, "enabled": {"yes"}, "resolved": {"yes"}, "topics": {"finding", "silent"}, "severity": {"4"},
		"families": {"ssh"}, "checks": {"ssh-*"}, "tags": {"env=prod"}, "routes": {"mail", "chat"}, "group": {"host"},
		"wait": {"2s"}, "every": {"5m"}, "quiet": {"1h"}, "hourly": {"30"}}
}

// TestRule: a rule is made, shown, changed and deleted; each is in the trail; a wrong
// form comes back with what was typed and what is wrong.
func TestRule(t *testing.T) {
	s := newSite(t)
	s.shows("/alerts", "Nobody is told", "seawall-notify has not been heard of")
	s.shows("/alerts/rules/new", `value="2s"`, "Name of a route")
	code, body, _ := s.ask("/alerts/rules/new", url.Values{"name": {"x"}, "hourly": {"many"}, "wait": {"soon"}, "routes": {"mail"}, "topics": {"nonsense"}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("a wrong form: %d", code)
	}
	for _, want := range []string{"hourly: not a number", "wait: a time such as", "topics: there is no", `value="x"`} {
		if !strings.Contains(body, want) {
			t.Errorf("a wrong form's answer does not have %q", want)
		}
	}
	if code, _, to := s.ask("/alerts/rules/new", ruleForm()); code != http.StatusSeeOther || to != "/alerts" || s.changed != 1 {
		t.Fatalf("%d to %s, %d changes told", code, to, s.changed)
	}
	s.shows("/alerts", "pages &lt;script&gt;", "chat", "env=prod", "a check fails, a host is silent, and its end")
	s.shows("/alerts/rules/1", `value="pages &lt;script&gt;"`, `value="ssh-*"`, `action="/alerts/rules/1/delete"`)
	all, err := rules.List(t.Context(), s.data)
	if err != nil || len(all) != 1 || all[0].Every != 5*time.Minute || all[0].MinSeverity != 4 || !all[0].Resolved || all[0].Group != alert.ByHost {
		t.Fatalf("%+v, %v", all, err)
	}
	if code, _, _ := s.ask("/alerts/rules/new", ruleForm()); code != http.StatusUnprocessableEntity {
		t.Errorf("the same name again: %d", code)
	}
	form := ruleForm()
	form.Del("enabled")
	if code, _, _ := s.ask("/alerts/rules/1", form); code != http.StatusSeeOther {
		t.Errorf("a change: %d", code)
	}
	if code, _, _ := s.ask("/alerts/rules/1/delete", url.Values{}); code != http.StatusSeeOther {
		t.Errorf("deletion: %d", code)
	}
	for path, form := range map[string]url.Values{"/alerts/rules/1": nil, "/alerts/rules/x": nil, "/alerts/rules/9/delete": {}} {
		if code, _, _ := s.ask(path, form); code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, code)
		}
	}
	if code, _, _ := s.ask("/alerts/rules/1", ruleForm()); code != http.StatusNotFound {
		t.Errorf("a change of a rule that is gone: %d", code)
	}
	var entries []trail.Entry
	if err := s.data.Read(t.Context(), func(q db.Querier) (err error) {
		entries, err = trail.List(t.Context(), q, trail.Query{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, e := range entries {
		did = append(did, e.Who+" "+e.Action)
	}
	if got := strings.Join(did, ", "); got != "alice rule delete, alice rule change, alice rule add" {
		t.Errorf("trail: %s", got)
	}
}

// TestDeliveries: a test message can be followed; what was refused is sent again; a
// visitor with a scope sees no message.
func TestDeliveries(t *testing.T) {
	s := newSite(t)
	s.routes, s.seen = []alert.Route{{Name: "mail", Kind: "email", To: "mail.example.net:25 → ops@example.net"}}, s.now.Add(-time.Hour)
	s.shows("/alerts", "ops@example.net", "was last heard of", "Send a test")
	if code, _, _ := s.ask("/alerts/test", url.Values{"route": {"elsewhere"}}); code != http.StatusNotFound {
		t.Errorf("a test of a route that is not there: %d", code)
	}
	code, _, to := s.ask("/alerts/test", url.Values{"route": {"mail"}})
	if code != http.StatusSeeOther || !strings.HasPrefix(to, "/alerts/deliveries/") {
		t.Fatalf("%d to %s", code, to)
	}
	s.shows(to, "waiting", "Test of the route mail, asked for by alice")
	s.shows("/alerts/deliveries", "Test of the route mail")
	s.shows("/alerts/deliveries?state=sent", "No message matches")
	parcels, err := s.box.Claim(t.Context(), "mail", 1)
	if err != nil || len(parcels) != 1 {
		t.Fatalf("%v, %v", parcels, err)
	}
	if err := s.box.Report(t.Context(), alert.Outcome{ID: parcels[0].ID, Result: alert.Refused, Detail: "550 <script>no"}, 1); err != nil {
		t.Fatal(err)
	}
	s.shows(to, "refused", "550 &lt;script&gt;no", "Send it again")
	s.shows("/alerts", "1 refused or expired")
	if code, _, back := s.ask(to+"/again", url.Values{}); code != http.StatusSeeOther || back != to {
		t.Errorf("again: %d to %s", code, back)
	}
	if code, _, _ := s.ask(to+"/again", url.Values{}); code != http.StatusNotFound {
		t.Errorf("again while it waits: %d", code)
	}
	s.visitor.Scope = []string{"env=prod"}
	for _, path := range []string{"/alerts/deliveries", to} {
		if code, body, _ := s.ask(path, nil); code != http.StatusForbidden || strings.Contains(body, "asked for") {
			t.Errorf("%s within a scope: %d", path, code)
		}
	}
	if _, body, _ := s.ask("/alerts", nil); strings.Contains(body, "asked for by") {
		t.Error("a visitor with a scope sees a message")
	}
	s.visitor = frame.Visitor{User: "bob", Role: frame.Viewer}
	if _, body, _ := s.ask("/alerts", nil); strings.Contains(body, "New rule") || strings.Contains(body, "Send a test") {
		t.Error("a viewer is shown what only others may do")
	}
}

// TestWithinScope: who sees some hosts is shown the rules that can tell of them, and the routes
// of these rules, and nothing to try.
func TestWithinScope(t *testing.T) {
	s := newSite(t)
	if code, _, _ := s.ask("/alerts/rules/new", ruleForm()); code != http.StatusSeeOther {
		t.Fatalf("a rule: %d", code)
	}
	for tag, sees := range map[string]bool{"env=prod": true, "env=dev": false} {
		s.visitor = frame.Visitor{User: "bob", Role: frame.Operator, Scope: []string{tag}}
		_, body, _ := s.ask("/alerts", nil)
		for _, what := range []string{"pages &lt;script&gt;", "<bdi>mail</bdi>", "env=prod"} {
			if strings.Contains(body, what) != sees {
				t.Errorf("%s sees %s: %v", tag, what, !sees)
			}
		}
		if strings.Contains(body, `action="/alerts/test"`) {
			t.Errorf("%s may send a test", tag)
		}
	}
}

// TestPages: the log is read page by page, each message once.
func TestPages(t *testing.T) {
	s := newSite(t)
	err := s.data.Write(t.Context(), func(w db.Writer) error {
		for range 120 {
			if _, err := outbox.Put(w, s.now, outbox.Item{Route: "r", Kind: alert.KindRaw, Title: "needle", Body: []byte("x")}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	path, total := "/alerts/deliveries?route=r", 0
	for range 3 {
		_, body, _ := s.ask(path, nil)
		total += strings.Count(body, "<bdi>needle</bdi>")
		_, rest, more := strings.Cut(body, `rel="next"`)
		_ = rest
		at := strings.LastIndex(body[:len(body)-len(rest)], `href="`)
		if more {
			path = strings.ReplaceAll(strings.SplitN(body[at+6:], `"`, 2)[0], "&amp;", "&")
		}
	}
	if total != 120 {
		t.Errorf("%d messages on three pages", total)
	}
}

var shots = flag.String("shots", "", "keep screenshots of all pages in this folder")

// TestBrowser: every page in Chromium, light and dark, narrow and wide, with axe-core,
// by keyboard and without script.
func TestBrowser(t *testing.T) {
	s := newSite(t)
	s.routes, s.seen = []alert.Route{{Name: "mail", Kind: "email", To: "mail.example.net:25 → ops@example.net"}, {Name: "chat", Kind: "slack", To: "https://hooks.example.net"}}, s.now
	if code, _, _ := s.ask("/alerts/rules/new", ruleForm()); code != http.StatusSeeOther {
		t.Fatalf("rule: %d", code)
	}
	_, _, message := s.ask("/alerts/test", url.Values{"route": {"mail"}})
	m := alert.Compose("0123456789abcdef0123456789abcdef", "pages", s.now, []alert.Signal{{Topic: alert.Finding, Severity: 5, Host: "h", HostName: strings.Repeat("web-1.", 12),
		Check: "ssh-root", Title: "Root may log in <b>", Actual: strings.Repeat("x", 200), Time: s.now}}, 0)
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.data.Write(t.Context(), func(w db.Writer) error {
		_, err := outbox.Put(w, s.now, outbox.Item{ID: m.ID, Route: "chat", Kind: alert.KindMessage, Title: m.Summary, Rule: m.Rule, Body: body})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.box.Report(t.Context(), alert.Outcome{ID: m.ID, Result: alert.Refused, Detail: "404 Not Found: no such hook"}, 0); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/static/") {
			s.frame.Files().ServeHTTP(w, r)
			return
		}
		s.mux.ServeHTTP(w, frame.With(r, s.visitor))
	}))
	t.Cleanup(server.Close)
	webtest.Walk{Base: server.URL, Shots: *shots}.Pages(t, webtest.Chromium(t),
		[]string{"/alerts", "/alerts/rules/new", "/alerts/rules/1", "/alerts/deliveries", message, "/alerts/deliveries/" + m.ID})
}
