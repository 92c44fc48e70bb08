package invites_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"seawall/collector/admit"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
	"seawall/collector/web/invites"
	"seawall/collector/web/rest"
	"seawall/pkg/token"
)

const (
	one = "01010101010101010101010101010101"
	two = "02020202020202020202020202020202"
)

var (
	admin    = frame.Visitor{User: "ann", Role: frame.Admin, Program: true, Session: "t1"}
	operator = frame.Visitor{User: "olga", Role: frame.Operator, Program: true, Session: "t2"}
	scoped   = frame.Visitor{User: "bob", Role: frame.Operator, Scope: []string{"env=prod"}, Program: true, Session: "t3"}
	viewer   = frame.Visitor{User: "eve", Role: frame.Viewer, Program: true, Session: "t4"}
)

// site is the endpoints over a store with two hosts, the second with the tag env=prod.
type site struct {
	*testing.T
	data    *store.Store
	mux     *http.ServeMux
	schemas *jsonschema.Compiler
}

func open(t *testing.T, commanded bool) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	if err := data.Write(t.Context(), func(w db.Writer) error {
		if err := w.Exec("INSERT INTO host (host, first_seen, last_seen, name) VALUES (x'" + one + "', 1, 1, 'web-1'), (x'" + two + "', 1, 1, 'web-2')"); err != nil {
			return err
		}
		return w.Exec("INSERT INTO host_tag VALUES (x'" + two + "', 'env=prod')")
	}); err != nil {
		t.Fatal(err)
	}
	members, err := admit.Open(t.Context(), admit.Config{Data: data, Update: data.Update, Elsewhere: data.Elsewhere, StateDir: t.TempDir(), MaxHosts: 9, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	f, err := frame.New(frame.Config{Log: log, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t, data: data, mux: http.NewServeMux(), schemas: jsonschema.NewCompiler()}
	server := rest.New(rest.Config{Frame: f, Hosts: data.HostPage, Version: "1"}, invites.Endpoints(invites.Config{
		Data: data, Tokens: data.Tokens, Invite: members.Invite, Withdraw: members.Withdraw, Commanded: commanded, Now: time.Now}))
	for _, r := range server.Routes() {
		s.mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, in *http.Request) {
			if !frame.Of(in).May(r.Role) { // as the dashboard's guard does
				w.WriteHeader(http.StatusForbidden)
				return
			}
			r.Serve(w, in)
		})
	}
	s.schemas.DefaultDraft(jsonschema.Draft2020)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(s.expect(admin, "GET", "/api/v1/openapi.json", "", "", 200)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.schemas.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	return s
}

// expect asks, and holds a good answer against the document: of is the path as the
// document has it, "" where there is none to hold.
func (s *site) expect(v frame.Visitor, method, path, of, body string, code int, parts ...string) string {
	s.Helper()
	in := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		in.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, frame.With(in, v))
	text := w.Body.String()
	if w.Code != code {
		s.Errorf("%s %s as %s: %d, want %d: %s", method, path, v.User, w.Code, code, text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.Errorf("%s %s: no %q in %s", method, path, part, text)
		}
	}
	if of == "" {
		return text
	}
	schema, err := s.schemas.Compile("api.json#/paths/" + strings.ReplaceAll(of, "/", "~1") + "/" + strings.ToLower(method) + "/responses/" + strconv.Itoa(code) + "/content/application~1json/schema")
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

// trail returns what was done, the oldest first.
func (s *site) trail() (lines []string) {
	s.Helper()
	err := s.data.Read(s.Context(), func(q db.Querier) error {
		lines = nil
		all, err := trail.List(s.Context(), q, trail.Query{Limit: 100})
		for _, e := range slices.Backward(all) {
			lines = append(lines, e.Who+": "+e.Action)
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return lines
}

const path = "/api/v1/enrolment/tokens"

// TestTokens: a token is made, its text told once and good for a machine; it is listed
// without it, and ended.
func TestTokens(t *testing.T) {
	s := open(t, false)
	body := `{"label":"lab","seconds":600,"uses":3,"approval":true,"name":"web-*","networks":["192.0.2.7/24"],"tags":["role=web","env=prod"]}`
	text := s.expect(operator, "POST", path, path, body, 201, `"label":"lab"`, `"uses":3`, `"approval":true`, "192.0.2.0/24", `"name":"web-*"`, `"tags":["env=prod","role=web"]`)
	var made struct {
		Text  string
		Token fleet.Token
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatal(err)
	}
	secret, err := token.Parse(made.Text)
	if err != nil || strconv.FormatInt(int64(made.Token.Expires.Sub(made.Token.Created)/time.Second), 10) != "600" {
		t.Fatalf("%+v: %v", made, err)
	}
	kept, err := s.data.Tokens(t.Context())
	if err != nil || len(kept) != 1 || kept[0].Hash != secret.Hash() || kept[0].ID != made.Token.ID {
		t.Errorf("kept: %+v, %v", kept, err)
	}
	if list := s.expect(operator, "GET", path, path, "", 200, made.Token.ID, `"tags":["env=prod","role=web"]`); strings.Contains(list, made.Text) || strings.Contains(list, `"revoked"`) {
		t.Errorf("listed: %s", list)
	}
	s.expect(operator, "POST", path, path, `{}`, 201, `"uses":1`)
	for range 2 { // what has ended stays so
		s.expect(operator, "DELETE", path+"/"+made.Token.ID, "", "", 204)
	}
	s.expect(operator, "GET", path, path, "", 200, `"revoked"`)
	s.expect(operator, "DELETE", path+"/none", "", "", 404)
	want := []string{"token t2 of olga: token create", "token t2 of olga: token create", "token t2 of olga: token revoke"}
	if diff := cmp.Diff(want, s.trail()); diff != "" {
		t.Error(diff)
	}
}

// TestRefused: what no token can be, and who may make none, is said; nothing is made.
func TestRefused(t *testing.T) {
	s := open(t, false)
	for body, code := range map[string]int{
		`{"seconds":1}`: 422, `{"seconds":-5}`: 422, `{"seconds":9223372036854775807}`: 422, `{"seconds":1e3}`: 400, `{"uses":-1}`: 422, `{"uses":10000000}`: 422,
		`{"name":"[a"}`: 422, `{"networks":["here"]}`: 400, `{"networks":[""]}`: 422, `{"hash":"x"}`: 400, `{}{}`: 400,
		`{"tags":["a b"]}`: 422, `{"tags":[""]}`: 422, `{"tags":"a"}`: 400,
		`{"tags":["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q","r","s","t","u","v","w","x","y","z","0","1","2","3","4","5","6"]}`: 422,
		`{"networks":["10.0.0.0/8"` + strings.Repeat(`,"10.0.0.0/8"`, 64) + `]}`:                                                                         422,
	} {
		s.expect(admin, "POST", path, "", body, code, `"detail"`)
	}
	session := admin
	session.Program = false
	for _, v := range []frame.Visitor{viewer, scoped, session} {
		s.expect(v, "POST", path, "", `{}`, 403)
		s.expect(v, "DELETE", path+"/none", "", "", 403)
	}
	s.expect(viewer, "GET", path, "", "", 403)
	s.expect(scoped, "GET", path, "", "", 403)
	off := open(t, true)
	off.expect(admin, "POST", path, "", `{}`, 403, "own command")
	if got := append(s.trail(), off.trail()...); len(got) > 0 {
		t.Errorf("done all the same: %q", got)
	}
}

// TestTags: an administrator gives a host exactly the tags that are asked for, and
// everybody reads those of the hosts that they see.
func TestTags(t *testing.T) {
	s := open(t, false)
	const at, of = "/api/v1/hosts/" + one + "/tags", "/api/v1/hosts/{id}/tags"
	s.expect(viewer, "GET", at, of, "", 200, `{"tags":[]}`)
	s.expect(scoped, "GET", at, "", "", 404)
	for range 2 {
		s.expect(admin, "PUT", at, of, `{"tags":["web","env=prod","web"]}`, 200, `{"tags":["env=prod","web"]}`)
	}
	s.expect(scoped, "GET", at, of, "", 200, `["env=prod","web"]`)
	s.expect(admin, "PUT", at, of, `{"tags":["web"]}`, 200, `["web"]`)
	s.expect(scoped, "GET", at, "", "", 404)
	s.expect(viewer, "GET", "/api/v1/hosts/"+two+"/tags", of, "", 200, `["env=prod"]`)
	s.expect(admin, "PUT", at, "", `{"tags":["a b"]}`, 422)
	s.expect(operator, "PUT", at, "", `{"tags":[]}`, 403)
	for _, method := range []string{"GET", "PUT"} {
		body := map[string]string{"PUT": `{"tags":["x"]}`}[method]
		s.expect(admin, method, "/api/v1/hosts/"+strings.Repeat("0", 32)+"/tags", "", body, 404)
	}
	s.expect(admin, "PUT", at, of, `{"tags":[]}`, 200, `{"tags":[]}`)
	if diff := cmp.Diff(slices.Repeat([]string{"token t1 of ann: host tag"}, 4), s.trail()); diff != "" {
		t.Error(diff)
	}
}
