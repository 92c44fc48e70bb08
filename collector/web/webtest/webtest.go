// Package webtest looks at pages of the dashboard in a real browser, for the tests of
// web and of its areas: are they wider than the window, does axe-core find what
// someone cannot use, does the keyboard reach everything, do they work without script.
//
// axe-core (Deque Systems, MPL-2.0) is in the folder axe as it was published.
package webtest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

//go:embed axe/axe.min.js
var axe string

// Chromium starts a browser with a profile of its own and returns a context of one
// tab; it ends with the test.
func Chromium(t *testing.T) context.Context {
	t.Helper()
	alloc, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.WSURLReadTimeout(60*time.Second))
	t.Cleanup(cancel)
	tab, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	return tab
}

// Walk is how [Walk.Pages] looks at pages.
type Walk struct {
	Base  string // the dashboard's address, where the tab is signed in
	Shots string // a folder that gets a picture of each page; "": none
}

// Pages looks at each of paths in both colour schemes, 360 and 1440 pixels wide.
func (k Walk) Pages(t *testing.T, tab context.Context, paths []string) {
	for _, path := range paths {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{360, 1440} {
				t.Run(fmt.Sprintf("%s-%s-%d", name(path), scheme, width), func(t *testing.T) { k.page(t, tab, path, scheme, width) })
			}
		}
		t.Run(name(path)+"-keyboard", func(t *testing.T) { keyboard(t, tab) })
		t.Run(name(path)+"-without-script", func(t *testing.T) { k.withoutScript(t, tab, path) })
	}
}

// name returns a path as part of a test's and a file's name.
func name(path string) string {
	s := strings.Trim(strings.NewReplacer("/", "-", "?", "-", "=", "-", "&", "-").Replace(path), "-")
	return s[:min(len(s), 60)]
}

// page opens a page and looks at it.
func (k Walk) page(t *testing.T, tab context.Context, path, scheme string, width int64) {
	t.Helper()
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err == nil {
		err = chromedp.Do(tab, chromedp.EmulateViewport(width, 900), chromedp.Navigate(k.Base+path), chromedp.WaitVisible(chromedp.CSS("#main")))
	}
	if err != nil {
		t.Fatal(err)
	}
	if wide := value[int64](t, tab, `document.documentElement.scrollWidth`); wide > width {
		t.Errorf("the page is %d wide in a window of %d", wide, width)
	}
	for _, v := range Violations(t, tab) {
		t.Error(v)
	}
	if k.Shots == "" {
		return
	}
	png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(k.Shots, fmt.Sprintf("page-%s-%s-%d.png", name(path), scheme, width))
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Violations returns what axe-core finds on the page that is open: WCAG 2.2 AA, and
// what it calls best practice.
func Violations(t *testing.T, tab context.Context) []string {
	t.Helper()
	if !value[bool](t, tab, `typeof axe === 'object'`) {
		value[bool](t, tab, axe+`; true`)
	}
	v, err := chromedp.Run(tab, chromedp.Evaluate[[]string](`axe.run(document, {
		runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}, resultTypes: ['violations'],
	}).then(r => r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ': ' + n.target.join(' ') + ': ' + n.failureSummary + ': ' + n.html.slice(0, 160))))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("axe: %v", err)
	}
	return v
}

// keyboard goes through the page that is open with the tab key alone: everything that
// can be used is reached, and shows that it is.
func keyboard(t *testing.T, tab context.Context) {
	t.Helper()
	want := value[int](t, tab, usable)
	value[bool](t, tab, `document.activeElement?.blur(), window.scrollTo(0, 0), true`)
	dates := value[int](t, tab, `document.querySelectorAll('input[type=date][data-usable]').length`)
	for range want + 3 + 3*dates { // a date has a stop for each of its parts
		if err := chromedp.Do(tab, chromedp.KeyEvent("\t")); err != nil {
			t.Fatal(err)
		}
		value[bool](t, tab, reached)
	}
	if missed := value[[]string](t, tab, `[...document.querySelectorAll('[data-usable]:not([data-reached])')].map(e => e.outerHTML.slice(0, 160))`); len(missed) > 0 {
		t.Errorf("the keyboard does not reach %q", missed)
	}
	if dull := value[[]string](t, tab, `[...document.querySelectorAll('[data-dull]')].map(e => e.outerHTML.slice(0, 160))`); len(dull) > 0 {
		t.Errorf("the focus does not show on %q", dull)
	}
}

// usable marks and counts what a person can use on the page.
const usable = `(() => {
	const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
		.filter(e => !e.disabled && e.checkVisibility({visibilityProperty: true}) && e.tabIndex >= 0 && (e.type !== 'radio' || e.checked));
	all.forEach(e => e.setAttribute('data-usable', ''));
	return all.length;
})()`

// reached marks what has the focus, and whether that shows.
const reached = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return false;
	e.setAttribute('data-reached', '');
	if (e.type === 'date') return true; // the browser shows which part has the focus
	const s = getComputedStyle(e);
	if (s.outlineStyle === 'none' && s.boxShadow === 'none' || s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) < 1) e.setAttribute('data-dull', '');
	return true;
})()`

// withoutScript opens a page where no script runs: its content is there.
func (k Walk) withoutScript(t *testing.T, tab context.Context, path string) {
	t.Helper()
	value[int](t, tab, `document.body.textContent.length`)
	with := value[string](t, tab, `document.querySelector('h1')?.innerText ?? ''`)
	script := func(off bool) {
		if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
			t.Fatal(err)
		}
	}
	script(true)
	defer script(false)
	if err := chromedp.Do(tab, chromedp.Navigate(k.Base+path), chromedp.WaitVisible(chromedp.CSS("#main"))); err != nil {
		t.Fatal(err)
	}
	heading, err := chromedp.Run(tab, chromedp.Text(chromedp.CSS("h1")))
	if err != nil || heading != with {
		t.Errorf("without script the page is headed %q, with it %q (%v)", heading, with, err)
	}
}

// value evaluates an expression in the page.
func value[T any](t *testing.T, tab context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(tab, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%.200s: %v", expression, err)
	}
	return v
}
