package accounts_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web/accounts"
	"seawall/collector/web/frame"
	"seawall/collector/web/rest"
	"seawall/collector/web/session"
)

const word = "correct horse battery staple"

// house is the endpoints over a database with the users admin and ann, an operator who
// is signed in in two browsers.
type house struct {
	*testing.T
	data     *store.Store
	accounts *account.Accounts
	tokens   *apitoken.Tokens
	sessions *session.Store
	keys     []string // cookies of ann
	mux      *http.ServeMux
	schemas  *jsonschema.Compiler
}

var (
	admin    = frame.Visitor{User: "admin", Role: frame.Admin, Program: true, Session: "t1"}
	operator = frame.Visitor{User: "ann", Role: frame.Operator, Program: true, Session: "t2"}
)

func open(t *testing.T) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	h := &house{T: t, data: data, accounts: account.New(data, time.Now), tokens: apitoken.New(data, time.Now), mux: http.NewServeMux()}
	for name, role := range map[string]account.Role{"admin": account.Admin, "ann": account.Operator} {
		if err := h.accounts.Add(t.Context(), "root", name, word, role, nil); err != nil {
			t.Fatal(err)
		}
	}
	h.sessions, err = session.New(session.Config{Lifetime: time.Hour, Idle: time.Hour, Max: 9, Each: 9, Now: time.Now, Data: data, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for _, agent := range []string{"a browser", "\x1b[2Janother"} {
		key, err := h.sessions.Start(t.Context(), session.Who{User: "ann"}, session.From{Address: netip.MustParseAddr("192.0.2.7"), Agent: agent})
		if err != nil {
			t.Fatal(err)
		}
		h.keys = append(h.keys, key)
	}
	f, err := frame.New(frame.Config{Log: log, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := rest.New(rest.Config{Frame: f, Hosts: data.HostPage, Version: "1"}, accounts.Endpoints(accounts.Config{
		Accounts: h.accounts, Tokens: h.tokens, EndUser: h.sessions.EndUser, Sessions: h.sessions.List, EndSession: h.sessions.EndOne}))
	for _, r := range server.Routes() {
		h.mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, in *http.Request) {
			if !frame.Of(in).May(r.Role) { // as the dashboard's guard does
				w.WriteHeader(http.StatusForbidden)
				return
			}
			r.Serve(w, in)
		})
	}
	h.schemas = jsonschema.NewCompiler()
	h.schemas.DefaultDraft(jsonschema.Draft2020)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(h.expect(admin, "GET", "/api/v1/openapi.json", "", "", 200)))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.schemas.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	return h
}

// expect asks, and holds a good answer against the document: of is the path as the
// document has it, "" where there is none to hold.
func (h *house) expect(v frame.Visitor, method, path, of, body string, code int, parts ...string) string {
	h.Helper()
	in := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		in.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, frame.With(in, v))
	text := w.Body.String()
	if w.Code != code {
		h.Errorf("%s %s as %s: %d, want %d: %s", method, path, v.User, w.Code, code, text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			h.Errorf("%s %s: no %q in %s", method, path, part, text)
		}
	}
	if of == "" {
		return text
	}
	schema, err := h.schemas.Compile("api.json#/paths/" + strings.ReplaceAll(of, "/", "~1") + "/" + strings.ToLower(method) + "/responses/" + strconv.Itoa(code) + "/content/application~1json/schema")
	if err != nil {
		h.Fatal(err)
	}
	answer, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		h.Fatal(err)
	}
	if err := schema.Validate(answer); err != nil {
		h.Errorf("%s %s: %v", method, path, err)
	}
	return text
}

// trail returns what programs did, the oldest first.
func (h *house) trail() (lines []string) {
	h.Helper()
	err := h.data.Read(h.Context(), func(q db.Querier) error {
		all, err := trail.List(h.Context(), q, trail.Query{Limit: 100})
		for i := len(all) - 1; i >= 0; i-- {
			if e := all[i]; strings.HasPrefix(e.Who, "token ") {
				lines = append(lines, e.Who+": "+e.Action+" "+e.Target)
			}
		}
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return lines
}

const base = "/api/v1/users"

// TestUsers: a user is made, changed, kept out, let in and removed; each is in the trail.
func TestUsers(t *testing.T) {
	h := open(t)
	h.expect(admin, "GET", base, base, "", 200, `"name":"ann"`)
	h.expect(admin, "POST", base, base, `{"name":"bob@example.net","role":"viewer","scope":["env=lab"]}`, 201, `"password":false`, `"scope":["env=lab"]`)
	h.expect(admin, "POST", base, base, `{"name":"eve","role":"operator","password":"`+word+`"}`, 201, `"password":true`)
	if _, err := h.accounts.SignIn(t.Context(), "eve", word); err != nil {
		t.Errorf("eve cannot sign in: %v", err)
	}
	const bob, of = base + "/bob@example.net", base + "/{name}"
	h.expect(admin, "GET", bob, of, "", 200, `"role":"viewer"`)
	h.expect(admin, "PUT", bob+"/role", of+"/role", `{"role":"operator","scope":["b","a"]}`, 200, `"role":"operator"`, `"scope":["a","b"]`)
	h.expect(admin, "PUT", bob+"/access", of+"/access", `{"disabled":true}`, 200, `"disabled":true`)
	h.expect(admin, "PUT", bob+"/access", of+"/access", `{"disabled":false}`, 200, `"disabled":false`)
	h.expect(admin, "DELETE", bob, "", "", 204)
	h.expect(admin, "GET", bob, "", "", 404)
	want := []string{"user add bob@example.net", "user add eve", "user role bob@example.net", "user disable bob@example.net", "user enable bob@example.net", "user remove bob@example.net"}
	for i := range want {
		want[i] = "token t1 of admin: " + want[i]
	}
	if diff := cmp.Diff(want, h.trail()); diff != "" {
		t.Error(diff)
	}
}

// TestRefused: what is not right, or not a token's to do, is said and not done.
func TestRefused(t *testing.T) {
	h := open(t)
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{"POST", base, `{"name":"ann","role":"viewer"}`, 409}, {"POST", base, `{"name":"x","role":"admin"}`, 403}, {"POST", base, `{"name":"X y","role":"viewer"}`, 422},
		{"POST", base, `{"name":"x","role":"chief"}`, 422}, {"POST", base, `{"name":"x","role":"viewer","password":"short"}`, 422}, {"POST", base, `{"name":"x","role":"viewer","hash":"y"}`, 400},
		{"POST", base, `{"name":"x","role":"viewer","scope":["a b"]}`, 422}, {"PUT", base + "/ann/role", `{"role":"admin"}`, 403}, {"PUT", base + "/none/role", `{"role":"viewer"}`, 404},
		{"PUT", base + "/admin/role", `{"role":"viewer"}`, 409}, {"PUT", base + "/admin/access", `{"disabled":true}`, 409}, {"DELETE", base + "/admin", "", 409},
		{"PUT", base + "/none/access", `{"disabled":true}`, 404}, {"DELETE", base + "/none", "", 404}, {"GET", base + "/none/sessions", "", 404}, {"DELETE", base + "/none/sessions", "", 404},
		{"DELETE", base + "/none/sessions/x", "", 404}, {"GET", base + "/none/tokens", "", 404}, {"DELETE", base + "/ann/tokens/none", "", 404},
	} {
		h.expect(admin, c.method, c.path, "", c.body, c.code, `"detail"`)
		h.expect(operator, c.method, c.path, "", c.body, 403)
		if session := admin; c.method != "GET" { // what a browser sends by itself
			session.Program = false
			h.expect(session, c.method, c.path, "", c.body, 403)
		}
	}
	if got := h.trail(); len(got) > 0 {
		t.Errorf("done all the same: %q", got)
	}
	if h.sessions.Find(t.Context(), h.keys[0]) == nil {
		t.Error("a session of ann has ended")
	}
}

// TestSessions: sessions are listed, one ends, then all; the trail has each that ended, and
// a change of role ends them, too.
func TestSessions(t *testing.T) {
	h := open(t)
	const path, of = base + "/ann/sessions", base + "/{name}/sessions"
	var list struct {
		Sessions []struct{ ID, Address, Agent string }
	}
	text := h.expect(admin, "GET", path, of, "", 200, `"address":"192.0.2.7"`, "a browser")
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Sessions) != 2 || strings.Contains(text, "\x1b") {
		t.Fatalf("%v: %s", err, text)
	}
	for range 2 { // the second time there is none
		h.expect(admin, "DELETE", path+"/"+list.Sessions[0].ID, "", "", 204)
	}
	if text := h.expect(admin, "GET", path, of, "", 200); strings.Contains(text, list.Sessions[0].ID) || !strings.Contains(text, list.Sessions[1].ID) {
		t.Errorf("one has ended: %s", text)
	}
	h.expect(admin, "DELETE", base+"/admin/sessions/"+list.Sessions[1].ID, "", "", 204) // not admin's
	h.expect(admin, "DELETE", path, "", "", 204)
	h.expect(admin, "GET", path, of, "", 200, `"sessions":[]`)
	if diff := cmp.Diff([]string{"token t1 of admin: session end ann", "token t1 of admin: session end ann"}, h.trail()); diff != "" {
		t.Error(diff)
	}
	key, err := h.sessions.Start(t.Context(), session.Who{User: "ann"}, session.From{})
	if err != nil {
		t.Fatal(err)
	}
	h.expect(admin, "PUT", base+"/ann/role", base+"/{name}/role", `{"role":"viewer"}`, 200)
	if h.sessions.Find(t.Context(), key) != nil {
		t.Error("ann is signed in with what she might do before")
	}
}

// TestTokens: an administrator sees a user's tokens, without secrets, and ends them.
func TestTokens(t *testing.T) {
	h := open(t)
	secret, made, err := h.tokens.Add(t.Context(), "ann", "ann", "backup", account.Viewer, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const path, of = base + "/ann/tokens", base + "/{name}/tokens"
	if text := h.expect(admin, "GET", path, of, "", 200, made.ID, "backup"); strings.Contains(text, secret) {
		t.Errorf("the secret: %s", text)
	}
	h.expect(admin, "DELETE", base+"/admin/tokens/"+made.ID, "", "", 404) // it is ann's
	h.expect(admin, "DELETE", path+"/"+made.ID, "", "", 204)
	if _, err := h.tokens.Find(t.Context(), secret); err == nil {
		t.Error("the token is good")
	}
	h.expect(admin, "GET", path, of, "", 200, `"tokens":[]`)
}
