package triage

import (
	"errors"
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
	"seawall/collector/trail"
	"seawall/collector/triage"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

const (
	one  = "01010101010101010101010101010101"
	two  = "02020202020202020202020202020202"
	evil = `<script>alert(1)</script>" onfocus="alert(1)`
)

// site is the pages over a store with two hosts on which ssh-root fails. The second has
// the tag env=prod.
type site struct {
	*testing.T
	data  *store.Store
	mux   *http.ServeMux
	frame *frame.Frame
}

func open(t *testing.T) site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	told := func(resource string) []byte {
		b, err := wire.Encode(wire.Record{Change: &finding.Change{Result: finding.Result{Check: "ssh-root", Resource: resource, Status: finding.StatusFail, Severity: finding.SeverityHigh,
			Actual: "yes " + evil, Expected: "no", Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config", Line: 33, Text: evil}}}}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	err = data.Write(t.Context(), func(w db.Writer) error {
		return errors.Join(
			w.Exec("INSERT INTO host (host, first_seen, last_seen, name) VALUES (x'"+one+"', 1, 1, ?), (x'"+two+"', 1, 1, 'web-2')", evil),
			w.Exec("INSERT INTO state VALUES (x'"+one+"', 'ssh-root', ?, 2, 4, 7, ?), (x'"+two+"', 'ssh-root', '', 2, 4, 7, ?)", evil, told(evil), told("")),
			w.Exec("INSERT INTO host_check VALUES (x'"+one+"', 'ssh-root', 1), (x'"+two+"', 'ssh-root', 1)"),
			w.Exec("INSERT INTO host_tag VALUES (x'"+two+"', 'env=prod')"))
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := frame.New(frame.Config{Log: log, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := New(Config{Frame: f, Data: data, Host: data.Host})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range pages.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	return site{t, data, mux, f}
}

// ask sends a request of a visitor and returns the answer.
func (s site) ask(v frame.Visitor, path string, form url.Values) (int, string) {
	s.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, frame.With(r, v))
	return w.Code, w.Body.String()
}

func (s site) expect(v frame.Visitor, path string, form url.Values, code int, parts ...string) {
	s.Helper()
	got, body := s.ask(v, path, form)
	if got != code {
		s.Errorf("%s: %d, want %d\n%s", path, got, code, body)
	}
	for _, part := range parts {
		if !strings.Contains(body, part) {
			s.Errorf("%s: no %q in\n%s", path, part, body)
		}
	}
	if strings.Contains(body, "<script>alert") || strings.Contains(body, `" onfocus="alert`) {
		s.Errorf("%s: a host's markup is in the page", path)
	}
}

var (
	operator = frame.Visitor{User: "ann", Role: frame.Operator, Form: "token"}
	scoped   = frame.Visitor{User: "bob", Role: frame.Operator, Scope: []string{"env=prod"}}
	viewer   = frame.Visitor{User: "eve", Role: frame.Viewer}
)

func waiverForm(more ...string) url.Values {
	v := url.Values{"check": {"ssh-root"}, "owner": {"ann"}, "reason": {evil}, "until": {"2027-05-01"}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// A person waives, sees both numbers, and ends it; the trail has each.
func TestWaive(t *testing.T) {
	s := open(t)
	s.expect(operator, "/waivers", nil, 200, "No finding is waived", `href="/waivers/new"`)
	s.expect(operator, "/waivers/new?check=ssh-root&host="+one, nil, 200, `value="ssh-root"`, one, `max="2028-03-31"`)
	s.expect(operator, "/waivers/new", waiverForm("host", one), http.StatusSeeOther)
	s.expect(viewer, "/waivers", nil, 200, "1 May 2027", "alert(1)", "stand for 1 result that is bad now")
	s.expect(operator, "/checks/ssh-root/triage", nil, 200, "2 findings are bad: 1 waived, 1 after waivers", "waived", "new")
	all, err := triage.Waivers(t.Context(), s.data, noon, false)
	if err != nil || len(all) != 1 || all[0].Who != "ann" {
		t.Fatalf("%+v, %v", all, err)
	}
	s.expect(operator, "/waivers/"+all[0].ID+"/end", url.Values{}, http.StatusSeeOther)
	s.expect(operator, "/waivers/"+all[0].ID+"/end", url.Values{}, http.StatusNotFound)
	s.expect(operator, "/waivers", nil, 200, "ended by")
	s.expect(operator, "/checks/ssh-root/triage", nil, 200, "2 findings are bad: 0 waived, 2 after waivers")
	if got := s.trail(); got != "waiver end ann|waiver add ann" {
		t.Errorf("trail: %s", got)
	}
}

// trail returns what is in the trail, the newest first.
func (s site) trail() string {
	s.Helper()
	var lines []string
	err := s.data.Read(s.Context(), func(q db.Querier) error {
		entries, err := trail.List(s.Context(), q, trail.Query{})
		for _, e := range entries {
			lines = append(lines, e.Action+" "+e.Who)
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return strings.Join(lines, "|")
}

// A form that is not right comes back with what was written, and nothing is kept.
func TestWaiveProblems(t *testing.T) {
	s := open(t)
	for name, form := range map[string]url.Values{
		"no end":      waiverForm("until", ""),
		"a bad end":   waiverForm("until", "tomorrow"),
		"for ever":    waiverForm("until", "9999-12-31"),
		"past":        waiverForm("until", "2027-03-31"),
		"no reason":   waiverForm("reason", " "),
		"no owner":    waiverForm("owner", ""),
		"no host":     waiverForm("host", "web-2"),
		"both":        waiverForm("host", one, "tag", "env=prod"),
		"a long text": waiverForm("reason", strings.Repeat("x", 3000)),
	} {
		code, body := s.ask(operator, "/waivers/new", form)
		if code != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) || !strings.Contains(body, `value="ssh-root"`) {
			t.Errorf("%s: %d\n%s", name, code, body)
		}
	}
	s.expect(operator, "/waivers", nil, 200, "No finding is waived")
	if got := s.trail(); got != "" {
		t.Errorf("trail: %s", got)
	}
}

// Who has a scope neither sees nor decides beyond it.
func TestScope(t *testing.T) {
	s := open(t)
	path := func(host, resource string) string {
		return Path(triage.Key{Host: fleet.HostID(host), Check: "ssh-root", Resource: resource})
	}
	s.expect(scoped, path(one, evil), nil, http.StatusNotFound)
	s.expect(scoped, "/hosts/"+one+"/finding", url.Values{"check": {"ssh-root"}, "resource": {evil}, "note": {"x"}}, http.StatusNotFound)
	s.expect(scoped, path(two, ""), nil, 200, "web-2")
	s.expect(scoped, "/hosts/"+one+"/triage", nil, http.StatusNotFound)
	s.expect(scoped, "/hosts/"+two+"/triage", nil, 200, "1 finding is bad: 0 waived, 1 after waivers", "web-2")
	s.expect(scoped, "/hosts/none/triage", nil, http.StatusNotFound)
	s.expect(scoped, "/checks/ssh-root/triage", nil, 200, "1 finding is bad", "web-2")
	for name, form := range map[string]url.Values{"all hosts": waiverForm(), "another host": waiverForm("host", one), "another tag": waiverForm("tag", "env=test")} {
		if code, _ := s.ask(scoped, "/waivers/new", form); code != http.StatusUnprocessableEntity {
			t.Errorf("waived on %s: %d", name, code)
		}
	}
	s.expect(scoped, "/waivers/new", waiverForm("tag", "env=prod"), http.StatusSeeOther)
	s.expect(scoped, "/waivers/new", waiverForm("host", two), http.StatusSeeOther)
	s.expect(operator, "/waivers/new", waiverForm("host", one), http.StatusSeeOther)
	s.expect(operator, "/waivers/new", waiverForm("tag", "customer=other"), http.StatusSeeOther)
	for _, path := range []string{"/waivers", "/checks/ssh-root/triage"} {
		if _, body := s.ask(scoped, path, nil); strings.Contains(body, one) || strings.Contains(body, "customer=other") || !strings.Contains(body, two) {
			t.Errorf("%s: waivers of hosts outside:\n%s", path, body)
		}
	}
	all, err := triage.Waivers(t.Context(), s.data, noon, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		want := http.StatusSeeOther
		if w.Host == one || w.Tag == "customer=other" {
			want = http.StatusNotFound
		}
		s.expect(scoped, "/waivers/"+w.ID+"/end", url.Values{}, want)
	}
}

// A finding is looked after by somebody, which is shown where the finding is.
func TestFinding(t *testing.T) {
	s := open(t)
	k := triage.Key{Host: one, Check: "ssh-root", Resource: evil}
	s.expect(operator, Path(k), nil, 200, "by nobody", "new", `name="assignee"`, "never before",
		"What is wrong", "yes &lt;script&gt;", "/etc/ssh/sshd_config</bdi>:33", "No remedy was sent") // with the host's own words
	if _, body := s.ask(viewer, Path(k), nil); strings.Contains(body, "<form class=\"join\"") {
		t.Error("who only reads has a form")
	}
	form := url.Values{"check": {k.Check}, "resource": {k.Resource}, "assignee": {evil}, "note": {"soon " + evil}}
	s.expect(operator, "/hosts/"+one+"/finding", form, http.StatusSeeOther)
	s.expect(viewer, Path(k), nil, 200, "open", "soon")
	s.expect(viewer, "/waivers", nil, 200, "soon", "Looked after <span class=\"tally\">1<")
	s.expect(operator, "/hosts/"+one+"/finding", url.Values{"check": {k.Check}, "resource": {k.Resource}, "note": {strings.Repeat("x", 3000)}},
		http.StatusUnprocessableEntity, `role="alert"`, "xxx")
	for _, path := range []string{"/hosts/" + one + "/finding", "/hosts/x/finding?check=ssh-root", "/hosts/" + two + "/finding?check=' OR 1=1 --"} {
		s.expect(operator, strings.ReplaceAll(path, " ", "%20"), nil, http.StatusNotFound)
	}
	s.expect(operator, "/hosts/"+two+"/finding", url.Values{"check": {"none"}}, http.StatusNotFound)
	if got := s.trail(); got != "finding triage ann" {
		t.Errorf("trail: %s", got)
	}
}
