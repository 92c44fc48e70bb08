package decide

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/rest"
)

const (
	one = "01010101010101010101010101010101"
	two = "02020202020202020202020202020202"
)

// site is the endpoints over a store with two hosts on which ssh-root fails. The second
// has the tag env=prod.
type site struct {
	*testing.T
	data    *store.Store
	mux     *http.ServeMux
	schemas *jsonschema.Compiler
	now     time.Time
	told    []string
}

func open(t *testing.T) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &site{T: t, mux: http.NewServeMux(), now: time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return s.now }
	var err error
	if s.data, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log, Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.data.Close() })
	err = s.data.Write(t.Context(), func(w db.Writer) error {
		return errors.Join(
			w.Exec("INSERT INTO host (host, first_seen, last_seen, name) VALUES (x'"+one+"', 1, 1, 'web-1'), (x'"+two+"', 1, 1, 'web-2')"),
			w.Exec("INSERT INTO state VALUES (x'"+one+"', 'ssh-root', '', 2, 4, 7, x''), (x'"+two+"', 'ssh-root', '', 2, 4, 7, x'')"),
			w.Exec("INSERT INTO host_check VALUES (x'"+one+"', 'ssh-root', 1), (x'"+two+"', 'ssh-root', 1)"),
			w.Exec("INSERT INTO host_tag VALUES (x'"+two+"', 'env=prod')"))
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := frame.New(frame.Config{Log: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Data: s.data, Outbox: outbox.New(s.data, now), Tokens: apitoken.New(s.data, now), Now: now,
		Routes: func() ([]alert.Route, time.Time) { return []alert.Route{{Name: "hook", Kind: "webhook"}}, s.now },
		Rules:  func() { s.told = append(s.told, "rules") }, Exports: func() { s.told = append(s.told, "exports") },
		Change: func(ctx context.Context, id fleet.HostID, change, reason string) (fleet.Member, error) {
			if change == "release" {
				return fleet.Member{}, fmt.Errorf("it is revoked: %w", fs.ErrPermission)
			}
			s.told = append(s.told, trail.By(ctx)+": "+change+" "+string(id)+" "+reason)
			return fleet.Member{Host: id, Standing: fleet.Revoked}, nil
		},
		Decide: func(ctx context.Context, id string, d fleet.Decision) (fleet.Request, error) {
			if id != "aa" {
				return fleet.Request{}, fs.ErrNotExist
			}
			s.told = append(s.told, trail.By(ctx)+": "+string(d)+" "+id)
			return fleet.Request{ID: id, Decision: d}, nil
		},
	}
	server := rest.New(rest.Config{Frame: f, Hosts: s.data.HostPage, Version: "1"}, Endpoints(c))
	for _, r := range server.Routes() {
		s.mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, in *http.Request) {
			if !frame.Of(in).May(r.Role) { // as the dashboard's guard does
				w.WriteHeader(http.StatusForbidden)
				return
			}
			r.Serve(w, in)
		})
	}
	s.schemas = jsonschema.NewCompiler()
	s.schemas.DefaultDraft(jsonschema.Draft2020)
	_, body := s.ask(admin, "GET", "/api/v1/openapi.json", "")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.schemas.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	admin  = frame.Visitor{User: "ann", Role: frame.Admin, Program: true, Session: "t1"}
	scoped = frame.Visitor{User: "bob", Role: frame.Operator, Scope: []string{"env=prod"}, Program: true, Session: "t2"}
	viewer = frame.Visitor{User: "eve", Role: frame.Viewer, Program: true, Session: "t3"}
)

func (s *site) ask(v frame.Visitor, method, path, body string) (int, string) {
	s.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, frame.With(r, v))
	return w.Code, w.Body.String()
}

// expect asks, and holds a good answer against the document: of is the path as the
// document has it, "" where there is no answer to hold.
func (s *site) expect(v frame.Visitor, method, path, of, body string, code int, parts ...string) string {
	s.Helper()
	got, text := s.ask(v, method, path, body)
	if got != code {
		s.Errorf("%s %s as %s: %d, want %d: %s", method, path, v.User, got, code, text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.Errorf("%s %s: no %q in %s", method, path, part, text)
		}
	}
	if of == "" || code/100 != 2 || code == http.StatusNoContent {
		return text
	}
	at := "api.json#/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(of) + "/" + strings.ToLower(method) + "/responses/" + fmt.Sprint(code) + "/content/application~1json/schema"
	schema, err := s.schemas.Compile(at)
	if err != nil {
		s.Fatal(err)
	}
	answer, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		s.Fatal(err)
	}
	if err := schema.Validate(answer); err != nil {
		s.Errorf("%s %s: %v", method, path, err)
	}
	return text
}

// trail returns what is in the audit trail, the newest first.
func (s *site) trail() string {
	s.Helper()
	text := s.expect(admin, "GET", "/api/v1/trail", "/api/v1/trail", "", 200)
	var list struct{ Entries []trail.Entry }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		s.Fatal(err)
	}
	var lines []string
	for _, e := range list.Entries {
		lines = append(lines, e.Who+": "+e.Action)
	}
	return strings.Join(lines, "; ")
}

func waiver(more string) string {
	return `{"check":"ssh-root","owner":"ann","reason":"a test","expires":"2027-05-01T00:00:00Z"` + more + `}`
}

// TestWaivers: a waiver is made once, found, and ended once; each is in the trail.
func TestWaivers(t *testing.T) {
	s := open(t)
	const path = "/api/v1/waivers"
	text := s.expect(admin, "POST", path, path, waiver(`,"host":"`+one+`"`), 201, `"who":"ann"`)
	s.expect(admin, "POST", path, path, waiver(`,"host":"`+one+`"`), 200)
	s.expect(admin, "GET", path, path, "", 200, one)
	s.expect(viewer, "GET", "/api/v1/hosts/"+one+"/findings", "/api/v1/hosts/{id}/findings", "", 200, `"life":"waived"`)
	s.expect(viewer, "GET", "/api/v1/checks/ssh-root/findings", "/api/v1/checks/{id}/findings", "", 200, one, two)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.ID == "" {
		t.Fatal(err, text)
	}
	for range 2 {
		s.expect(admin, "DELETE", path+"/"+made.ID, "", "", 204)
	}
	s.expect(admin, "DELETE", path+"/none", "", "", 404)
	s.expect(admin, "GET", path+"?past=true", path, "", 200, `"ended_by":"ann"`)
	for name, body := range map[string]string{
		"no end": `{"check":"ssh-root","owner":"a","reason":"r"}`, "no such field": waiver(`,"id":"x"`), "two": waiver("") + waiver(""), "not JSON": "x",
		"a bad end": strings.Replace(waiver(""), "2027-05-01T00:00:00Z", "tomorrow", 1), "for ever": strings.Replace(waiver(""), "2027", "2099", 1),
		"both": waiver(`,"host":"` + one + `","tag":"x"`), "too large": waiver(`,"tag":"` + strings.Repeat("x", 70_000) + `"`),
	} {
		if code, text := s.ask(admin, "POST", path, body); code/100 != 4 || !strings.Contains(text, `"detail"`) {
			t.Errorf("%s: %d %s", name, code, text)
		}
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(waiver("")))
	r.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, frame.With(r, admin))
	if w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("text: %d", w.Code)
	}
	if got, want := s.trail(), "token t1 of ann: waiver end; token t1 of ann: waiver add"; got != want {
		t.Errorf("the trail says %q, want %q", got, want)
	}
}

// TestWhoMay: a session's cookie changes nothing, nor does a viewer; who has a scope
// decides within it alone.
func TestWhoMay(t *testing.T) {
	s := open(t)
	session := admin
	session.Program = false
	for _, c := range [][3]string{
		{"POST", "/api/v1/waivers", waiver("")}, {"DELETE", "/api/v1/waivers/x", ""}, {"PUT", "/api/v1/hosts/" + one + "/findings", `{"check":"ssh-root","assignee":"a","note":""}`},
		{"PUT", "/api/v1/hosts/" + one + "/membership", `{"change":"revoke"}`}, {"PUT", "/api/v1/requests/aa", `{"decision":"approved"}`},
		{"POST", "/api/v1/alerts/rules", "{}"}, {"PUT", "/api/v1/alerts/rules/1", "{}"}, {"DELETE", "/api/v1/alerts/rules/1", ""},
		{"PUT", "/api/v1/exports/a", "{}"}, {"DELETE", "/api/v1/exports/a", ""},
	} {
		for _, v := range []frame.Visitor{session, viewer} {
			s.expect(v, c[0], c[1], "", c[2], 403)
		}
	}
	for path, code := range map[string]int{"/api/v1/trail": 403, "/api/v1/exports": 403, "/api/v1/alerts/deliveries": 403, "/api/v1/alerts/rules": 200,
		"/api/v1/hosts/" + one + "/findings": 404, "/api/v1/hosts/" + two + "/findings": 200} {
		s.expect(scoped, "GET", path, "", "", code)
	}
	if text := s.expect(scoped, "GET", "/api/v1/checks/ssh-root/findings", "", "", 200, two); strings.Contains(text, one) {
		t.Errorf("another's host: %s", text)
	}
	s.expect(scoped, "POST", "/api/v1/waivers", "", waiver(`,"host":"`+one+`"`), 422)
	s.expect(scoped, "POST", "/api/v1/waivers", "", waiver(""), 422)
	s.expect(scoped, "POST", "/api/v1/waivers", "", waiver(`,"tag":"env=prod"`), 201)
	s.expect(scoped, "PUT", "/api/v1/hosts/"+one+"/membership", "", `{"change":"revoke"}`, 404)
	s.expect(scoped, "PUT", "/api/v1/requests/aa", "", `{"decision":"approved"}`, 403)
	if text := s.expect(admin, "POST", "/api/v1/waivers", "", waiver(`,"host":"`+one+`"`), 201); text == "" {
		t.Error("no answer")
	}
	s.expect(admin, "POST", "/api/v1/waivers", "", waiver(`,"tag":"customer=other"`), 201)
	if text := s.expect(scoped, "GET", "/api/v1/waivers", "", "", 200, "env=prod"); strings.Contains(text, one) || strings.Contains(text, "customer=other") {
		t.Errorf("another's waiver: %s", text)
	}
	if err := s.data.Write(t.Context(), func(w db.Writer) error {
		return w.Exec("INSERT INTO host_tag VALUES (x'" + two + "', 'customer=other')")
	}); err != nil {
		t.Fatal(err)
	}
	s.expect(scoped, "GET", "/api/v1/waivers", "", "", 200, "customer=other") // it stands for a host that is seen
	if len(s.told) > 0 {
		t.Errorf("done all the same: %q", s.told)
	}
}

// TestTriage: who looks after a finding is said and told.
func TestTriage(t *testing.T) {
	s := open(t)
	path := "/api/v1/hosts/" + one + "/findings"
	s.expect(admin, "PUT", path, "/api/v1/hosts/{id}/findings", `{"check":"ssh-root","assignee":"mara","note":"soon"}`, 200, `"assignee":"mara"`, `"life":"open"`)
	s.expect(admin, "PUT", path, "", `{"check":"none","assignee":"mara","note":""}`, 404)
	s.expect(admin, "PUT", path, "", `{"check":"ssh-root","assignee":"`+strings.Repeat("m", 300)+`","note":""}`, 422)
	if got := s.trail(); got != "token t1 of ann: finding triage" {
		t.Errorf("the trail says %q", got)
	}
}

// TestMembers: what is asked for is done in the token's name; what cannot be is said.
func TestMembers(t *testing.T) {
	s := open(t)
	path := "/api/v1/hosts/" + one + "/membership"
	s.expect(admin, "PUT", path, "/api/v1/hosts/{id}/membership", `{"change":"revoke","reason":"sold"}`, 200, `"standing":"revoked"`)
	s.expect(admin, "PUT", path, "", `{"change":"release"}`, 409, "revoked")
	s.expect(admin, "PUT", path, "", `{"change":"erase"}`, 422)
	s.expect(admin, "PUT", "/api/v1/requests/aa", "/api/v1/requests/{id}", `{"decision":"approved"}`, 200, `"decision":"approved"`)
	s.expect(admin, "PUT", "/api/v1/requests/bb", "", `{"decision":"rejected"}`, 404)
	s.expect(admin, "PUT", "/api/v1/requests/aa", "", `{"decision":"waiting"}`, 422)
	if got := strings.Join(s.told, "|"); got != "token t1 of ann: revoke "+one+" sold|token t1 of ann: approved aa" {
		t.Errorf("done: %s", got)
	}
}

// TestMessages: rules and exports are made, changed and deleted, and deliveries told.
func TestMessages(t *testing.T) {
	s := open(t)
	rule := func(name string) string {
		r := alert.NewRule()
		r.Name, r.Routes = name, []string{"hook"}
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	const rules, exports = "/api/v1/alerts/rules", "/api/v1/exports"
	s.expect(admin, "POST", rules, rules, rule("a"), 201, `"id":1`)
	s.expect(admin, "POST", rules, "", rule("a"), 409)
	s.expect(admin, "POST", rules, "", `{"name":"x"}`, 422, "routes")
	s.expect(admin, "PUT", rules+"/1", rules+"/{id}", rule("b"), 200, `"name":"b"`)
	s.expect(admin, "PUT", rules+"/9", "", rule("c"), 404)
	s.expect(viewer, "GET", rules, rules, "", 200, `"name":"b"`)
	s.expect(viewer, "GET", "/api/v1/alerts/routes", "/api/v1/alerts/routes", "", 200, `"kind":"webhook"`)
	if text := s.expect(scoped, "GET", "/api/v1/alerts/routes", "", "", 200) + s.expect(scoped, "GET", rules, "", "", 200); !strings.Contains(text, `"name":"hook"`) || !strings.Contains(text, `"name":"b"`) {
		t.Errorf("a rule about all hosts, for who sees some: %s", text)
	}
	s.expect(admin, "PUT", rules+"/1", "", strings.Replace(rule("b"), "{", `{"tags":["env=dev"],`, 1), 200)
	if text := s.expect(scoped, "GET", "/api/v1/alerts/routes", "", "", 200) + s.expect(scoped, "GET", rules, "", "", 200); strings.Contains(text, "hook") || strings.Contains(text, "env=dev") {
		t.Errorf("a rule about other hosts: %s", text)
	}
	s.expect(admin, "DELETE", rules+"/1", "", "", 204)
	s.expect(admin, "DELETE", rules+"/1", "", "", 404)
	export := `{"enabled":true,"route":"hook","format":"ocsf","what":["changes"]}`
	for range 2 {
		s.expect(admin, "PUT", exports+"/siem", exports+"/{name}", export, 200, `"name":"siem"`, `"behind":0`)
	}
	s.expect(admin, "PUT", exports+"/siem", "", `{"name":"other","route":"hook","format":"ocsf","what":["changes"]}`, 422)
	s.expect(admin, "PUT", exports+"/siem", "", `{"route":"hook","format":"xml","what":["changes"]}`, 422, "format")
	s.expect(viewer, "GET", exports, exports, "", 200, "siem")
	s.expect(admin, "DELETE", exports+"/siem", "", "", 204)
	s.expect(admin, "DELETE", exports+"/siem", "", "", 404)
	if err := s.data.Write(t.Context(), func(w db.Writer) error {
		for range 3 {
			if _, err := outbox.Try(w, s.now, "hook", "ann"); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.expect(viewer, "GET", "/api/v1/alerts/deliveries?limit=2", "/api/v1/alerts/deliveries", "", 200, `"next":2`)
	s.expect(viewer, "GET", "/api/v1/alerts/deliveries?before=2&state=waiting", "/api/v1/alerts/deliveries", "", 200, `"next":0`)
	want := []string{"stream delete", "stream change", "stream add", "rule delete", "rule change", "rule change", "rule add"}
	if got := s.trail(); got != "token t1 of ann: "+strings.Join(want, "; token t1 of ann: ") {
		t.Errorf("the trail says %q", got)
	}
	s.expect(admin, "GET", "/api/v1/trail?limit=2&action=rule", "/api/v1/trail", "", 200, `"next":`)
}

// TestTokens: who comes with a token sees and ends those of its own user, and no others.
func TestTokens(t *testing.T) {
	s := open(t)
	now := func() time.Time { return s.now }
	ids := map[string]string{}
	for _, user := range []string{"ann", "eve"} {
		if err := account.New(s.data, now).Add(t.Context(), "root", user, "correct horse battery "+user, account.Viewer, nil); err != nil {
			t.Fatal(err)
		}
		_, token, err := apitoken.New(s.data, now).Add(t.Context(), user, user, "of "+user, account.Viewer, nil, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		ids[user] = token.ID
	}
	const path = "/api/v1/tokens"
	if text := s.expect(viewer, "GET", path, path, "", 200, "of eve", ids["eve"]); strings.Contains(text, "of ann") {
		t.Errorf("another's token: %s", text)
	}
	s.expect(viewer, "DELETE", path+"/"+ids["ann"], "", "", 404)
	_, strong, err := apitoken.New(s.data, now).Add(t.Context(), "eve", "eve", "of all hosts", account.Viewer, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	weak := viewer
	weak.Session, weak.Scope = ids["eve"], []string{"env=prod"}
	s.expect(weak, "DELETE", path+"/"+strong.ID, "", "", 403) // who found the weak one shall not end the others
	s.expect(weak, "DELETE", path+"/"+ids["ann"], "", "", 404)
	s.expect(weak, "DELETE", path+"/"+ids["eve"], "", "", 204)
	s.expect(viewer, "DELETE", path+"/"+strong.ID, "", "", 204)
	s.expect(viewer, "DELETE", path+"/"+ids["eve"], "", "", 404)
	if text := s.expect(viewer, "GET", path, path, "", 200); strings.Contains(text, ids["eve"]) {
		t.Errorf("it is still there: %s", text)
	}
	if got := s.trail(); !strings.HasPrefix(got, "token t3 of eve: apitoken revoke; token "+ids["eve"]+" of eve: apitoken revoke;") {
		t.Errorf("the trail says %q", got)
	}
}
