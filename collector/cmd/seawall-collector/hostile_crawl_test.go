package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// reply is what came of a request.
type reply struct {
	code   int
	header http.Header
	body   string
}

// guest is somebody at a browser, or a program with a token.
type guest struct {
	*testing.T
	name, base, token string
	client            *http.Client
	form              string // the token of the session's forms
}

// shape is a form that changes something: where it goes and what it sends.
type shape struct {
	pattern, path string
	fields        url.Values
}

// places are the addresses, parameters and forms of the dashboard, by route.
type places struct {
	mux       *http.ServeMux
	addresses map[string][]string
	params    map[string]map[string]bool
	forms     map[string]shape // by the route and the field "do"
	reached   map[string]bool
}

const examples = 4 // addresses of a route that are visited

// newClient returns a browser at an address of its own, since attempts to sign in are
// counted by address.
func newClient(t *testing.T, name string) *http.Client {
	t.Helper()
	n := byte(2 + slices.Index([]string{"admin", "operator", "viewer", "scoped", "nobody", "program"}, name))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, n)}}
	return &http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{DialContext: from.DialContext}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (f fortress) visit(t *testing.T, name string) *guest {
	t.Helper()
	v := &guest{T: t, name: name, base: f.base, client: newClient(t, name)}
	v.signIn()
	return v
}

var formToken = regexp.MustCompile(`name="form" value="([^"]+)"`)

func (v *guest) signIn() {
	v.Helper()
	v.form = v.formOf("/login")
	if a := v.post("/login", url.Values{"username": {v.name}, "password": {secret}}); a.code != http.StatusSeeOther {
		v.Fatalf("sign-in of %s: %d %s", v.name, a.code, a.body)
	}
	v.form = v.formOf("/")
}

func (v *guest) formOf(path string) string {
	v.Helper()
	found := formToken.FindStringSubmatch(v.send(http.MethodGet, path, "", "").body)
	if found == nil {
		v.Fatalf("%s: no form for %s", path, v.name)
	}
	return found[1]
}

// post sends fields with the token of the visitor's forms.
func (v *guest) post(path string, fields url.Values) reply {
	v.Helper()
	all := maps.Clone(fields)
	all.Set("form", v.form)
	return v.send(http.MethodPost, path, all.Encode(), "application/x-www-form-urlencoded")
}

func (v *guest) send(method, path, body, kind string) reply {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if v.token != "" {
		request.Header.Set("Authorization", "Bearer "+v.token)
	}
	answer, err := v.client.Do(request)
	if err != nil && len(body) > 1<<20 {
		return reply{} // the door is shut before all is said
	}
	if err != nil {
		v.Fatalf("%s %.200s: %v", method, path, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		v.Fatalf("%s %.200s: %v", method, path, err)
	}
	a := reply{answer.StatusCode, answer.Header, string(data)}
	v.check(method, path, body, a)
	return a
}

// check holds what is true of each answer.
func (v *guest) check(method, path, sent string, a reply) {
	v.Helper()
	what := fmt.Sprintf("%s: %s %.300q with %.200q", v.name, method, path, sent)
	if a.code >= 500 && !(a.code == http.StatusBadGateway && strings.HasPrefix(path, "/login/sso")) { // the provider is not there
		v.Errorf("%s: %d %.300s", what, a.code, a.body)
	}
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'; script-src 'self'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"} {
		if !strings.HasPrefix(a.header.Get(name), want) {
			v.Errorf("%s: %s is %q", what, name, a.header.Get(name))
		}
	}
	if a.header.Get("X-"+mark) != "" {
		v.Errorf("%s: what was sent became a header", what)
	}
	if to := a.header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
		v.Errorf("%s: leads to %q", what, to)
	}
	switch kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); {
	case kind == "text/html":
		v.checkPage(what, a.body)
	case (kind == "application/json" || kind == "application/problem+json") && method != http.MethodHead && !json.Valid([]byte(a.body)):
		v.Errorf("%s: no JSON: %.200s", what, a.body)
	case kind == "" && a.body != "":
		v.Errorf("%s: of no type: %.200s", what, a.body)
	}
	if v.name == "scoped" || v.name == "nobody" {
		known := strings.Contains(path+sent, theirs)
		if strings.Contains(a.body, theirs) && !known || known && !strings.Contains(path+sent, string(other)) && strings.Contains(a.body, string(other)) {
			v.Errorf("%s learns of the other host, with %d", what, a.code)
		}
	}
}

// checkPage looks at a page as a browser reads it.
func (v *guest) checkPage(what, body string) {
	v.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		v.Errorf("%s: %v", what, err)
		return
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		src := ""
		if n.Data == mark {
			v.Errorf("%s: what was sent became an element", what)
		}
		for _, a := range n.Attr {
			switch to, err := url.Parse(a.Val); {
			case strings.Contains(a.Key, mark) || strings.HasPrefix(a.Key, "on") || a.Key == "style":
				v.Errorf("%s: <%s %s>", what, n.Data, a.Key)
			case a.Key == "src":
				src = a.Val
			case !slices.Contains([]string{"href", "action", "formaction"}, a.Key):
			case err != nil || to.Host == "evil.example" || !slices.Contains([]string{"", "http", "https"}, to.Scheme):
				v.Errorf("%s: leads to %q, %v", what, a.Val, err)
			}
		}
		if n.Data == "script" && !strings.HasPrefix(src, "/static/") || slices.Contains([]string{"iframe", "base", "object", "embed"}, n.Data) {
			v.Errorf("%s: <%s src=%q>", what, n.Data, src)
		}
	}
}

// walk follows every link, and takes down what addresses and forms there are.
func (v *guest) walk() *places {
	v.Helper()
	s := &places{mux: http.NewServeMux(), addresses: map[string][]string{}, params: map[string]map[string]bool{}, forms: map[string]shape{}, reached: map[string]bool{}}
	for _, pattern := range append(sourceRoutes(v.T), v.described(s)...) {
		s.mux.HandleFunc(pattern, http.NotFound)
	}
	queue := []string{"/", "/api/v1/overview"}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if !s.add(path) {
			continue
		}
		a := v.send(http.MethodGet, path, "", "")
		if a.code != http.StatusOK && a.code != http.StatusNotFound && a.code != http.StatusBadGateway {
			v.Errorf("%s is linked, and answers %d", path, a.code)
		}
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			queue = append(queue, s.read(v.T, path, a.body)...)
		}
	}
	return s
}

// pattern returns the route of an address.
func (s *places) pattern(method, path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return "/"
	}
	_, p := s.mux.Handler(&http.Request{Method: method, URL: u, Host: "localhost"})
	return p
}

// add takes down an address, and says whether it is worth a visit.
func (s *places) add(path string) bool {
	p := s.pattern(http.MethodGet, path)
	u, err := url.Parse(path)
	if err != nil || p == "GET /events" || p == "GET /static/" || slices.Contains(s.addresses[p], path) {
		return false // a stream, and files that take no values
	}
	fresh := len(s.addresses[p]) < examples
	for name := range u.Query() {
		if s.params[p] == nil {
			s.params[p] = map[string]bool{}
		}
		fresh = fresh || !s.params[p][name]
		s.params[p][name] = true
	}
	if fresh {
		s.addresses[p] = append(s.addresses[p], path)
		s.reached[p] = true
	}
	return fresh
}

// read takes the links and forms out of a page.
func (s *places) read(t *testing.T, page, body string) (links []string) {
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
		attr := attributes(n)
		to, err := at.Parse(attr["href"] + attr["action"])
		if err != nil || to.Host != "" || n.Type != html.ElementNode {
			continue
		}
		to.Fragment = ""
		switch {
		case n.Data == "a" && attr["href"] != "":
			links = append(links, to.String())
		case n.Data == "form" && attr["method"] == "post":
			f := shape{s.pattern(http.MethodPost, to.String()), to.String(), fields(n)}
			key := f.pattern + " " + f.fields.Get("do")
			if old, ok := s.forms[key]; ok { // the same from elsewhere may send more
				maps.Copy(f.fields, old.fields)
			}
			s.forms[key] = f
		case n.Data == "form":
			to.RawQuery = fields(n).Encode()
			links = append(links, to.String())
		}
	}
	return links
}

func attributes(n *html.Node) map[string]string {
	all := map[string]string{}
	for _, a := range n.Attr {
		all[a.Key] = a.Val
	}
	return all
}

// fields are what a form sends as it stands. Of choices that are not made, the last.
func fields(form *html.Node) url.Values {
	out := url.Values{}
	name := ""
	for n := range form.Descendants() {
		attr := attributes(n)
		switch {
		case n.Data == "option" && name != "":
			if _, chosen := attr["selected"]; chosen || out.Get(name) == "" {
				out.Set(name, attr["value"])
			}
		case attr["name"] != "" && attr["name"] != "form" && slices.Contains([]string{"input", "select", "textarea", "button"}, n.Data):
			name = attr["name"]
			out.Set(name, attr["value"])
		}
	}
	return out
}

// described are the routes of the API's own description; their parameters go to s.
func (v *guest) described(s *places) (patterns []string) {
	v.Helper()
	var spec struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal([]byte(v.send(http.MethodGet, "/api/v1/openapi.json", "", "").body), &spec); err != nil {
		v.Fatal(err)
	}
	for path, operations := range spec.Paths {
		for method, operation := range operations {
			pattern := strings.ToUpper(method) + " " + path
			patterns = append(patterns, pattern)
			s.params[pattern] = map[string]bool{}
			for _, p := range operation.Parameters {
				if p.In == "query" {
					s.params[pattern][p.Name] = true
				}
			}
		}
	}
	if len(patterns) < 30 {
		v.Fatalf("the API describes %d routes", len(patterns))
	}
	s.addRoutes(patterns)
	return patterns
}

var sourcePattern = regexp.MustCompile(`Pattern:\s+"((?:[A-Z]+ )?/[^"]*)"`)

// sourceRoutes are the routes that the dashboard has, and those that its source names: some
// are there only where what they need is configured.
func sourceRoutes(t *testing.T) (all []string) {
	t.Helper()
	for _, r := range assemble(t).web.Routes() {
		if !strings.Contains(r.Pattern, "/api/") {
			all = append(all, r.Pattern)
		}
	}
	err := filepath.WalkDir(filepath.Join("..", "..", "web"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, found := range sourcePattern.FindAllSubmatch(text, -1) {
			all = append(all, string(found[1]))
		}
		return err
	})
	if err != nil || len(all) < 50 {
		t.Fatalf("%d routes in the source, %v", len(all), err)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// addRoutes gives an address to those routes that no page leads to.
func (s *places) addRoutes(patterns []string) {
	for _, p := range patterns {
		method, path, _ := strings.Cut(p, " ")
		path = strings.NewReplacer("{$}", "", "/hosts/views/{id}", "/hosts/views/1", "/hosts/{id}", "/hosts/"+string(other), "{storm}", "ab02", "/checks/{id}", "/checks/ssh-root",
			"/exports/of/{name}", "/exports/of/siem", "/exports/{name}", "/exports/siem", "{name}", "scoped", "{id}", "1", "{rule}", "1", "{message}", "1").Replace(path)
		switch {
		case p == "/" || p == "GET /events" || strings.HasPrefix(path, "/static/") || path == "/logout":
		case method == http.MethodGet && len(s.addresses[p]) == 0:
			s.addresses[p] = []string{path}
		case method == http.MethodPost && !strings.HasPrefix(path, "/api/"):
			if !slices.ContainsFunc(slices.Collect(maps.Values(s.forms)), func(f shape) bool { return f.pattern == p }) {
				s.forms[p] = shape{p, path, url.Values{}}
			}
		}
	}
}
