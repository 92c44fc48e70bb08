package sso

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"

	"seawall/collector/account"
	"seawall/collector/account/identity"
	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
)

// site is our side: the pages on accounts of their own.
type site struct {
	t        *testing.T
	accounts *account.Accounts
	data     *store.Store
	handler  http.Handler
	log      bytes.Buffer
	begun    []account.User
	ended    []string // users whose sessions were ended
	browsers int
	began    func(http.ResponseWriter, account.User)
}

func newSite(t *testing.T, settings *Settings) *site {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	out := &site{t: t, accounts: account.New(s, time.Now), data: s}
	if err := out.accounts.Add(t.Context(), "setup", "root", "a long password of ours", account.Admin, nil); err != nil {
		t.Fatal(err)
	}
	f, err := frame.New(frame.Config{Log: slog.New(slog.NewTextHandler(&out.log, nil)), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := New(Config{Frame: f, Settings: settings, Accounts: out.accounts, Identities: identity.New(s),
		Begin: func(w http.ResponseWriter, _ *http.Request, u account.User) error {
			out.begun = append(out.begun, u)
			if out.began != nil {
				out.began(w, u)
			}
			return nil
		}, EndUser: func(name string) { out.ended = append(out.ended, fmt.Sprint(name, " after ", len(out.begun))) }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range pages.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	out.handler = mux
	return out
}

// browser goes through a sign-in. Its cookies are its own.
type browser struct {
	site    *site
	cookies map[string]*http.Cookie
	address string
}

func (b *browser) get(path string) *http.Response {
	b.site.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost"
	r.RemoteAddr = b.address + ":1"
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.site.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	return w.Result()
}

func newBrowser(s *site) *browser {
	s.browsers++
	return &browser{s, map[string]*http.Cookie{}, fmt.Sprintf("192.0.2.%d", s.browsers)}
}

// leave begins a sign-in and returns where the provider sends the browser back.
func (b *browser) leave(p *idp, next string) string {
	b.site.t.Helper()
	away := b.get("/login/sso?next=" + url.QueryEscape(next))
	if away.StatusCode != http.StatusSeeOther {
		b.site.t.Fatalf("leaving is answered %d:\n%s\n%s", away.StatusCode, body(away), b.site.log.String())
	}
	client := p.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Get(away.Header.Get("Location"))
	if err != nil {
		b.site.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.Header.Get("Location")
}

func body(r *http.Response) string {
	data, _ := io.ReadAll(r.Body)
	return string(data)
}

// signIn goes all the way.
func (s *site) signIn(p *idp) (*http.Response, string) {
	s.t.Helper()
	b := newBrowser(s)
	answer := b.get(b.leave(p, "/hosts?q=a b"))
	return answer, body(answer)
}

// TestSignOn: who comes for the first time gets an account with the role of a group, and
// has it ever after, whatever the provider calls it, with the role of the day.
func TestSignOn(t *testing.T) {
	p := newIDP(t)
	s := newSite(t, p.settings(roles))
	b := newBrowser(s)
	back := b.leave(p, "/hosts?q=a&b")
	c := b.cookies["seawall-sso"]
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 {
		t.Errorf("the cookie of the way is %+v", c)
	}
	answer := b.get(back)
	if text := body(answer); answer.StatusCode != http.StatusOK || answer.Header.Get("Refresh") != "0; url=/hosts?q=a&b" || !has(text, `href="/hosts?q=a&amp;b"`) {
		t.Fatalf("%d, %v:\n%s\n%s", answer.StatusCode, answer.Header, text, s.log.String())
	}
	if len(b.cookies) != 0 {
		t.Errorf("cookies are left: %v", b.cookies)
	}
	if again := b.get(back); again.StatusCode != http.StatusForbidden {
		t.Errorf("the same way back twice: %d", again.StatusCode)
	}
	p.person = map[string]any{"sub": "s-1", "preferred_username": "lovelace", "realm": map[string]any{"roles": []any{"x", "web"}}}
	s.signIn(p)
	p.person["groups"] = "admins"
	s.signIn(p)
	var got [][]string
	for _, u := range s.begun {
		got = append(got, append([]string{u.Name, string(u.Role)}, u.Scope...))
	}
	want := [][]string{{"ada", "operator"}, {"ada", "viewer", "db", "web"}, {"ada", "admin"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who signed in (-want +got):\n%s\n%s", diff, s.log.String())
	}
	var actions []string
	err := s.data.Read(t.Context(), func(q db.Querier) error {
		list, err := trail.List(t.Context(), q, trail.Query{})
		for _, e := range list {
			if e.Who == who {
				actions = append(actions, e.Target)
			}
		}
		return err
	})
	if diff := cmp.Diff([]string{"ada", "ada", "ada"}, actions); diff != "" || err != nil {
		t.Errorf("the trail, %v (-want +got):\n%s", err, diff)
	}
	for _, next := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", strings.Repeat("/x", 2000)} {
		b := newBrowser(s)
		if to := b.get(b.leave(p, next)).Header.Get("Refresh"); to != "0; url=/" {
			t.Errorf("next %.40q leads to %.40q", next, to)
		}
	}
}

// TestKnown: without roles, those come in whom an administrator made users, and no others.
func TestKnown(t *testing.T) {
	p := newIDP(t)
	s := newSite(t, p.settings("user_claim: email\n"))
	if err := s.accounts.Add(t.Context(), "root", "ada@example.org", "", account.Viewer, []string{"web"}); err != nil {
		t.Fatal(err)
	}
	p.person = map[string]any{"sub": "s", "email": "Ada@Example.org", "email_verified": true}
	s.signIn(p)
	if len(s.begun) != 1 || s.begun[0].Name != "ada@example.org" || s.begun[0].Role != account.Viewer || len(s.begun[0].Scope) != 1 {
		t.Fatalf("signed in: %+v\n%s", s.begun, s.log.String())
	}
	for name, person := range map[string]map[string]any{
		"a stranger":        {"sub": "t", "email": "eve@example.org", "email_verified": true},
		"not verified":      {"sub": "t", "email": "ada@example.org", "email_verified": false},
		"nobody verified":   {"sub": "t", "email": "ada@example.org"},
		"verified in words": {"sub": "t", "email": "ada@example.org", "email_verified": "true"},
		"another subject":   {"sub": "t", "email": "ada@example.org", "email_verified": true},
		"no name":           {"sub": "t", "email_verified": true},
		"a strange name":    {"sub": "t", "email": "a<b>", "email_verified": true},
		"an endless name":   {"sub": "t", "email": strings.Repeat("a", 100_000), "email_verified": true},
	} {
		p.person = person
		if answer, _ := s.signIn(p); answer.StatusCode != http.StatusForbidden || len(s.begun) != 1 {
			t.Errorf("%s: %d, %d signed in", name, answer.StatusCode, len(s.begun))
		}
		s.log.Reset()
	}
	// One that was made anew is another's to have.
	if err := s.accounts.Remove(t.Context(), "root", "ada@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := s.accounts.Add(t.Context(), "root", "ada@example.org", "", account.Viewer, nil); err != nil {
		t.Fatal(err)
	}
	p.person = map[string]any{"sub": "t", "email": "ada@example.org", "email_verified": true}
	if s.signIn(p); len(s.begun) != 2 {
		t.Errorf("after it was made anew: %s", s.log.String())
	}
}

// TestEndsSessions: whom the provider says to be something else, or nothing, has no session
// of before; whose word is not the account's own ends nobody's.
func TestEndsSessions(t *testing.T) {
	p := newIDP(t)
	s := newSite(t, p.settings("roles:\n- {claim: groups, value: ops, role: operator}\n- {claim: groups, value: shop, role: operator, tags: [shop]}\n"))
	for _, groups := range []string{"ops", "ops", "shop", "none"} { // made, the same, another scope, nothing
		p.person["groups"] = []any{groups}
		s.signIn(p)
	}
	p.person = map[string]any{"sub": "s-2", "preferred_username": "Ada", "groups": []any{"none"}}
	s.signIn(p)
	if want := []string{"ada after 2", "ada after 3"}; len(s.begun) != 3 || !slices.Equal(s.ended, want) {
		t.Errorf("%d signed in, ended %q, want %q\n%s", len(s.begun), s.ended, want, s.log.String())
	}
}

// TestRefused: what a provider or somebody between says is taken only when all is right.
func TestRefused(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := func(key string, value any) func(*idp) {
		return func(p *idp) { p.claims = func(c map[string]any) { c[key] = value } }
	}
	with := func(make func(claims map[string]any) string) func(*idp) { return func(p *idp) { p.token = make } }
	answers := func(answer func(http.ResponseWriter, string) bool) func(*idp) {
		return func(p *idp) { p.answer = answer }
	}
	for name, make := range map[string]func(*idp){
		"another audience":     set("aud", "other"),
		"another client, too":  set("aud", []string{clientID, "other"}),
		"for another party":    set("azp", "other"),
		"another issuer":       set("iss", "https://evil.example"),
		"another nonce":        set("nonce", "x"),
		"no nonce":             set("nonce", ""),
		"expired":              set("exp", time.Now().Add(-time.Minute).Unix()),
		"not yet":              set("nbf", time.Now().Add(time.Hour).Unix()),
		"no subject":           set("sub", ""),
		"an endless subject":   set("sub", strings.Repeat("s", 1000)),
		"no group":             set("groups", []any{"guests"}),
		"a group in another":   set("groups", "ops,admins"),
		"a strange name":       set("preferred_username", "../root"),
		"a user with password": set("preferred_username", "admin"),
		"a disabled user":      set("preferred_username", "gone"),
		"not signed":           with(unsigned),
		"signed with the secret": with(func(c map[string]any) string {
			return sign(t, jose.HS256, []byte(strings.Repeat(secret, 2)), c)
		}),
		"signed by another":  with(func(c map[string]any) string { return sign(t, jose.ES256, other, c) }),
		"no token":           with(func(map[string]any) string { return "" }),
		"no token at all":    with(func(map[string]any) string { return "<script>" }),
		"people are refused": func(p *idp) { p.refuses = "access_denied" },
		"a redirect": answers(func(w http.ResponseWriter, _ string) bool {
			w.Header().Set("Location", "https://evil.example")
			w.WriteHeader(307)
			return true
		}),
		"an error": answers(func(w http.ResponseWriter, _ string) bool { http.Error(w, "<script>secret</script>", 500); return true }),
		"no answer that is read": answers(func(w http.ResponseWriter, id string) bool {
			reply(w, map[string]any{"access_token": strings.Repeat("a", 2<<20), "token_type": "Bearer", "id_token": id})
			return true
		}),
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			s := newSite(t, p.settings(roles))
			for user, word := range map[string]string{"admin": "a long password of ours", "gone": ""} {
				if err := s.accounts.Add(t.Context(), "root", user, word, account.Admin, nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.accounts.Disable(t.Context(), "root", "gone", true); err != nil {
				t.Fatal(err)
			}
			make(p)
			answer, text := s.signIn(p)
			if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusBadGateway || len(s.begun) != 0 || has(text, "secret") || has(text, "<script>s") {
				t.Errorf("%d, %d signed in:\n%s", answer.StatusCode, len(s.begun), text)
			}
			if log := s.log.String(); !has(log, "a sign-on was refused") || has(log, secret) || len(log) > 4000 {
				t.Errorf("the log: %.4000s", log)
			}
			if users, err := s.accounts.List(context.Background()); err != nil || len(users) != 3 {
				t.Errorf("%d users, %v", len(users), err)
			}
		})
	}
}

// TestConfiguration: a provider whose own configuration is not right is not gone to.
func TestConfiguration(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another issuer":     func(c map[string]any) { c["issuer"] = "https://evil.example" },
		"people go in clear": func(c map[string]any) { c["authorization_endpoint"] = "http://evil.example/auth" },
		"a huge answer":      func(c map[string]any) { c["x"] = strings.Repeat("x", 2<<20) },
	} {
		p := newIDP(t)
		p.config = change
		s := newSite(t, p.settings(""))
		if answer := newBrowser(s).get("/login/sso"); answer.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
		p.config = nil // and it comes to its senses
		if answer := newBrowser(s).get("/login/sso"); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s, afterwards: %d\n%s", name, answer.StatusCode, s.log.String())
		}
	}
	p := newIDP(t)
	p.config = func(c map[string]any) {
		c["token_endpoint"] = strings.Replace(p.server.URL, "https://127.0.0.1", "http://evil.example", 1) + "/token"
	}
	s := newSite(t, p.settings(roles))
	if answer, _ := s.signIn(p); answer.StatusCode != http.StatusBadGateway || !has(s.log.String(), "not one over TLS") {
		t.Errorf("a code in clear: %d\n%s", answer.StatusCode, s.log.String())
	}
}

// TestForeignBrowser: a way that began in one browser does not end in another.
func TestForeignBrowser(t *testing.T) {
	p := newIDP(t)
	s := newSite(t, p.settings(roles))
	attacker, victim := newBrowser(s), newBrowser(s)
	back := attacker.leave(p, "/")
	victim.leave(p, "/") // has a cookie of its own way
	for name, b := range map[string]*browser{"on a way of its own": victim, "on none": newBrowser(s)} {
		if answer := b.get(back); answer.StatusCode != http.StatusForbidden {
			t.Errorf("a browser %s: %d", name, answer.StatusCode)
		}
	}
	for _, query := range []string{"", "?state=&code=x", "?code=x&state=" + strings.Repeat("a", 43)} {
		if answer := newBrowser(s).get(Back + query); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%q: %d", query, answer.StatusCode)
		}
	}
	if len(s.begun) != 0 {
		t.Errorf("signed in: %+v", s.begun)
	}
	// An answer that says that it is another provider's.
	b := newBrowser(s)
	if answer := b.get(b.leave(p, "/") + "&iss=https%3A%2F%2Fevil.example"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("another provider's answer: %d", answer.StatusCode)
	}
	// One address does not keep the provider busy.
	codes := map[int]int{}
	b = newBrowser(s)
	b.address = "198.51.100.7"
	for range 20 {
		codes[b.get(strings.Replace(b.leave(p, "/"), "code=", "code=x", 1)).StatusCode]++
	}
	if codes[http.StatusTooManyRequests] != 15 || codes[http.StatusBadGateway] != 5 {
		t.Errorf("twenty attempts are answered %v", codes)
	}
}

func TestSettings(t *testing.T) {
	good := "issuer: https://id.example.org\nclient_id: c\nredirect: https://seawall.example.org" + Back + "\n"
	if _, err := parse([]byte(good + roles)); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"empty":              "",
		"an unknown key":     good + "isuer: x\n",
		"no client":          strings.Replace(good, "client_id: c\n", "", 1),
		"http":               strings.Replace(good, "https://id", "http://id", 1),
		"another way back":   strings.Replace(good, Back, "/other", 1),
		"a password in it":   strings.Replace(good, "https://id", "https://u:p@id", 1),
		"a role of no kind":  good + "roles: [{claim: groups, value: x, role: king}]\n",
		"no value":           good + "roles: [{claim: groups, role: viewer}]\n",
		"out to elsewhere":   good + "signed_out: https://evil.example/login\n",
		"out in clear":       good + "signed_out: http://seawall.example.org/login\n",
		"an admin with tags": good + "roles: [{claim: groups, value: x, role: admin, tags: [web]}]\n",
		"a strange tag":      good + "roles: [{claim: groups, value: x, role: viewer, tags: ['a b']}]\n",
	} {
		if s, err := parse([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// FuzzTrip: no cookie makes decoding fail but with an error, and what is taken is the same
// when it is written again.
func FuzzTrip(f *testing.F) {
	good, err := trip{"s", "n", "v", "/hosts?q=a%20b;"}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("%7B%22State%22%3A1%7D")
	f.Add("%")
	f.Fuzz(func(t *testing.T, cookie string) {
		a, err := decodeTrip(cookie)
		if err != nil {
			return
		}
		text, err := a.encode()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := decodeTrip(text); len(text) <= 4096 && (err != nil || a != b) {
			t.Errorf("%q became %+v, then %+v, %v", cookie, a, b, err)
		}
	})
}

// TestClaims: roles are found by name, within objects too, and never by a part of a word.
func TestClaims(t *testing.T) {
	c := &claims{}
	if err := json.Unmarshal([]byte(`{"groups": ["a", 1, null], "one": "x", "https://e.org/r": ["w"], "realm": {"roles": ["r"], "deep": {"er": "d"}}, "list": {"a": 1}}`), &c.all); err != nil {
		t.Fatal(err)
	}
	for question, want := range map[[2]string]bool{
		{"groups", "a"}: true, {"groups", "1"}: false, {"groups", ""}: false, {"one", "x"}: true, {"one", ""}: false,
		{"https://e.org/r", "w"}: true, {"realm.roles", "r"}: true, {"realm.deep.er", "d"}: true, {"realm", "roles"}: false,
		{"realm.roles.x", "r"}: false, {"list", "a"}: false, {"none", "a"}: false, {"none.at", "a"}: false, {".", ""}: false,
	} {
		if got := c.has(question[0], question[1]); got != want {
			t.Errorf("%q is %v", question, got)
		}
	}
}
