package users_test

import (
	"context"
	"flag"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/db"
	"seawall/collector/glance"
	"seawall/collector/report"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/web"
	"seawall/collector/web/api"
	"seawall/collector/web/frame"
	"seawall/collector/web/people"
	"seawall/collector/web/role"
	"seawall/collector/web/session"
	"seawall/collector/web/users"
	"seawall/collector/web/webtest"
)

var shots = flag.String("shots", "", "keep screenshots of all pages in this folder")

const word = "correct horse battery staple"

// house is a dashboard over a database of its own, with the users admin and ann.
type house struct {
	*store.Store
	accounts *account.Accounts
	tokens   *apitoken.Tokens
	base     string
}

func who(name string, of account.Role, scope []string) session.Who {
	return session.Who{User: name, Role: role.Parse(string(of)), Scope: scope}
}

func open(t *testing.T) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "db"), store.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{Store: s, accounts: account.New(s, time.Now), tokens: apitoken.New(s, time.Now)}
	for name, role := range map[string]account.Role{"admin": account.Admin, "ann": account.Operator} {
		if err := h.accounts.Add(t.Context(), "root", name, word, role, nil); err != nil {
			t.Fatal(err)
		}
	}
	var out *web.Server
	out, err = web.New(web.Config{
		Posture: s, Catalogue: s, Detections: s, Lists: s, Advisories: s, Parts: s, Feed: s, Log: log, Sessions: s,
		Glance: glance.New(glance.Config{Reports: report.New(report.Config{Data: s, Checks: s.Checks, Hosts: s.HostPage}), Overview: s.OverviewOf,
			Hosts: s.HostPage, Changes: s.Changes, Now: time.Now}).Make,
		SignIn: func(ctx context.Context, a people.Attempt) (session.Who, error) {
			u, err := h.accounts.SignIn(ctx, a.User, a.Password)
			return who(u.Name, u.Role, u.Scope), err
		},
		Bearer: func(ctx context.Context, text string) (session.Who, error) {
			k, err := h.tokens.Find(ctx, text)
			return who(k.User, k.Role, k.Scope), err
		},
		Areas: func(f *frame.Frame) ([]web.Area, error) {
			p, err := users.New(users.Config{Frame: f, Accounts: h.accounts, Tokens: h.tokens, DB: s, EndUser: func(user string) { out.EndUser(user) },
				Sessions:   func(ctx context.Context, user string) ([]session.Open, error) { return out.Sessions(ctx, user) },
				EndSession: func(ctx context.Context, user, id string) error { return out.EndSession(ctx, user, id) }})
			return []web.Area{p, api.New(api.Config{Frame: f, Posture: s, Catalogue: s, CheckOf: s.CheckOf, Detections: s, Lists: s, Advisories: s, Requests: s.Requests})}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(out)
	t.Cleanup(ts.Close)
	h.base = ts.URL
	return h
}

// browser keeps cookies and follows redirects.
type browser struct {
	*testing.T
	http.Client
	base string
}

func (h *house) browse(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, http.Client{Jar: jar, Timeout: 20 * time.Second}, h.base}
}

// ask sends a request and returns the status, the last path and the body.
func (b *browser) ask(method, path string, fields url.Values, header ...string) (int, string, string) {
	b.Helper()
	r, err := http.NewRequest(method, b.base+path, strings.NewReader(fields.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := b.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		b.Fatal(err)
	}
	return a.StatusCode, a.Request.URL.Path, string(body)
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// send fills a form in that stands on page.
func (b *browser) send(page, path string, fields ...string) (int, string, string) {
	b.Helper()
	_, _, body := b.ask(http.MethodGet, page, nil)
	m := formField.FindStringSubmatch(body)
	if m == nil {
		b.Fatalf("%s has no form: %s", page, body)
	}
	v := url.Values{"form": {m[1]}}
	for i := 0; i < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	return b.ask(http.MethodPost, path, v)
}

func (b *browser) signIn(user, word string) bool {
	b.Helper()
	_, at, _ := b.send("/login", "/login", "username", user, "password", word)
	return at == "/"
}

// did returns the actions of the trail, oldest first, after checking that it holds.
func (h *house) did(t *testing.T) (out []string) {
	t.Helper()
	err := h.Read(t.Context(), func(q db.Querier) error {
		all, err := trail.List(t.Context(), q, trail.Query{Limit: 1000})
		for i := len(all) - 1; i >= 0; i-- {
			out = append(out, all[i].Who+" "+all[i].Action+" "+all[i].Target)
		}
		if err == nil {
			_, err = trail.Verify(t.Context(), q, "")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestUsers makes a user, changes what it may do, keeps it out and removes it, each in
// effect at once and in the trail.
func TestUsers(t *testing.T) {
	h := open(t)
	admin, bob := h.browse(t), h.browse(t)
	if !admin.signIn("admin", word) {
		t.Fatal("the admin cannot sign in")
	}
	code, at, body := admin.send("/users", "/users", "name", "bob", "password", word+"!", "role", "viewer", "scope", "prod  web")
	if code != http.StatusOK || at != "/users" || !strings.Contains(body, "The user bob was made.") || !strings.Contains(body, "<bdi>prod</bdi>") {
		t.Fatalf("%d %s", code, body)
	}
	if _, _, again := admin.ask(http.MethodGet, "/users", nil); strings.Contains(again, "was made") {
		t.Error("what was done is shown twice")
	}
	if !bob.signIn("bob", word+"!") {
		t.Fatal("bob cannot sign in")
	}
	if code, _, _ := bob.ask(http.MethodGet, "/users", nil); code != http.StatusForbidden {
		t.Errorf("a viewer sees the users: %d", code)
	}
	for _, step := range []struct{ do, field, value, says string }{
		{"role", "role", "operator", "has to sign in again"}, {"disable", "", "", "no longer sign in"}, {"enable", "", "", "can sign in again"}, {"password", "password", word + "?", "password of bob was changed"},
	} {
		if code, _, body := admin.send("/users/bob", "/users/bob", "do", step.do, step.field, step.value); code != http.StatusOK || !strings.Contains(body, step.says) {
			t.Errorf("%s: %d %s", step.do, code, body)
		}
		if _, at, _ := bob.ask(http.MethodGet, "/", nil); at != "/login" {
			t.Errorf("after %s bob's session lives on", step.do)
		}
		if in := bob.signIn("bob", word+"!"); in != (step.do == "role" || step.do == "enable") {
			t.Errorf("after %s bob signs in: %v", step.do, in)
		}
	}
	if code, at, _ := admin.send("/users/bob", "/users/bob", "do", "remove"); code != http.StatusOK || at != "/users" {
		t.Errorf("remove: %d at %s", code, at)
	}
	if code, _, _ := admin.ask(http.MethodGet, "/users/bob", nil); code != http.StatusNotFound {
		t.Errorf("bob after his end: %d", code)
	}
	want := "admin user add bob, admin user role bob, admin user disable bob, admin user enable bob, admin user password bob, admin user remove bob"
	if got := strings.Join(h.did(t)[2:], ", "); got != want {
		t.Errorf("the trail says %s\nwant %s", got, want)
	}
	if _, _, body := admin.ask(http.MethodGet, "/trail?action=user+remove", nil); strings.Count(body, `id="entry-`) != 1 {
		t.Errorf("the filter of the trail: %s", body)
	}
}

// TestRefused: what cannot be is said on the page, and nothing changes.
func TestRefused(t *testing.T) {
	h := open(t)
	b := h.browse(t)
	b.signIn("admin", word)
	before := len(h.did(t))
	for name, step := range map[string]struct {
		page   string
		fields []string
		says   string
	}{
		"taken name":  {"/users", []string{"name", "ann", "password", word, "role", "viewer"}, "exists already"},
		"odd name":    {"/users", []string{"name", `"><script>x`, "password", word, "role", "viewer"}, "want 1 to 64"},
		"short":       {"/users", []string{"name", "bob", "password", "short", "role", "viewer"}, "at least 12"},
		"odd role":    {"/users", []string{"name", "bob", "password", word, "role", "root"}, "want viewer"},
		"last role":   {"/users/admin", []string{"do", "role", "role", "viewer"}, "last administrator"},
		"last gone":   {"/users/admin", []string{"do", "remove"}, "last administrator"},
		"last out":    {"/users/admin", []string{"do", "disable"}, "last administrator"},
		"old wrong":   {"/account", []string{"do", "password", "old", "wrong", "new", word + "!"}, "old password is not right"},
		"new short":   {"/account", []string{"do", "password", "old", word, "new", "x"}, "at least 12"},
		"token blank": {"/account", []string{"do", "token", "label", " ", "role", "viewer"}, "Label"},
	} {
		code, _, body := b.send(step.page, step.page, step.fields...)
		if code != http.StatusUnprocessableEntity || !strings.Contains(body, step.says) || !strings.Contains(body, `role="alert"`) || strings.Contains(body, "<script>x") {
			t.Errorf("%s: %d, no %q in %s", name, code, step.says, body)
		}
	}
	for page, fields := range map[string][]string{"/account": {"do", "nonsense"}, "/users/ann": {"do", ""}} {
		if code, _, _ := b.send(page, page, fields...); code != http.StatusNotFound {
			t.Errorf("%s %q: %d", page, fields, code)
		}
	}
	if code, _, _ := b.send("/users", "/users/none", "do", "remove"); code != http.StatusNotFound {
		t.Errorf("a user that is none: %d", code)
	}
	if after := h.did(t); len(after) != before {
		t.Errorf("something was done: %q", after[before:])
	}
}

// TestOwnPassword changes it with the old one, which then is none, and guesses at it are few.
func TestOwnPassword(t *testing.T) {
	h := open(t)
	b, thief := h.browse(t), h.browse(t)
	b.signIn("ann", word)
	thief.signIn("ann", word)
	if _, at, _ := b.send("/account", "/account", "do", "password", "old", word, "new", word+"2"); at != "/login" {
		t.Errorf("after the change at %s", at)
	}
	if _, at, _ := thief.ask(http.MethodGet, "/", nil); at != "/login" {
		t.Error("another session lives on")
	}
	if b.signIn("ann", word) || !b.signIn("ann", word+"2") {
		t.Error("the old password is still good, or the new one is not")
	}
	last := 0
	for range 6 {
		last, _, _ = b.send("/account", "/account", "do", "password", "old", "guess", "new", word+"3")
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the sixth guess at the old password: %d", last)
	}
}

// TestTokens makes an API token: its text is shown once, does what its role may and no
// more, is none for these pages, and ends when it is revoked or its user is out.
func TestTokens(t *testing.T) {
	h := open(t)
	b, admin := h.browse(t), h.browse(t)
	b.signIn("ann", word)
	admin.signIn("admin", word)
	make_ := func(role string) (int, string) {
		code, _, body := b.send("/account", "/account", "do", "token", "label", "<b>ci</b>", "role", role, "days", "7")
		return code, html.UnescapeString(regexp.MustCompile(`swc_[0-9a-f]{12}_[A-Za-z0-9_-]{43}`).FindString(body))
	}
	if code, text := make_("admin"); code != http.StatusUnprocessableEntity || text != "" {
		t.Errorf("an operator makes an admin's token: %d", code)
	}
	code, text := make_("viewer")
	if code != http.StatusOK || text == "" {
		t.Fatalf("%d", code)
	}
	if _, _, body := b.ask(http.MethodGet, "/account", nil); strings.Contains(body, text) || !strings.Contains(body, "&lt;b&gt;ci") {
		t.Error("the text of a token is shown again, or its name is markup")
	}
	program := h.browse(t)
	as := []string{"Authorization", "Bearer " + text}
	for path, want := range map[string]int{"/api/v1/hosts": 200, "/hosts/new": 403, "/account": 403, "/users": 403} {
		if code, _, _ := program.ask(http.MethodGet, path, nil, as...); code != want {
			t.Errorf("a viewer's token at %s: %d, want %d", path, code, want)
		}
	}
	admin.send("/users/ann", "/users/ann", "do", "disable")
	if code, _, _ := program.ask(http.MethodGet, "/api/v1/hosts", nil, as...); code != http.StatusUnauthorized {
		t.Errorf("a token of one who is kept out: %d", code)
	}
	admin.send("/users/ann", "/users/ann", "do", "enable")
	id := text[4:16]
	if code, _, body := admin.send("/users/ann", "/users/ann", "do", "revoke", "id", id); code != http.StatusOK || !strings.Contains(body, "was revoked") {
		t.Errorf("revoke: %d", code)
	}
	if code, _, _ := program.ask(http.MethodGet, "/api/v1/hosts", nil, as...); code != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", code)
	}
	// Nobody revokes another's from the page of one's own.
	_, made, err := h.tokens.Add(t.Context(), "root", "admin", "mine", account.Viewer, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.signIn("ann", word)
	if code, _, _ := b.send("/account", "/account", "do", "revoke", "id", made.ID); code != http.StatusNotFound {
		t.Errorf("another's token: %d", code)
	}
}

// TestBroken says so where the trail is not as it was written.
func TestBroken(t *testing.T) {
	whole := open(t).browse(t)
	whole.signIn("admin", word)
	if _, _, body := whole.ask(http.MethodGet, "/trail", nil); !strings.Contains(body, "all hold") {
		t.Errorf("%s", body)
	}
	h := open(t)
	b := h.browse(t)
	b.signIn("admin", word)
	// Before the first look: between two looks at the whole, only what is new is read.
	if err := h.Write(t.Context(), func(w db.Writer) error { return w.Exec("UPDATE trail SET who = 'nobody' WHERE seq = 2") }); err != nil {
		t.Fatal(err)
	}
	if _, _, body := b.ask(http.MethodGet, "/trail", nil); !strings.Contains(body, "entry 2 of") || strings.Contains(body, "all hold") {
		t.Errorf("%s", body)
	}
}

// TestPages looks at the pages in a browser.
func TestPages(t *testing.T) {
	h := open(t)
	if _, _, err := h.tokens.Add(t.Context(), "admin", "admin", "backup of the night", account.Viewer, nil, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := h.accounts.Add(t.Context(), "admin", "carol", "", account.Viewer, []string{"env=prod", "team=payments"}); err != nil {
		t.Fatal(err)
	}
	tab := webtest.Chromium(t)
	err := chromedp.Do(tab, chromedp.Navigate(h.base+"/login"), chromedp.SendKeys(chromedp.CSS("#password"), word+"\r"), chromedp.WaitVisible(chromedp.CSS(".top")))
	if err != nil {
		t.Fatal(err)
	}
	webtest.Walk{Base: h.base, Shots: *shots}.Pages(t, tab, append((*users.Pages).Examples(nil), "/users/carol"))
}
