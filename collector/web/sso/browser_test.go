package sso

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"seawall/collector/account"
	"seawall/collector/web/webtest"
)

// TestBrowser goes the way in Chromium, which keeps cookies of sessions from a page to
// which another site leads: they are sent all the same where the way ends.
func TestBrowser(t *testing.T) {
	p := newIDP(t) // at 127.0.0.1, which is another site than localhost
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	p.site = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	s := newSite(t, p.settings(roles))
	s.began = func(w http.ResponseWriter, _ account.User) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "ada", Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	mux.Handle("/login/", s.handler)
	mux.HandleFunc("GET /hosts", func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("session")
		if err != nil {
			c = &http.Cookie{Value: "nobody"}
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<p id=who>" + c.Value + " " + r.URL.Query().Get("q") + "</p>"))
	})
	tab := webtest.Chromium(t)
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(p.site+"/login/sso?next=/hosts%3Fq%3Da%2526b"), chromedp.WaitVisible(chromedp.CSS("#who"))); err != nil {
		t.Fatalf("%v\n%s", err, s.log.String())
	}
	who, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("#who")))
	if err != nil {
		t.Fatal(err)
	}
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	if who != "ada a&b" || at != p.site+"/hosts?q=a%26b" {
		t.Errorf("the way ends at %s as %q\n%s", at, who, s.log.String())
	}
}
