package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"seawall/collector/web"
	"seawall/collector/web/sso"
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
