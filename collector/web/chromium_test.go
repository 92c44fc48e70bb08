package web_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"seawall/collector/web/webtest"
)

var shots = flag.String("shots", "", "keep screenshots of all pages in this folder")

// signIn types the password into the login page.
func signIn(t *testing.T, tab context.Context, base string) {
	t.Helper()
	err := chromedp.Do(tab,
		chromedp.Navigate(base+"/login"),
		chromedp.SendKeys(chromedp.CSS("#password"), password+"\r"),
		chromedp.WaitVisible(chromedp.CSS(".top")),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// value evaluates an expression in the page.
func value[T any](t *testing.T, tab context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(tab, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits until the expression is true in the page, be it in the one that takes
// the place of the page that was there at first.
func until(t *testing.T, tab context.Context, within time.Duration, expression string) {
	t.Helper()
	for end := time.Now().Add(within); ; {
		_, err := chromedp.Run(tab, chromedp.Poll[bool](expression,
			chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(within)))
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "Cannot find context") || time.Now().After(end) {
			t.Fatalf("waiting for %s: %v", expression, err)
		}
	}
}

// TestLayout loads every page in both colour schemes and two widths: no page is
// wider than its window or has text that is hard to read, none offends its own
// policy. With -shots the pictures
// are kept.
func TestLayout(t *testing.T) {
	d := demoFleet(demoNow)
	base := serve(t, newServer(t, config(d)))
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	signIn(t, tab, base)
	looks(t, tab, base, map[string]string{
		"overview": "/", "hosts": "/hosts", "join": "/hosts/new", "host": "/hosts/" + string(d.hosts[3].ID), "host-updates": "/hosts/" + string(d.hosts[1].ID),
		"checks": "/checks", "check": "/checks/ssh-ciphers",
		"detections": "/detections", "detection": detectionPath(d, 2), "detection-storm": detectionPath(d, 6), "detections-none": "/detections?rule=none",
		"missing": "/nothing", "hosts-found": "/hosts?q=web&sort=name", "hosts-none": "/hosts?q=zzz",
	})
	hostile := addHostile(d, hostileStrings()[:40])
	looks(t, tab, base, map[string]string{"hostile": "/hosts/" + string(hostile), "hostile-overview": "/", "hostile-hosts": "/hosts", "hostile-checks": "/checks", "hostile-detections": "/detections",
		"hostile-detection": "/hosts/" + string(hostile) + "/detections/14"})
	empty := serve(t, newServer(t, config(newDemo(demoNow))))
	looks(t, tab, empty, map[string]string{"login": "/login"})
	signIn(t, tab, empty) // cookies know no port: the other session is gone
	looks(t, tab, empty, map[string]string{"empty": "/", "empty-hosts": "/hosts", "empty-checks": "/checks", "empty-detections": "/detections"})
	for _, s := range said.Take() {
		if !strings.Contains(s, "/nothing") {
			t.Error(s)
		}
	}
}

// detectionPath is the page of the demo's nth newest detection.
func detectionPath(d *demo, n int) string {
	return "/hosts/" + string(d.storms[n].Host) + "/detections/" + d.storms[n].Detection.ID
}

func looks(t *testing.T, tab context.Context, base string, pages map[string]string) {
	for name, path := range pages {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 345} {
				if *shots == "" && (scheme == "dark") != (width == 345) {
					continue // two of the four find what there is to find
				}
				t.Run(fmt.Sprintf("%s-%s-%d", name, scheme, width), func(t *testing.T) {
					look(t, tab, base+path, scheme, width)
				})
			}
		}
	}
}

func look(t *testing.T, tab context.Context, address, scheme string, width int64) {
	if err := chromedp.Do(tab, chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS("#main"))); err != nil {
		t.Fatal(err)
	}
	looksRight(t, tab, scheme, width)
}

// looksRight looks at the page that is open.
func looksRight(t *testing.T, tab context.Context, scheme string, width int64) {
	t.Helper()
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err == nil {
		err = chromedp.Do(tab, chromedp.EmulateViewport(width, 900))
	}
	if err != nil {
		t.Fatal(err)
	}
	if wide := value[int](t, tab, `document.documentElement.scrollWidth`); wide > int(width) {
		t.Errorf("the page is %d wide in a window of %d", wide, width)
	}
	if broken := value[[]string](t, tab, brokenWords); len(broken) > 0 {
		t.Errorf("the menu has broken words: %q", broken)
	}
	if value[bool](t, tab, `(() => { const out = document.querySelector(".top form[action='/logout']");
		return out !== null && out.getBoundingClientRect().top >= document.querySelector(".mark").getBoundingClientRect().bottom })()`) {
		t.Error("the way out is not on the first line")
	}
	if low := value[[]string](t, tab, contrast); len(low) > 0 {
		t.Errorf("too little contrast: %q", low)
	}
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(t.Name(), "/", "-") + ".png"
	if err := os.WriteFile(filepath.Join(*shots, name), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// brokenWords returns the words of the menu that stand on several lines.
const brokenWords = `[...document.querySelectorAll('.top nav a')].filter(a => {
	const words = document.createRange();
	words.selectNodeContents(a);
	return words.getClientRects().length > 1;
}).map(a => a.textContent)`

// contrast returns, for every text that can be seen, those whose contrast with
// their ground is below what WCAG 2.1 AA asks.
const contrast = `(() => {
	const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
	const rgba = color => { context.clearRect(0, 0, 1, 1); context.fillStyle = color; context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data]; };
	const over = (top, under) => { const a = top[3] / 255; return [0, 1, 2].map(i => top[i] * a + under[i] * (1 - a)).concat(255); };
	const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = e => { const c = rgba(getComputedStyle(e).backgroundColor); return c[3] === 255 || !e.parentElement ? c : over(c, ground(e.parentElement)); };
	const low = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || !e.checkVisibility()) continue;
		const style = getComputedStyle(e), under = ground(e);
		const [a, b] = [light(over(rgba(e.closest('svg') ? style.fill : style.color), under)), light(under)];
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		const large = parseFloat(style.fontSize) >= 24;
		if (ratio < (large ? 3 : 4.5)) low.add(ratio.toFixed(2) + ' ' + e.tagName + '.' + e.className + ': ' + walk.currentNode.data.trim().slice(0, 30));
	}
	return [...low];
})()`
