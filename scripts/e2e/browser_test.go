package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience bounds each step in the browser, on a busy machine.
const patience = 60 * time.Second

// browser is a Chromium with one page, signed in.
type browser struct {
	ctx context.Context
	url string
}

// open starts Chromium and signs in at the dashboard as a person does, with the
// form.
func open(t *testing.T, url, password string) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.IgnoreCertErrors, // the collector signs its own
		chromedp.WSURLReadTimeout(60*time.Second),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx, url: strings.TrimSuffix(url, "/")}
	// The first call starts the browser, which lives as long as its context.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	const field = chromedp.CSS("input[type=password]")
	b.do(t, chromedp.Navigate(b.url+"/login"),
		chromedp.SendKeys(field, strings.TrimSpace(password)),
		chromedp.Submit(field),
		chromedp.WaitNotPresent(field))
	return b
}

func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("chromium: %v", err)
	}
}

// evaluate runs a script in the page and returns its value; a promise's when it is
// one.
func evaluate[T any](t *testing.T, b *browser, script string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("chromium: %v: %.60s", err, script)
	}
	return value
}

// get asks the JSON API with the page's session.
func (b *browser) get(t *testing.T, path string, into any) {
	t.Helper()
	text := evaluate[string](t, b, fmt.Sprintf(`fetch(%q).then(async r => r.status + " " + await r.text())`, path))
	body, ok := strings.CutPrefix(text, "200 ")
	if !ok {
		t.Fatalf("GET %s: %.200s", path, text)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("GET %s: %v: %.200s", path, err, body)
	}
}

// sighting is a change as the open page came to show it.
type sighting struct {
	ID     int64   `json:"id"`
	Check  string  `json:"check"`
	Status string  `json:"status"`
	At     float64 `json:"at"` // Unix milliseconds
}

// observe is put into the page: it notes when a change first stands in it. What
// it notes is gone when the page was loaded anew.
const observe = `
window.seawallE2E = {seen: [], known: new Set()};
(() => {
	const note = () => {
		for (const e of document.querySelectorAll("[data-event-id]")) {
			const id = Number(e.dataset.eventId);
			if (seawallE2E.known.has(id)) continue;
			seawallE2E.known.add(id);
			seawallE2E.seen.push({id, check: e.dataset.check, status: e.dataset.status, at: Date.now()});
		}
	};
	note();
	seawallE2E.seen = [];
	new MutationObserver(note).observe(document.documentElement, {childList: true, subtree: true, attributes: true, attributeFilter: ["data-event-id"]});
})(); true`

// watch opens a page and notes from now on what appears in it.
func (b *browser) watch(t *testing.T, path string) {
	t.Helper()
	b.do(t, chromedp.Navigate(b.url+path), chromedp.WaitReady(chromedp.CSS("main")))
	evaluate[bool](t, b, observe)
}

// seen returns the changes of a check that appeared since watch. It fails when the
// page was loaded anew meanwhile.
func (b *browser) seen(t *testing.T, check string) []sighting {
	t.Helper()
	all := evaluate[[]sighting](t, b, `window.seawallE2E ? seawallE2E.seen : null`)
	if all == nil {
		t.Fatal("the page was loaded anew")
	}
	var some []sighting
	for _, s := range all {
		if s.Check == check {
			some = append(some, s)
		}
	}
	return some
}
