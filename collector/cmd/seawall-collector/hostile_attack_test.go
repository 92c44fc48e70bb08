package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// apart says which routes the walk leaves to tests of their own: the stream of events, the
// files, and what ends the walk's own session.
func apart(pattern string) bool {
	return slices.Contains([]string{"/", "GET /events", "POST /logout", "GET /static/"}, pattern)
}

// attack asks for every address and sends every form, as they stand and with each hostile
// value in the place of each parameter, part of a path, and field.
func (v *guest) attack(s *places) {
	v.Helper()
	for _, p := range slices.Sorted(maps.Keys(s.addresses)) {
		s.reached[p] = true
		for _, path := range s.addresses[p] {
			v.again(v.send(http.MethodGet, path, "", ""))
		}
		v.attackAddress(p, s.addresses[p][0], s.params[p])
	}
	for _, key := range slices.Sorted(maps.Keys(s.forms)) {
		f := s.forms[key]
		ends := strings.HasPrefix(f.fields.Get("do"), "end") && f.path == "/account"
		if p := f.pattern; apart(p) || ends || p == "POST /login" && v.name != "nobody" {
			continue
		}
		s.reached[f.pattern] = true
		v.again(v.post(f.path, f.fields))
		v.send(http.MethodPost, f.path, "form="+v.form+"&x="+strings.Repeat("A", 1<<20), "application/x-www-form-urlencoded")
		for name := range f.fields {
			for _, value := range v.values() {
				fields := maps.Clone(f.fields)
				fields.Set(name, value)
				if v.again(v.post(f.path, fields)).code == http.StatusTooManyRequests {
					break // attempts to sign in are counted
				}
			}
		}
		for _, path := range v.twisted(f.pattern, f.path) {
			v.again(v.post(path, f.fields))
		}
	}
}

// attackAddress writes hostile values into one address of a route.
func (v *guest) attackAddress(pattern, path string, params map[string]bool) {
	v.Helper()
	at, err := url.Parse(path)
	if err != nil {
		v.Fatal(err)
	}
	for name := range params {
		for _, value := range v.values() {
			q := at.Query()
			q.Set(name, value)
			u := *at
			u.RawQuery = q.Encode()
			v.again(v.send(http.MethodGet, u.String(), "", ""))
		}
	}
	for _, twist := range v.twisted(pattern, path) {
		v.send(http.MethodGet, twist, "", "")
	}
	v.send(http.MethodGet, at.Path+"?x="+strings.Repeat("A", 12<<10), "", "")
}

// twisted are the path with each hostile value in the place of each part that the pattern
// leaves open.
func (v *guest) twisted(pattern, path string) (all []string) {
	_, open, _ := strings.Cut(pattern, " ")
	path, query, _ := strings.Cut(path, "?")
	names, parts := strings.Split(open, "/"), strings.Split(path, "/")
	for i, name := range names {
		if !strings.HasPrefix(name, "{") || name == "{$}" || i >= len(parts) {
			continue
		}
		for _, value := range v.values() {
			twist := slices.Clone(parts)
			twist[i] = url.PathEscape(value)
			all = append(all, strings.Join(twist, "/")+"?"+query)
		}
	}
	return all
}

// again signs in anew where an answer shows that the visitor ended his own session.
func (v *guest) again(a reply) reply {
	v.Helper()
	if v.name != "nobody" && v.name != "" && (a.code == http.StatusUnauthorized || strings.HasPrefix(a.header.Get("Location"), "/login?") || a.header.Get("Location") == "/login") {
		v.signIn()
	}
	return a
}

// programs sends what is no request of the API, as an administrator's program: wrong JSON,
// wrong types, too much, and hostile text where text is meant.
func (v *guest) programs(token string) {
	v.Helper()
	s := &places{addresses: map[string][]string{}, params: map[string]map[string]bool{}, forms: map[string]shape{}}
	p := &guest{T: v.T, name: "program", base: v.base, client: newClient(v.T, "program"), token: token}
	bodies := []string{"", "{", "[]", "null", `"x"`, "\xff\xfe", strings.Repeat("[", 4000), `{"a":` + strings.Repeat(" ", 1<<20) + `1}`, `{"id":1e999}`, `{"__proto__":{}}`, "<" + mark + ">"}
	for _, value := range v.values() {
		bodies = append(bodies, `{"name":`+quoted(value)+`,"check":`+quoted(value)+`,"reason":`+quoted(value)+`,"standing":`+quoted(value)+`}`)
	}
	for _, pattern := range p.described(s) {
		method, path, _ := strings.Cut(pattern, " ")
		if method == http.MethodGet {
			continue
		}
		path = strings.NewReplacer("{id}", string(ours), "{name}", "siem").Replace(path)
		for _, twist := range p.twisted(pattern, path) {
			p.send(method, twist, "{}", "application/json")
		}
		if strings.HasPrefix(pattern, "DELETE /api/v1/tokens") {
			continue // it would end the walk's own
		}
		for _, body := range bodies {
			p.send(method, path, body, "application/json")
			p.send(method, path, body, "text/plain")
		}
	}
}

// quoted is a text as JSON, with what is not UTF-8 left as it is.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\x00", `\u0000`).Replace(s) + `"`
}
