package people

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/collector/web/frame"
	"seawall/collector/web/session"
)

const password = "correct horse"

// visit is a browser, or a program, that asks the pages.
type visit struct {
	pages   *Pages
	mux     *http.ServeMux
	log     *bytes.Buffer
	cookies map[string]string
	remote  string
	asked   *[]Attempt // what passwords were asked about
	down    *bool      // nobody can say who somebody is
}

func open(t *testing.T) *visit {
	t.Helper()
	v := &visit{mux: http.NewServeMux(), log: new(bytes.Buffer), cookies: map[string]string{}, remote: "192.0.2.1:1", asked: new([]Attempt), down: new(bool)}
	log := slog.New(slog.NewTextHandler(v.log, nil))
	now := func() time.Time { return time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC) }
	f, err := frame.New(frame.Config{Log: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{Lifetime: sessionLifetime, Idle: time.Hour, Max: 100, Each: 10, Now: now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	v.pages, err = New(Config{Frame: f, Sessions: sessions, SignIn: v.signIn, Bearer: bearer})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range v.pages.Routes() {
		v.mux.HandleFunc(r.Pattern, r.Serve)
	}
	return v
}

func (v *visit) signIn(_ context.Context, a Attempt) (session.Who, error) {
	*v.asked = append(*v.asked, a)
	if *v.down {
		return session.Who{}, errors.New("the database is away")
	}
	if a.Password != password && !strings.HasPrefix(a.Password, "xxx") {
		return session.Who{}, fs.ErrPermission
	}
	return session.Who{User: a.User, Role: frame.Operator, Scope: []string{"web"}}, nil
}

func bearer(_ context.Context, token string) (session.Who, error) {
	if token != "swc_good" {
		return session.Who{}, fs.ErrNotExist
	}
	return session.Who{User: "ann", Role: frame.Viewer, Token: "t1"}, nil
}

func (v *visit) request(method, path string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = v.remote
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func (v *visit) ask(method, path string, form url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	v.mux.ServeHTTP(w, v.request(method, path, form))
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c.Value
		}
	}
	return w
}

func (v *visit) who() frame.Visitor { return v.pages.Visitor(v.request("GET", "/", nil)) }

// login opens the form and sends it.
func (v *visit) login(user, password, next string) *httptest.ResponseRecorder {
	return v.ask("POST", "/login", url.Values{"form": {v.form()}, "username": {user}, "password": {password}, "next": {next}})
}

func (v *visit) form() string {
	page := v.ask("GET", "/login", nil).Body.String()
	form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page)
	if form == nil {
		return ""
	}
	return form[1]
}

// TestSignIn: a session begins anew with each sign-in, and ends with the sign-out.
func TestSignIn(t *testing.T) {
	v := open(t)
	tab := v.form() // another one, which stays open
	before := maps.Clone(v.cookies)
	if w := v.login("mara", password, "/hosts?q=x"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/hosts?q=x" {
		t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	want := frame.Visitor{User: "mara", Role: frame.Operator, Scope: []string{"web"}}
	first := v.who()
	if diff := cmp.Diff(want, first, cmpopts.IgnoreFields(frame.Visitor{}, "Form", "Session", "Done"), cmpopts.IgnoreUnexported(frame.Visitor{})); diff != "" {
		t.Errorf("visitor (-want +got):\n%s", diff)
	}
	if w := v.ask("GET", "/login", nil); w.Code != http.StatusSeeOther {
		t.Errorf("who is signed in is asked again: %d", w.Code)
	}
	// Another signs in on the same browser, with a form of before: the first session is over.
	maps.Copy(v.cookies, before)
	if w := v.ask("POST", "/login", url.Values{"form": {tab}, "username": {"noor"}, "password": {password}, "next": {"//evil.example"}}); w.Code != http.StatusSeeOther || strings.Contains(w.Header().Get("Location"), "evil") {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	select {
	case <-first.Done:
	default:
		t.Error("the session of before goes on")
	}
	second := v.who()
	if second.User != "noor" || second.Session == first.Session {
		t.Errorf("then it is %+v", second)
	}
	if w := v.ask("POST", "/logout", nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login" {
		t.Errorf("sign out: %d to %q", w.Code, w.Header().Get("Location"))
	}
	select {
	case <-second.Done:
	default:
		t.Error("the streams of a session that ended go on")
	}
	if v.who().User != "" {
		t.Error("nobody is signed in, and somebody is")
	}
	if strings.Contains(v.log.String(), password) {
		t.Error("the log has the password")
	}
}

// TestRefused: what is wrong is not told, and no session begins.
func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		user, password string
		down           bool
		code           int
		says           string
	}{
		"password": {"mara", "wrong", false, 401, "That name or password is not right."},
		"nobody":   {"", "wrong", false, 401, "That name or password is not right."},
		"long":     {"mara", strings.Repeat("x", passwordBytes+1), false, 401, "That name or password is not right."},
		"name":     {strings.Repeat("m", userBytes+1), password, false, 401, "That name or password is not right."},
		"away":     {"mara", password, true, 503, "The collector is busy."},
	} {
		t.Run(name, func(t *testing.T) {
			v := open(t)
			*v.down = test.down
			w := v.login(test.user, test.password, "/")
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d, want %d with %q:\n%s", w.Code, test.code, test.says, w.Body)
			}
			if v.who().User != "" {
				t.Error("a session began")
			}
			if len(*v.asked) != 1 { // it takes as long, whatever is wrong
				t.Fatalf("%d passwords were looked at, want 1", len(*v.asked))
			}
			if a := (*v.asked)[0]; len(a.Password) > passwordBytes || len(a.User) > userBytes || a.User == "" {
				t.Errorf("asked about %d bytes of %d of a name", len(a.Password), len(a.User))
			}
		})
	}
	v := open(t)
	v.ask("GET", "/login", nil)
	if w := v.ask("POST", "/login", url.Values{"form": {"forged"}, "username": {"mara"}, "password": {password}}); w.Code != http.StatusForbidden || len(*v.asked) > 0 {
		t.Errorf("a form of another site: %d, %d passwords looked at", w.Code, len(*v.asked))
	}
}

// TestGuessing: an address and a name have few attempts. Who signed in on a browser before
// has others there, whoever guesses elsewhere.
func TestGuessing(t *testing.T) {
	v := open(t)
	v.login("mara", password, "/")
	v.ask("POST", "/logout", nil)
	own := v.cookies
	v.cookies = map[string]string{}
	guess := func(remote, user string) (codes []int) {
		v.remote = remote
		for range 6 {
			codes = append(codes, v.login(user, "wrong", "/").Code)
		}
		return codes
	}
	for _, test := range []struct {
		remote, user string
		want         []int
	}{
		{"198.51.100.7:1", "noor", []int{401, 401, 401, 401, 401, 429}},
		{"198.51.100.7:2", "olaf", []int{429, 429, 429, 429, 429, 429}}, // the address
		{"198.51.100.8:1", "noor", []int{429, 429, 429, 429, 429, 429}}, // the name
		{"198.51.100.9:1", "mara", []int{401, 401, 401, 401, 429, 429}}, // who has signed in once
	} {
		if got := guess(test.remote, test.user); !slices.Equal(got, test.want) {
			t.Errorf("%s as %s: %v, want %v", test.remote, test.user, got, test.want)
		}
	}
	if w := v.login("mara", password, "/"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("the right password of a stranger: %d, retry after %q", w.Code, w.Header().Get("Retry-After"))
	}
	v.cookies = own
	if w := v.login("mara", password, "/"); w.Code != http.StatusSeeOther {
		t.Errorf("the browser that she signed in on before: %d", w.Code)
	}
}

// TestPrograms: a request with a token has no session, and one with a bad token nothing.
func TestPrograms(t *testing.T) {
	v := open(t)
	v.login("mara", password, "/")
	for header, want := range map[string]frame.Visitor{
		"Bearer swc_good": {User: "ann", Role: frame.Viewer, Program: true, Session: "t1"},
		"Bearer swc_bad":  {},
		"bearer swc_good": {},
		"Basic YW5uOnB3":  {},
		"Bearer " + strings.Repeat("a", 1+tokenBytes): {},
	} {
		r := v.request("GET", "/", nil) // the browser's cookie comes along
		r.Header.Set("Authorization", header)
		got := v.pages.Visitor(r)
		if got.User != want.User || got.Role != want.Role || got.Program != want.Program || got.Session != want.Session || got.Form != "" {
			t.Errorf("%.20s: %+v, want %+v", header, got, want)
		}
	}
	v.pages.config.Bearer = nil
	r := v.request("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer swc_good")
	if got := v.pages.Visitor(r); got.User != "" {
		t.Errorf("without tokens: %+v", got)
	}
}

func TestAlone(t *testing.T) {
	in := Alone(func(p string) bool { return p == password })
	for _, test := range []struct {
		user, password string
		right          bool
	}{{"admin", password, true}, {"admin", "wrong", false}, {"mara", password, false}} {
		who, err := in(t.Context(), Attempt{User: test.user, Password: test.password})
		if test.right != (err == nil) || !test.right && !errors.Is(err, fs.ErrPermission) || test.right != (who.Role == frame.Admin) {
			t.Errorf("%s with %q: %+v, %v", test.user, test.password, who, err)
		}
	}
}
