package web_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seawall/collector/account"
	"seawall/collector/store"
	"seawall/collector/web"
	"seawall/collector/web/sso"
	"seawall/collector/web/webtest"
)

// TestSignOnPage: the page offers the provider, where there is one, and keeps where the
// visitor was going; one that does not answer keeps nobody from the password.
func TestSignOnPage(t *testing.T) {
	c := withRoles(config(demoFleet(demoNow)))
	b := open(t, newServer(t, c))
	if a := b.get("/login"); strings.Contains(a.body, "/login/sso") {
		t.Error("a provider is offered, and there is none")
	}
	if a := b.get("/login/sso"); a.code == http.StatusOK || a.code == http.StatusBadGateway {
		t.Errorf("without a provider: %d", a.code)
	}
	c.SSO = &web.SingleSignOn{Settings: &sso.Settings{Name: "Example <ID>", Issuer: "http://127.0.0.1:1", ClientID: "c", Redirect: "http://localhost" + sso.Back}}
	c.Metrics = prometheus.NewRegistry() // one is for one server
	b = open(t, newServer(t, c))
	if a := b.get("/login?next=/hosts%3Fq%3Da%26b"); !strings.Contains(a.body, `<a class="button" href="/login/sso?next=%2fhosts%3fq%3da%26b">Sign in with Example &lt;ID&gt;</a>`) {
		t.Errorf("the page: %s", a.body)
	}
	if a := b.get("/login/sso"); a.code != http.StatusBadGateway || !strings.Contains(a.body, "with a password") {
		t.Errorf("a provider that does not answer: %d %s", a.code, a.body)
	}
	b.loginAs("viewer")
}

// TestSignsOut: who is known through the provider is led to where that is said, others to
// the sign-in page.
func TestSignsOut(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	accounts := account.New(s, time.Now)
	for name, word := range map[string]string{"viewer": "", "operator": "a long password of ours"} {
		if err := accounts.Add(t.Context(), "setup", name, word, account.Viewer, nil); err != nil {
			t.Fatal(err)
		}
	}
	c := withRoles(config(demoFleet(demoNow)))
	c.SSO = &web.SingleSignOn{Accounts: accounts, Settings: &sso.Settings{Name: "Example", Issuer: "http://127.0.0.1:1", Redirect: "http://localhost" + sso.Back}}
	server := newServer(t, c)
	for user, want := range map[string]string{"viewer": sso.Out, "operator": "/login", "admin": "/login"} {
		b := open(t, server)
		b.loginAs(user)
		a := b.post("/logout", url.Values{"form": {b.form("/")}})
		if to := a.header.Get("Location"); a.code != http.StatusSeeOther || to != want {
			t.Errorf("%s signs out: %d, to %q, want %q", user, a.code, to, want)
		}
		if b.get("/").code == http.StatusOK {
			t.Errorf("%s is still signed in", user)
		}
	}
	if a := open(t, server).get(sso.Out); a.code != http.StatusOK || !strings.Contains(a.body, "signed in at Example") {
		t.Errorf("the page: %d %s", a.code, a.body)
	}
}

// TestSignedOutPage looks at the page with a provider that names where to sign out.
func TestSignedOutPage(t *testing.T) {
	var at string
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": at, "authorization_endpoint": at, "token_endpoint": at, "jwks_uri": at, "end_session_endpoint": at + "/end"})
	}))
	defer provider.Close()
	at = provider.URL
	c := withRoles(config(demoFleet(demoNow)))
	c.SSO = &web.SingleSignOn{Settings: &sso.Settings{Name: "Example", Issuer: at, ClientID: "c", Redirect: "http://localhost" + sso.Back}}
	tab := webtest.Chromium(t)
	webtest.Walk{Base: serve(t, newServer(t, c)), Shots: *shots}.Pages(t, tab, []string{sso.Out})
	if to := value[string](t, tab, `document.querySelector('main a.button').href`); to != at+"/end?client_id=c" {
		t.Errorf("the way out leads to %s", to)
	}
}
