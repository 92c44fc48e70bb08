package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"seawall/collector/web"
)

// from is s as one at an address reaches it.
func from(s http.Handler, address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = address + ":999"
		s.ServeHTTP(w, r)
	})
}

// TestGuessing has a thousand addresses guess at one name: few guesses are looked at,
// the name's owner gets in from the browser that it used before, and others at once.
func TestGuessing(t *testing.T) {
	d := demoFleet(demoNow)
	c := withRoles(config(d))
	s := newServer(t, c)
	own := open(t, from(s, "192.0.2.1"))
	own.loginAs("operator")
	own.send(http.MethodPost, "/logout", url.Values{"form": {own.form("/")}})
	codes := map[int]int{}
	for i := range 1000 {
		r := httptest.NewRecorder()
		h := from(s, fmt.Sprintf("10.1.%d.%d", i/250, i%250))
		h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "http://localhost/login", nil))
		guess := httptest.NewRequest(http.MethodPost, "http://localhost/login", strings.NewReader(url.Values{
			"form": {formField.FindStringSubmatch(r.Body.String())[1]}, "username": {"operator"}, "password": {fmt.Sprint(i)}}.Encode()))
		guess.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, cookie := range r.Result().Cookies() {
			guess.AddCookie(cookie)
		}
		a := httptest.NewRecorder()
		h.ServeHTTP(a, guess)
		codes[a.Code]++
	}
	// One of the name's attempts is spent by its owner, four are left.
	if codes[http.StatusUnauthorized] != 4 || codes[http.StatusTooManyRequests] != 996 {
		t.Errorf("a thousand guesses are answered %v", codes)
	}
	own.loginAs("operator")
	open(t, from(s, "192.0.2.2")).loginAs("viewer")
	d.now = d.now.Add(time.Minute)
	open(t, from(s, "192.0.2.3")).loginAs("operator") // on a new machine, after a wait
}

// TestCrowd fills the tables of addresses and of names from many networks: who signed in
// on a browser before still gets in there, also from an address that it never had.
func TestCrowd(t *testing.T) {
	d := demoFleet(demoNow)
	s := newServer(t, withRoles(config(d)))
	address := "192.0.2.1"
	own := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { from(s, address).ServeHTTP(w, r) }))
	own.loginAs("operator")
	own.send(http.MethodPost, "/logout", url.Values{"form": {own.form("/")}})
	page := httptest.NewRecorder()
	s.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "http://localhost/login", nil))
	form := formField.FindStringSubmatch(page.Body.String())[1]
	codes := map[int]int{}
	for i := range 9000 {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/login", strings.NewReader(url.Values{
			"form": {form}, "username": {fmt.Sprint("nobody", i)}, "password": {strings.Repeat("x", 2000)}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, cookie := range page.Result().Cookies() {
			r.AddCookie(cookie)
		}
		a := httptest.NewRecorder()
		from(s, fmt.Sprintf("[2001:db8:%x:%x::1]", i/60000, i)).ServeHTTP(a, r)
		codes[a.Code]++
	}
	if codes[http.StatusTooManyRequests] < 4000 {
		t.Fatalf("the tables are not full: %v", codes)
	}
	address = "[2001:db8:ffff:ffff::1]"
	own.loginAs("operator")
}

// TestRefusalsAreAlike: nobody learns from an answer whether a name exists.
func TestRefusalsAreAlike(t *testing.T) {
	b := open(t, newServer(t, withRoles(config(demoFleet(demoNow)))))
	form := b.form("/login")
	say := func(user string) string {
		a := b.post("/login", url.Values{"form": {form}, "username": {user}, "password": {"wrong"}})
		if a.code != http.StatusUnauthorized {
			t.Errorf("%q: %d", user, a.code)
		}
		return strings.ReplaceAll(a.body, `value="`+user+`"`, "")
	}
	if yes, no := say("viewer"), say("nobody"); yes != no {
		t.Errorf("the answers differ:\n%s\n%s", yes, no)
	}
	if a := b.post("/login", url.Values{"form": {form}, "username": {`"><script>alert(1)</script>`}, "password": {"x"}}); strings.Contains(a.body, "<script>alert") {
		t.Errorf("a name becomes markup: %s", a.body)
	}
	if a := b.post("/login", url.Values{"form": {form}, "username": {strings.Repeat("viewer", 100)}, "password": {password}}); a.code != http.StatusUnauthorized {
		t.Errorf("an endless name: %d", a.code)
	}
}

// TestRightsEnd signs a user out everywhere the moment what it may do changes.
func TestRightsEnd(t *testing.T) {
	s := newServer(t, withRoles(config(demoFleet(demoNow))))
	base := open(t, s).base
	one, two, other := browse(t, base), browse(t, base), browse(t, base)
	one.loginAs("operator")
	two.loginAs("operator")
	other.loginAs("viewer")
	form := one.form("/hosts/new")
	s.EndUser("operator")
	for _, b := range []*browser{one, two} {
		if a := b.get("/hosts"); a.code != http.StatusSeeOther {
			t.Errorf("after the end: %d", a.code)
		}
	}
	if a := one.post("/hosts/new", url.Values{"form": {form}, "family": {"debian"}}); a.code != http.StatusUnauthorized {
		t.Errorf("a form of before the end: %d", a.code)
	}
	if a := other.get("/hosts"); a.code != http.StatusOK {
		t.Errorf("another user: %d", a.code)
	}
}

// TestTokens: a program with an API token needs no form, is what its token is, and gains
// nothing from a session beside it.
func TestTokens(t *testing.T) {
	b := open(t, newServer(t, withRoles(config(demoFleet(demoNow)))))
	fields := url.Values{"family": {"debian"}, "collector": {"c:1"}}
	if a := b.post("/hosts/new", fields, "Authorization", "Bearer swc_operator"); a.code != http.StatusOK {
		t.Errorf("an operator's token: %d", a.code)
	}
	if a := b.send(http.MethodGet, "/events?since=-1", nil, "Authorization", "Bearer swc_admin"); a.code != http.StatusForbidden || !strings.Contains(a.body, "WatchChanges") {
		t.Errorf("a stream of a token, which would outlive it: %d %s", a.code, a.body)
	}
	b.loginAs("admin")
	for header, want := range map[string]int{
		"Bearer swc_viewer": http.StatusForbidden, "Bearer swc_none": http.StatusUnauthorized, "Bearer ": http.StatusUnauthorized,
		"Basic YWRtaW46eA==": http.StatusUnauthorized, "bearer swc_admin": http.StatusUnauthorized, "Bearer " + strings.Repeat("x", 5000): http.StatusUnauthorized,
	} {
		if a := b.post("/hosts/new", fields, "Authorization", header); a.code != want {
			t.Errorf("%.40s: %d, want %d", header, a.code, want)
		}
	}
	c := config(demoFleet(demoNow))
	none := open(t, newServer(t, c))
	if a := none.send(http.MethodGet, "/api/v1/hosts", nil, "Authorization", "Bearer swc_admin"); a.code != http.StatusUnauthorized {
		t.Errorf("a token where there are none: %d", a.code)
	}
}

// TestNoFormNoChange sends every route that changes something without its form's token,
// with another session's, and from another site.
func TestNoFormNoChange(t *testing.T) {
	d := demoFleet(demoNow)
	s := newServer(t, withRoles(config(d)))
	base := open(t, s).base
	b, other := browse(t, base), browse(t, base)
	b.loginAs("admin")
	other.loginAs("admin")
	theirs, mine := other.form("/"), b.form("/")
	n := 0
	for _, route := range s.Routes() {
		method, path := concrete(d, route.Pattern)
		if method == http.MethodGet || path == "/login" {
			continue
		}
		n++
		for _, form := range []string{"", "x", theirs, mine + "A", strings.ToUpper(mine)} {
			if a := b.send(method, path, url.Values{"form": {form}}); a.code != http.StatusForbidden {
				t.Errorf("%s %s with the form %q: %d", method, path, form, a.code)
			}
		}
		if a := b.send(method, path, url.Values{"form": {mine}}, "Sec-Fetch-Site", "cross-site"); a.code != http.StatusForbidden {
			t.Errorf("%s %s from another site: %d", method, path, a.code)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "PROPFIND"} {
		if a := b.send(method, "/hosts", nil); a.code != http.StatusForbidden {
			t.Errorf("%s without a form: %d", method, a.code)
		}
	}
	if n < 3 {
		t.Errorf("only %d routes change something", n)
	}
}

// TestCrawl follows every link and asks by every form that there is, as an administrator
// and as a viewer: each page that is reached is whole, has our headers and only the
// elements of our templates, and none leads out, nowhere, or to what the role cannot use.
func TestCrawl(t *testing.T) {
	for _, role := range []string{"admin", "viewer"} {
		t.Run(role, func(t *testing.T) {
			d := demoFleet(demoNow)
			addHostile(d, hostileStrings()[:40])
			crawl(t, newServer(t, withRoles(config(d))), role)
		})
	}
}

func crawl(t *testing.T, s *web.Server, role string) {
	t.Helper()
	b := open(t, s)
	b.loginAs(role)
	queue, seen := []string{"/"}, map[string]bool{"/": true}
	lost := 0
	for len(queue) > 0 && len(seen) < 2000 {
		path := queue[0]
		queue = queue[1:]
		a := b.get(path)
		if a.code == http.StatusNotFound && (strings.HasPrefix(path, "/hosts/") || strings.HasPrefix(path, "/checks/")) {
			lost++ // a host or a check that a host spoke of, and that there is not
			continue
		}
		if a.code != http.StatusOK {
			t.Errorf("%s is linked, and answers %d", path, a.code)
			continue
		}
		if !strings.Contains(a.header.Get("Content-Security-Policy"), "script-src 'self'") || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, a.header)
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		check(t, path, a.body)
		for _, next := range links(t, path, a.body) {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	if len(seen) < 60 || lost > 6 || len(queue) > 0 {
		t.Errorf("%d pages were found, %d not there, %d not visited", len(seen), lost, len(queue))
	}
}

// links returns where a page's links and its forms that only ask lead, without fragments.
func links(t *testing.T, page, body string) (out []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		address := attr["href"]
		if n.Data == "form" && attr["method"] == "get" {
			address = attr["action"] + "?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
		}
		if address == "" || !slices.Contains([]string{"a", "form", "link"}, n.Data) {
			continue
		}
		to, err := at.Parse(address)
		if err != nil {
			t.Errorf("%s links to %q: %v", page, address, err)
			continue
		}
		if to.Host == "" {
			to.Fragment = ""
			out = append(out, to.String())
		}
	}
	return out
}
