package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"seawall/collector/web"
	"seawall/collector/web/people"
)

func TestNoSessionNoData(t *testing.T) {
	d := demoFleet(demoNow)
	s := newServer(t, config(d))
	b := open(t, s)
	public := map[string]bool{"/login": true, "/healthz": true, "/readyz": true}
	for _, route := range s.Routes() {
		pattern := route.Pattern
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = http.MethodGet, "/anything"
		}
		path = strings.NewReplacer("{$}", "", "/hosts/{id}", "/hosts/"+string(d.hosts[0].ID), "{id}", "ssh-ciphers", "/static/", "/static/x/seawall.css").Replace(path)
		for _, query := range []string{"", "?fragment=all", "?fragment=live"} {
			for _, cookie := range []string{"", "seawall-session=" + strings.Repeat("A", 43), "seawall-session=;", "seawall-session=\"x"} {
				r, err := http.NewRequest(method, b.base+path+query, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Cookie", cookie)
				r.Header.Set("X-Forwarded-For", "203.0.113.9") // not from this machine
				a := b.do(r)
				switch {
				case strings.Contains(a.body, "web-1") || strings.Contains(a.body, "strong ciphers"):
					t.Errorf("%s %s%s shows data without a session", method, path, query)
				case strings.HasPrefix(path, "/static/"):
					if a.code != http.StatusNotFound {
						t.Errorf("%s: %d, want 404", path, a.code)
					}
				case public[path]:
					if a.code != http.StatusOK && a.code != http.StatusForbidden {
						t.Errorf("%s %s: %d", method, path, a.code)
					}
				case a.code != http.StatusUnauthorized && (a.code != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/login")):
					t.Errorf("%s %s%s: %d, want 401 or a redirect to the login", method, path, query, a.code)
				}
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	b := open(t, newServer(t, config(demoFleet(demoNow))))
	b.login()
	for _, path := range []string{"/", "/hosts", "/api/v1/overview", "/healthz", "/nothing", "/login", "/hosts/zz"} {
		a := b.get(path)
		for key, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.header.Get(key); got != want {
				t.Errorf("%s: %s is %q, want %q", path, key, got, want)
			}
		}
	}
	style := regexp.MustCompile(`/static/[^"]+\.css`).FindString(b.get("/").body)
	if a := b.get(style); a.code != 200 || !strings.Contains(a.header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
		t.Errorf("style sheet: %d %v", a.code, a.header)
	}
	script := regexp.MustCompile(`/static/[^"]+\.js`).FindString(b.get("/").body)
	if a := b.get(script); a.code != 200 || a.header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("script: %d %v", a.code, a.header)
	}
}

func TestHostHeader(t *testing.T) {
	s := newServer(t, config(demoFleet(demoNow)))
	b := open(t, s)
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "LOCALHOST:99": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "[::1]": 200, "192.0.2.7": 200, "seawall.example": 200,
		"Seawall.Example.:443": 200, "evil.example": 421, "seawall.example.evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "xseawall.example": 421,
	} {
		r, err := http.NewRequest(http.MethodGet, b.base+"/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if a := b.do(r); a.code != want {
			t.Errorf("Host %q: %d, want %d", host, a.code, want)
		}
	}
}

func TestCrossSite(t *testing.T) {
	b := open(t, newServer(t, config(demoFleet(demoNow))))
	b.login()
	form := url.Values{"form": {b.form("/")}}
	for _, header := range [][]string{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
		{"Origin", "http://127.0.0.1:1"},
	} {
		if a := b.post("/logout", form, header...); a.code != http.StatusForbidden {
			t.Errorf("POST with %q: %d, want 403", header, a.code)
		}
	}
	for _, token := range []string{"", "x", strings.Repeat("A", 43), form.Get("form") + "x"} {
		if a := b.post("/logout", url.Values{"form": {token}}); a.code != http.StatusForbidden {
			t.Errorf("POST with form token %q: %d, want 403", token, a.code)
		}
	}
	other := browse(t, b.base)
	other.login()
	if a := other.post("/logout", form); a.code != http.StatusForbidden {
		t.Errorf("POST with another session's token: %d, want 403", a.code)
	}
	if a := b.get("/"); a.code != http.StatusOK {
		t.Fatalf("the session did not survive: %d", a.code)
	}
	if a := b.post("/logout", form, "Origin", b.base); a.code != http.StatusSeeOther {
		t.Errorf("own POST: %d, want 303", a.code)
	}
	if a := b.get("/"); a.code != http.StatusSeeOther {
		t.Errorf("after signing out: %d, want 303", a.code)
	}
}

func TestLoginIsTiedToItsForm(t *testing.T) {
	b := open(t, newServer(t, config(demoFleet(demoNow))))
	if a := b.post("/login", url.Values{"password": {password}}); a.code != http.StatusForbidden {
		t.Errorf("without cookie and token: %d, want 403", a.code)
	}
	token := b.form("/login")
	stranger := browse(t, b.base)
	stranger.get("/login")
	if a := stranger.post("/login", url.Values{"form": {token}, "password": {password}}); a.code != http.StatusForbidden {
		t.Errorf("with another browser's token: %d, want 403", a.code)
	}
	a := b.post("/login", url.Values{"form": {token}, "password": {"wrong"}})
	if a.code != http.StatusUnauthorized || !strings.Contains(a.body, "not right") {
		t.Errorf("wrong password: %d %s", a.code, a.body)
	}
	if a := b.post("/login", url.Values{"form": {token}, "password": {password + strings.Repeat("x", 2000)}}); a.code != http.StatusUnauthorized {
		t.Errorf("endless password: %d, want 401", a.code)
	}
	if a := b.post("/login", url.Values{"form": {token}, "password": {strings.Repeat("x", 100_000)}}); a.code == http.StatusSeeOther {
		t.Errorf("body beyond the limit: %d", a.code)
	}
}

func TestSessionFixation(t *testing.T) {
	b := open(t, newServer(t, config(demoFleet(demoNow))))
	u, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	planted := strings.Repeat("B", 43)
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: "seawall-session", Value: planted}})
	b.login()
	first := b.cookie()
	if first == planted || len(first) != 43 {
		t.Fatalf("the session is %q after %q was planted", first, planted)
	}
	// Signing in again gives another session and ends the one before.
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: "seawall-session", Value: ""}})
	b.login()
	if b.cookie() == first {
		t.Error("two logins have one session")
	}
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: "seawall-session", Value: planted}})
	if a := b.get("/"); a.code != http.StatusSeeOther {
		t.Errorf("the planted session answers %d", a.code)
	}
}

func TestCookies(t *testing.T) {
	c := config(demoFleet(demoNow))
	c.Secure = true
	b := open(t, newServer(t, c))
	a := b.get("/login")
	m := formField.FindStringSubmatch(a.body)
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || m == nil {
		t.Fatal(err, m)
	}
	a = b.post("/login", url.Values{"form": {m[1]}, "password": {password}}, "Cookie", cookie.Name+"="+cookie.Value)
	if a.code != http.StatusSeeOther {
		t.Fatalf("login: %d", a.code)
	}
	got := a.header.Values("Set-Cookie")[0]
	for _, want := range []string{"__Host-seawall-session=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict"} {
		if !strings.Contains(got, want) {
			t.Errorf("cookie %q lacks %q", got, want)
		}
	}
}

func TestLoginRate(t *testing.T) {
	d := demoFleet(demoNow)
	tried := 0
	c := config(d)
	c.SignIn = people.Alone(func(string) bool { tried++; return false })
	b := open(t, newServer(t, c))
	token := b.form("/login")
	var last answer
	for range 20 {
		last = b.post("/login", url.Values{"form": {token}, "password": {"guess"}})
	}
	if tried != 5 || last.code != http.StatusTooManyRequests || last.header.Get("Retry-After") != "10" {
		t.Errorf("%d passwords were tried, the last answer is %d, Retry-After %q", tried, last.code, last.header.Get("Retry-After"))
	}
	d.now = d.now.Add(10 * time.Second)
	if b.post("/login", url.Values{"form": {token}, "password": {"guess"}}); tried != 6 {
		t.Errorf("%d passwords were tried after the wait, want 6", tried)
	}
}

func TestNextStaysHere(t *testing.T) {
	b := open(t, newServer(t, config(demoFleet(demoNow))))
	for next, want := range map[string]string{
		"/hosts?q=a": "/hosts?q=a", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "/\t/evil.example": "/",
		"javascript:alert(1)": "/", "": "/", "hosts": "/", "/%2F/evil.example": "/%2F/evil.example", "/\nX: y": "/",
	} {
		b.http.Jar = browse(t, b.base).http.Jar
		a := b.get("/login?" + url.Values{"next": {next}}.Encode())
		form := formField.FindStringSubmatch(a.body)[1]
		a = b.post("/login", url.Values{"form": {form}, "password": {password}, "next": {next}})
		if got := a.header.Get("Location"); got != want {
			t.Errorf("next %q leads to %q (%d), want %q", next, got, a.code, want)
		}
		if a.code == http.StatusTooManyRequests {
			t.Fatal("rate limited")
		}
		b = open(t, newServer(t, config(demoFleet(demoNow))))
	}
}

func TestProbes(t *testing.T) {
	c := config(demoFleet(demoNow))
	secret := errors.New("disk /var/lib/seawall/secret.db is full")
	ready := error(nil)
	c.Ready = func(context.Context) error { return ready }
	b := open(t, newServer(t, c))
	if a := b.get("/healthz"); a.code != 200 || a.body != "ok\n" {
		t.Errorf("healthz: %d %q", a.code, a.body)
	}
	if a := b.get("/readyz"); a.code != 200 || a.body != "ready\n" {
		t.Errorf("readyz: %d %q", a.code, a.body)
	}
	ready = secret
	if a := b.get("/readyz"); a.code != 503 || a.body != "not ready\n" {
		t.Errorf("readyz of a broken store: %d %q", a.code, a.body)
	}
	if a := b.get("/metrics"); a.code != 200 {
		t.Errorf("metrics from this machine: %d", a.code)
	}
}

func TestFailureSaysNothing(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	d.err = errors.New("secret.db: database disk image is malformed")
	for _, path := range []string{"/", "/hosts", "/checks", "/hosts/" + string(d.hosts[0].ID), "/checks/ssh-ciphers", "/detections", detectionPath(d, 0), "/api/v1/detections", "/api/v1/overview", "/api/v1/timeline", "/api/v1/hosts"} {
		if a := b.get(path); a.code != http.StatusInternalServerError || strings.Contains(a.body, "secret") {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
}

func TestConfig(t *testing.T) {
	d := newDemo(demoNow)
	for name, break_ := range map[string]func(*web.Config){
		"posture": func(c *web.Config) { c.Posture = nil }, "catalogue": func(c *web.Config) { c.Catalogue = nil },
		"feed": func(c *web.Config) { c.Feed = nil }, "sign in": func(c *web.Config) { c.SignIn = nil },
		"host": func(c *web.Config) { c.Hosts = []string{"https://seawall.example/"} },
	} {
		c := config(d)
		break_(&c)
		if _, err := web.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestThemeWithoutScript(t *testing.T) {
	b := open(t, newServer(t, config(demoFleet(demoNow))))
	b.login()
	form := b.form("/")
	for _, want := range []string{"dark", "light", "dark"} {
		if a := b.post("/theme", url.Values{"form": {form}, "next": {"/hosts"}}); a.code != http.StatusSeeOther || a.header.Get("Location") != "/hosts" {
			t.Fatalf("theme: %d", a.code)
		}
		if a := b.get("/hosts"); !strings.Contains(a.body, `data-theme="`+want+`"`) {
			t.Errorf("the page is not %s", want)
		}
	}
}
