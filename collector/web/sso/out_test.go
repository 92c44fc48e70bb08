package sso

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestLoopback: a provider elsewhere does not have us send the code and the secret to what
// listens on this machine, in clear; one that is on this machine itself may.
func TestLoopback(t *testing.T) {
	got := make(chan string, 10)
	local := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.URL.Path }))
	defer local.Close()
	for _, key := range []string{"token_endpoint", "jwks_uri", "authorization_endpoint"} {
		p := newIDP(t)
		p.config = func(c map[string]any) { c[key] = local.URL + "/" + key }
		s := newSite(t, p.settings(roles))
		b := newBrowser(s)
		answer := b.get("/login/sso")
		if key != "authorization_endpoint" {
			answer = b.get(b.leave(p, "/"))
		}
		if answer.StatusCode != http.StatusBadGateway || len(s.begun) != 0 || !has(s.log.String(), "not one over TLS") {
			t.Errorf("%s: %d\n%s", key, answer.StatusCode, s.log.String())
		}
	}
	select {
	case path := <-got:
		t.Errorf("what listens here was asked for %s", path)
	default:
	}
	for issuer, want := range map[string]bool{"http://127.0.0.1:8080/realm": true, "http://localhost": true, "https://127.0.0.1": false, "https://id.example.org": false} {
		s := &Settings{Issuer: issuer}
		if u, err := url.Parse(local.URL); err != nil || s.trusts(u) != want {
			t.Errorf("%s may name %s: %v", issuer, local.URL, !want)
		}
	}
}

// TestHangs: those who come while the provider is asked wait for one answer together, and
// who leaves does not wait.
func TestHangs(t *testing.T) {
	p := newIDP(t)
	asked, answer := make(chan bool, 10), make(chan bool)
	p.config = func(map[string]any) {
		asked <- true
		<-answer
	}
	made := newProvider(p.settings(""), time.Now)
	results := make(chan error, 5)
	ready := func(ctx context.Context) {
		_, err := made.ready(ctx)
		results <- err
	}
	first, leave := context.WithCancel(t.Context())
	go ready(first)
	<-asked
	leave() // the one for whom it was asked
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
	for range 4 {
		go ready(t.Context())
	}
	close(answer)
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if len(asked) != 0 {
		t.Errorf("the provider was asked %d times more", len(asked))
	}
}

// TestOut: who has signed out here is led to where the provider ends its own session, if
// it names a place that is trusted, and is told of it in any case.
func TestOut(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(p *idp) any
		more string
		want string // of the link, after the provider's address
	}{
		"none":            {end: func(*idp) any { return nil }},
		"an end":          {end: func(p *idp) any { return p.server.URL + "/end?realm=a&amp" }, want: "/end?amp=&client_id=seawall&realm=a"},
		"and back":        {end: func(p *idp) any { return p.server.URL + "/end#x" }, more: "signed_out: http://localhost/login\n", want: "/end?client_id=seawall&post_logout_redirect_uri=http%3A%2F%2Flocalhost%2Flogin"},
		"in clear":        {end: func(*idp) any { return "http://evil.example/end" }},
		"a script":        {end: func(*idp) any { return "javascript:alert(1)" }},
		"with a password": {end: func(p *idp) any { return strings.Replace(p.server.URL, "https://", "https://u:p@", 1) }},
		"endless":         {end: func(p *idp) any { return p.server.URL + "/" + strings.Repeat("x", 3000) }},
		"markup":          {end: func(p *idp) any { return p.server.URL + `/"><script>alert(1)</script>` }, want: "/%22%3E%3Cscript%3Ealert%281%29%3C/script%3E?client_id=seawall"},
	} {
		p := newIDP(t)
		p.config = func(c2 map[string]any) { c2["end_session_endpoint"] = c.end(p) }
		s := newSite(t, p.settings(c.more))
		answer := newBrowser(s).get(Out)
		text := body(answer)
		link := ""
		if _, rest, found := strings.Cut(text, `class="button" href="`); found {
			link, _, _ = strings.Cut(rest, `"`)
			link = strings.TrimPrefix(html.UnescapeString(link), p.server.URL)
		}
		if answer.StatusCode != http.StatusOK || link != c.want || !has(text, "signed in at Example") || !has(text, `href="/login"`) || has(text, "<script>alert") {
			t.Errorf("%s: %d, the link is %q, want %q\n%s", name, answer.StatusCode, link, c.want, text)
		}
	}
	p := newIDP(t)
	s := newSite(t, p.settings(""))
	p.server.Close()
	if answer := newBrowser(s).get(Out); answer.StatusCode != http.StatusOK || !has(body(answer), "On a shared computer, sign out there, too.") {
		t.Errorf("with the provider away: %d", answer.StatusCode)
	}
}
