package web_test

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"seawall/collector/advisory"
	"seawall/collector/fleet"
)

// advised calls a function for each name in each pending update within a scope.
func (d *demo) advised(scope []string, each func(h *fleet.Host, s fleet.State, n advisory.Name)) {
	for i := range d.hosts {
		h := &d.hosts[i]
		for _, s := range d.states[h.ID] {
			for _, n := range advisory.Names(&s.Result) {
				if within(h, scope) {
					each(h, s, n)
				}
			}
		}
	}
}

func (d *demo) Advisories(_ context.Context, q advisory.Query) (p advisory.Page, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]*advisory.Advisory{}
	on := map[[2]string]bool{}
	d.advised(q.Scope, func(h *fleet.Host, s fleet.State, n advisory.Name) {
		if n.Kind != q.Kind || !strings.Contains(strings.ToLower(n.Text), strings.ToLower(q.Text)) {
			return
		}
		a := all[n.Text]
		if a == nil {
			a = &advisory.Advisory{Name: n.Text, Since: s.Since}
			all[n.Text] = a
		}
		a.Severity = max(a.Severity, s.Result.Severity)
		a.Packages++
		if s.Since.Before(a.Since) {
			a.Since = s.Since
		}
		if k := [2]string{n.Text, string(h.ID)}; !on[k] {
			on[k] = true
			a.Hosts++
		}
	})
	for _, a := range all {
		p.Advisories = append(p.Advisories, *a)
	}
	slices.SortFunc(p.Advisories, func(a, b advisory.Advisory) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), b.Hosts-a.Hosts, strings.Compare(a.Name, b.Name))
	})
	p.Total = len(p.Advisories)
	size := cmp.Or(q.Size, fleet.DefaultPage)
	from := min(q.Page*size, p.Total)
	p.Advisories = p.Advisories[from:min(from+size, p.Total)]
	return p, d.err
}

func (d *demo) Advised(_ context.Context, q advisory.HostQuery) (p fleet.StatePage, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advised(q.Scope, func(_ *fleet.Host, s fleet.State, n advisory.Name) {
		if n.Text == q.Name {
			p.States = append(p.States, s)
		}
	})
	size := cmp.Or(q.Size, fleet.DefaultPage)
	from := min(q.Page*size, len(p.States))
	p.More = from+size < len(p.States)
	p.States = p.States[from:min(from+size, len(p.States))]
	return p, d.err
}

// TestAdvisories leads from the packages to the advisories, from one to its hosts and
// packages, and from a package back; files have the same.
func TestAdvisories(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	if !strings.Contains(b.get("/patches").body, `href="/patches/advisories"`) {
		t.Error("packages do not lead to advisories")
	}
	page, _ := d.Advisories(t.Context(), advisory.Query{})
	if len(page.Advisories) == 0 {
		t.Fatal("the fleet has no advisory")
	}
	one := page.Advisories[0]
	link := "/patches/advisory?" + url.Values{"name": {one.Name}}.Encode()
	for path, want := range map[string]string{
		"/patches/advisories":                      `href="` + link + `"`,
		"/patches/advisories?kind=cve":             `href="/patches/advisory?name=CVE-`,
		"/patches/advisories?q=cve-2":              `href="/patches/advisory?name=CVE-`,
		"/patches/advisories?q=" + one.Name:        "1 advisory found",
		"/patches/advisories?q=none":               "Nothing with that in its name",
		"/patches/advisories?page=9":               `rel="prev"`,
		link:                                       `href="/patches/hosts?package=`,
		"/patches/advisory?name=RHSA-1:1":          "No update is pending for it",
		"/patches/advisory?name=%3Cscript%3Ealert": "&lt;script&gt;alert",
	} {
		if a := b.get(path); a.code != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s answers %d and does not say %q", path, a.code, want)
		}
	}
	for _, path := range []string{"/patches/advisory", "/patches/advisory?name=" + strings.Repeat("x", 201), "/patches/advisories/export?name=" + strings.Repeat("x", 201)} {
		if a := b.get(path); a.code != http.StatusNotFound {
			t.Errorf("%.40s answers %d", path, a.code)
		}
	}
	hosts, _ := d.Advised(t.Context(), advisory.HostQuery{Name: one.Name})
	back := b.get("/patches/hosts?" + url.Values{"package": {hosts.States[0].Result.Resource}}.Encode())
	if !strings.Contains(back.body, `href="`+link+`"`) {
		t.Error("the package does not lead to its advisory")
	}
	for path, want := range map[string]int{
		"/patches/advisories/export?format=csv": page.Total, "/patches/advisories/export?format=json": page.Total,
		"/patches/advisories/export?format=csv&name=" + one.Name: one.Packages, "/patches/advisories/export?format=json&name=" + one.Name: one.Packages,
	} {
		if n := lines(t, path, b.get(path).body); n != want {
			t.Errorf("%s has %d rows, want %d", path, n, want)
		}
	}
	if a := b.get("/patches/advisories/export?format=xml"); a.code != http.StatusBadRequest {
		t.Errorf("an unknown format: %d", a.code)
	}
}

// lines counts the rows of a file, each of which must be whole and have a name.
func lines(t *testing.T, path, body string) (n int) {
	t.Helper()
	if strings.Contains(path, "csv") {
		table, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil || len(table) == 0 || table[0][0] != "name" {
			t.Fatalf("%s: %v %.200s", path, err, body)
		}
		return len(table) - 1
	}
	for line := range strings.Lines(body) {
		var row struct{ Name string }
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Name == "" {
			t.Fatalf("%s: %v %q", path, err, line)
		}
		n++
	}
	return n
}
