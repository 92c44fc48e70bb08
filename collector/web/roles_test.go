package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/web"
	"seawall/collector/web/frame"
	"seawall/collector/web/people"
	"seawall/collector/web/session"
)

// withRoles has an account of each role's name, and an API token "swc_ROLE" for each.
func withRoles(c web.Config) web.Config {
	roles := map[string]frame.Role{"viewer": frame.Viewer, "operator": frame.Operator, "admin": frame.Admin, "scoped": frame.Operator}
	who := func(name string) (session.Who, error) {
		role, ok := roles[name]
		if !ok {
			return session.Who{}, fs.ErrPermission
		}
		w := session.Who{User: name, Role: role}
		if name == "scoped" {
			w.Scope = []string{"given=nobody"}
		}
		return w, nil
	}
	c.SignIn = func(_ context.Context, a people.Attempt) (session.Who, error) {
		if a.Password != password {
			return session.Who{}, fs.ErrPermission
		}
		return who(a.User)
	}
	c.Bearer = func(_ context.Context, token string) (session.Who, error) {
		return who(strings.TrimPrefix(token, "swc_"))
	}
	return c
}

// loginAs signs in as a user.
func (b *browser) loginAs(user string) {
	b.t.Helper()
	a := b.post("/login", url.Values{"form": {b.form("/login")}, "username": {user}, "password": {password}})
	if a.code != http.StatusSeeOther {
		b.t.Fatalf("login of %s answered %d: %s", user, a.code, a.body)
	}
}

// concrete returns the method of a pattern and a path that it has.
func concrete(d *demo, pattern string) (method, path string) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = http.MethodGet, "/anything"
	}
	return method, strings.NewReplacer("{$}", "", "/hosts/{id}/detections/{storm}", detectionPath(d, 0),
		"/hosts/{id}", "/hosts/"+string(d.hosts[0].ID), "{id}", "ssh-ciphers", "/static/", "/static/x/seawall.css").Replace(path)
}

// TestRoutesTable holds the table of routes and roles against the one that was agreed
// to: a route that is new, or open to more people than before, shows here.
func TestRoutesTable(t *testing.T) {
	s := newServer(t, withViews(t, withRoles(config(demoFleet(demoNow)))))
	var lines []string
	for _, r := range s.Routes() {
		lines = append(lines, fmt.Sprintf("%-8s %-6s %s\n", r.Role, map[bool]string{true: "scoped", false: "all"}[r.Scoped], r.Pattern))
	}
	slices.Sort(lines)
	got, file := strings.Join(lines, ""), filepath.Join("testdata", "routes.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the table of routes differs (-agreed +now):\n%s", diff)
	}
}

// TestRoles asks for every route as everybody: with no account, with an account of each
// role in a browser, and with an API token of each role.
func TestRoles(t *testing.T) {
	d := demoFleet(demoNow)
	var log bytes.Buffer
	c := withViews(t, withRoles(config(d)))
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := newServer(t, c)
	base := open(t, s).base
	kept := map[frame.Role]signed{} // an address has few attempts
	for _, role := range []frame.Role{frame.Viewer, frame.Operator, frame.Admin} {
		b := browse(t, base)
		b.loginAs(role.String())
		kept[role] = signed{b, b.form("/")}
	}
	for _, route := range s.Routes() {
		if route.Pattern == "GET /events" || route.Pattern == "POST /logout" || route.Role == frame.Anybody || route.Role == frame.Local {
			continue // a stream; the end of the session; and tests of their own
		}
		method, path := concrete(d, route.Pattern)
		for _, role := range []frame.Role{frame.Anybody, frame.Viewer, frame.Operator, frame.Admin} {
			for _, program := range []bool{false, true} {
				if role == frame.Anybody && program {
					continue
				}
				b := browse(t, base)
				fields := url.Values{}
				var header []string
				switch {
				case program:
					header = []string{"Authorization", "Bearer swc_" + role.String()}
				case role != frame.Anybody:
					b = kept[role].browser
					fields.Set("form", kept[role].form)
				}
				log.Reset()
				a := b.send(method, path, fields, header...)
				refused := a.code == http.StatusForbidden || a.code == http.StatusUnauthorized || strings.HasPrefix(a.header.Get("Location"), "/login")
				if refused != (role < route.Role) {
					t.Errorf("%s %s as %v (program %v): %d %.100s", method, path, role, program, a.code, a.body)
				}
				if refused && role != frame.Anybody && !strings.Contains(log.String(), `msg="a page was refused" user=`+role.String()) {
					t.Errorf("%s %s as %v was refused, and the log says %q", method, path, role, log.String())
				}
				if refused && (strings.Contains(a.body, "web-1") || strings.Contains(a.body, "strong ciphers")) {
					t.Errorf("%s %s as %v: the refusal shows data", method, path, role)
				}
			}
		}
	}
}

// signed is a browser with a session.
type signed struct {
	*browser
	form string
}

// TestScope refuses who sees only some hosts wherever a route does not say that it
// keeps to that.
func TestScope(t *testing.T) {
	d := demoFleet(demoNow)
	s := newServer(t, withViews(t, withRoles(config(d))))
	b := open(t, s)
	b.loginAs("scoped")
	for _, route := range s.Routes() {
		if route.Pattern == "POST /logout" || route.Pattern == "GET /events" || route.Role == frame.Anybody || route.Role == frame.Local {
			continue
		}
		method, path := concrete(d, route.Pattern)
		a := b.send(method, path, url.Values{"form": {b.form("/nothing")}})
		if !route.Scoped && a.code != http.StatusForbidden {
			t.Errorf("%s %s with a scope: %d", method, path, a.code)
		}
		if strings.Contains(a.body, "web-1") || strings.Contains(a.body, "db-primary") {
			t.Errorf("%s %s shows hosts to one who sees none of them", method, path)
		}
	}
}

// What a page missed is told of hosts within the visitor's scope alone.
func TestEventsOfScope(t *testing.T) {
	d := demoFleet(demoNow)
	s := newServer(t, withRoles(config(d)))
	for user, sees := range map[string]bool{"scoped": false, "viewer": true} {
		b := open(t, s)
		b.loginAs(user)
		in := b.stream("?since=0")
		if in.resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", user, in.resp.StatusCode)
		}
		b.post("/logout", url.Values{"form": {b.form("/nothing")}}) // what was missed is told before the end is
		told := false
		for e := in.next(); e["event"] != "bye"; e = in.next() {
			told = told || e["event"] == "change"
		}
		if told != sees {
			t.Errorf("%s: changes are told: %v", user, told)
		}
	}
}
