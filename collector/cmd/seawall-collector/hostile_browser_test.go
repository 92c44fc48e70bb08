package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"seawall/collector/alert"
	"seawall/collector/web/webtest"
)

// scripts are texts each of which would say something, were it read as markup anywhere.
func scripts() []string {
	return []string{
		`"><img src=x onerror=alert(1)>`, `</title></textarea></script></style><svg onload=alert(2)>`, `'-alert(3)-'`, `\";alert(4);//`,
		`<a href="javascript:alert(5)">a</a><iframe srcdoc="<script>parent.alert(5)</script>">`, `{{constructor.constructor('alert(6)')()}}${alert(6)}`,
		"\u202egpj.exe\u2066<script>alert(7)</script>\u200f", "=cmd|' /C calc'!A0\x1b[2J<b onmouseover=alert(8)>", `<link rel=stylesheet href=//evil.example/a.css><base href=//evil.example/>` + strings.Repeat("<i>", 50),
	}
}

// TestEveryPage opens each page that the whole program has in a browser, with hosts that
// tell scripts in every text, and once more with a script in every parameter: nothing runs,
// nothing is fetched from elsewhere, no page is wider than a telephone, and axe-core finds
// nothing. A page that is new is found by its route.
func TestEveryPage(t *testing.T) {
	f := openFortress(t, scripts()...)
	admin := f.visit(t, "admin")
	for _, s := range scripts() {
		admin.post("/hosts/views", url.Values{"name": {s[:min(len(s), 60)]}, "query": {"q=" + url.QueryEscape(s)}, "shared": {"yes"}})
	}
	program := &guest{T: t, name: "program", base: f.base, client: newClient(t, "program"), token: f.token}
	rule := alert.NewRule()
	rule.Name, rule.Routes = scripts()[0], []string{"hook"}
	body, err := json.Marshal(rule)
	if err != nil {
		t.Fatal(err)
	}
	if a := program.send(http.MethodPost, "/api/v1/alerts/rules", string(body), "application/json"); a.code != http.StatusCreated {
		t.Fatalf("a rule: %d %s", a.code, a.body)
	}
	order := map[string]any{"name": "evil", "enabled": false, "route": "hook", "format": "ocsf", "what": []string{"changes"}, "families": []string{scripts()[0]}, "tags": []string{scripts()[2], scripts()[5]}}
	for name, want := range map[string]int{"evil": http.StatusOK, scripts()[0]: http.StatusUnprocessableEntity} {
		if a := program.put("/api/v1/exports/"+url.PathEscape(name), order); a.code != want {
			t.Fatalf("an export %q: %d %s", name, a.code, a.body)
		}
	}
	admin.post("/alerts/test", url.Values{"route": {"hook"}}) // a message that waits
	seen := admin.walk()
	routes := sourceRoutes(t)
	seen.addRoutes(routes)
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	err = chromedp.Do(ctx, chromedp.EmulateViewport(360, 900), chromedp.Navigate(f.base+"/login"),
		chromedp.SendKeys(chromedp.CSS("#password"), secret+"\r"), chromedp.WaitVisible(chromedp.CSS(".top")))
	if err != nil {
		t.Fatal(err)
	}
	said.Take() // the page before the sign-in
	for _, pattern := range routes {
		path, ok := strings.CutPrefix(pattern, "GET ")
		if !ok || apart(pattern) || strings.HasPrefix(path, "/login") { // of who is not signed in
			continue
		}
		if page, found := admin.opens(seen.addresses[pattern]); !found {
			t.Errorf("%s: there is no example of it that opens", pattern)
		} else if page {
			t.Run(path, func(t *testing.T) { harmless(t, tab, said, f.base, append(seen.hostile(pattern), more()[path]...)) })
		}
	}
	t.Run("on paper", func(t *testing.T) {
		harmlessOnPaper(t, tab, said, f.base, "/reports", "/reports?host="+hostOf(0), "/reports?tag="+url.QueryEscape(scripts()[0]))
	})
}

// hostOf is the host that tells the script of a number in every text.
func hostOf(n int) string { return fmt.Sprintf("%032x", 0xaa00+n) }

// more are addresses of routes that take what links and forms do not have: hosts of which
// one is set beside the other, and a search that finds several.
func more() map[string][]string {
	return map[string][]string{
		"/hosts/{id}/compare": {"/hosts/" + hostOf(0) + "/compare?with=" + hostOf(1), "/hosts/" + hostOf(2) + "/compare?with=%3C", "/hosts/" + hostOf(3) + "/compare?at=2020-01-01"},
		"/patches/advisory":   {"/patches/advisory?name=EVIL-2026:00", "/patches/advisory?name=CVE-2026-aa04"},
		"/settings":           {"/settings?host=" + hostOf(0)},
	}
}

// put sends v as JSON.
func (v *guest) put(path string, what any) reply {
	v.Helper()
	body, err := json.Marshal(what)
	if err != nil {
		v.Fatal(err)
	}
	return v.send(http.MethodPut, path, string(body), "application/json")
}

// harmlessOnPaper opens pages as a printer has them, on A4: they are not wider than the
// paper, and a document comes of them.
func harmlessOnPaper(t *testing.T, tab context.Context, said *webtest.Complaints, base string, paths ...string) {
	const paper = 794 // A4, in pixels of CSS
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(paper, 1123), chromedp.Navigate(base+path), chromedp.WaitReady(chromedp.CSS("#main"))); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
		if err != nil || wide > paper {
			t.Errorf("%s is %d wide on paper of %d (%v)", path, wide, paper, err)
		}
		sheet, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{})
		if err != nil || !bytes.HasPrefix(sheet.Data, []byte("%PDF-")) {
			t.Errorf("%s is not printed: %v", path, err)
		}
		if found := said.Take(); len(found) > 0 {
			t.Errorf("%s: %q", path, found)
		}
	}
}

// opens reports whether some of the addresses open, and whether they are pages.
func (v *guest) opens(paths []string) (page, found bool) {
	for _, path := range paths {
		a := v.send(http.MethodGet, path, "", "")
		found = found || a.code == http.StatusOK
		page = page || a.code == http.StatusOK && strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
	}
	return page, found
}

// hostile returns the addresses of a route, and one with scripts for parameters.
func (s *places) hostile(pattern string) []string {
	paths := slices.Clone(s.addresses[pattern])
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	query, n := url.Values{}, 0
	for name := range s.params[pattern] {
		query.Set(name, scripts()[n%len(scripts())])
		n++
	}
	path, _, _ := strings.Cut(paths[0], "?")
	return append(paths[:min(len(paths), 3)], path+"?"+query.Encode())
}

// harmless opens pages of a kind; axe-core looks at the first.
func harmless(t *testing.T, tab context.Context, said *webtest.Complaints, base string, paths []string) {
	for i, path := range paths {
		ctx, cancel := context.WithTimeout(tab, time.Minute)
		err := chromedp.Do(ctx, chromedp.Navigate(base+path), chromedp.WaitVisible(chromedp.CSS("#main")))
		cancel()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		wide, err := chromedp.Run(tab, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
		if err != nil || wide > 360 {
			t.Errorf("%s is %d wide in a window of 360 (%v)", path, wide, err)
		}
		if i == 0 {
			for _, v := range webtest.Violations(t, tab) {
				t.Errorf("%s: %s", path, v)
			}
		}
		for _, s := range said.Take() {
			if !strings.Contains(s, "status of 4") { // a page that says what is wrong with a parameter
				t.Errorf("%s: %s", path, s)
			}
		}
	}
}
