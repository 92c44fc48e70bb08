package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seawall/collector/fleet"
	"seawall/collector/web/webtest"
	"seawall/pkg/finding"
)

// change returns a result that no other has.
func change(n int, status finding.Status) finding.Result {
	return finding.Result{
		Check: "ssh-max-auth-tries", Status: status, Severity: 3, Actual: fmt.Sprintf("value %d", n), Expected: "4",
		Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config", Line: n, Text: "MaxAuthTries"}}, Cause: demoCause(n, time.Now()),
	}
}

// TestLiveUpdates adds a package to an update of an open page: the update counts it,
// and its opened list of packages stays open and has it.
func TestLiveUpdates(t *testing.T) {
	d := demoFleet(time.Now())
	base := serve(t, newServer(t, config(d)))
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	signIn(t, tab, base)
	if err := chromedp.Do(tab, chromedp.Navigate(base+"/hosts/"+string(d.hosts[1].ID))); err != nil {
		t.Fatal(err)
	}
	until(t, tab, 30*time.Second, `document.querySelector('#link').dataset.state === 'live'`)
	value[bool](t, tab, `window.mine = document.querySelector('[data-group="openssl"] details'); mine.open = true; mine.innerText.includes('3.0.11-1~deb12u2')`)
	d.set(1, finding.Result{
		Check: "patch-security-updates", Resource: "libssl-doc:all", Group: "openssl", Status: finding.StatusFail, Severity: 5,
		Actual: "1", Expected: "2", Since: d.now.AddDate(0, 0, -40),
	})
	until(t, tab, 30*time.Second, `document.querySelector('[data-group="openssl"] h3').innerText === 'openssl 4 packages, pending for 40 days'`)
	if !value[bool](t, tab, `mine.open && mine.isConnected && mine.querySelectorAll('tbody tr').length === 4 && mine.innerText.includes('libssl-doc:all')`) {
		t.Errorf("the list says %q", value[string](t, tab, `document.querySelector('[data-group="openssl"]').innerText`))
	}
	for _, s := range said.Take() {
		t.Error(s)
	}
}

// TestLivePage changes the fleet under three open pages: the entries and the
// parts arrive, nothing is loaded again, focus and opened details stay.
func TestLivePage(t *testing.T) {
	d := demoFleet(time.Now())
	base := serve(t, newServer(t, config(d)))
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	signIn(t, tab, base)
	host := "/hosts/" + string(d.hosts[2].ID)
	for i, path := range []string{"/", host, "/checks/ssh-max-auth-tries"} {
		if err := chromedp.Do(tab, chromedp.Navigate(base+path)); err != nil {
			t.Fatal(err)
		}
		until(t, tab, 30*time.Second, `document.querySelector('#link').dataset.state === 'live'`)
		value[bool](t, tab, `window.mine = [...document.querySelectorAll('.events a')].find(a => a.offsetParent); mine.focus(); document.querySelector('details')?.setAttribute('open', ''); window.loads = 0; true`)
		id := d.set(2, change(100+i, finding.StatusFail))
		until(t, tab, 30*time.Second, fmt.Sprintf(`document.querySelector('[data-event-id="%d"][data-check="ssh-max-auth-tries"][data-status="fail"]') !== null`, id))
		if got := value[string](t, tab, fmt.Sprintf(`document.querySelector('[data-event-id="%d"]').innerText`, id)); !strings.Contains(got, fmt.Sprintf("value %d", 100+i)) || !strings.Contains(got, "as root ran") {
			t.Errorf("%s: the entry says %q", path, got)
		}
		if path == host {
			until(t, tab, 30*time.Second, `document.querySelector('#posture article[data-check="ssh-max-auth-tries"][data-status="fail"]')?.innerText.includes('value 101')`)
		}
		if path == "/" {
			n, err := d.Glance(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			until(t, tab, 30*time.Second, fmt.Sprintf(`document.querySelector('.figure.main .big').innerText === '%d'`, n.Counts.Fail-n.Waived[5]))
		}
		if !value[bool](t, tab, `window.loads === 0 && document.activeElement === mine && (document.querySelector('details')?.open ?? true)`) {
			t.Errorf("%s: the page was loaded again, or lost its focus or its opened details", path)
		}
		until(t, tab, 30*time.Second, `document.querySelector('#announce').textContent.includes('ssh-max-auth-tries')`)
	}
	for _, s := range said.Take() {
		t.Error(s)
	}
}

// TestLiveBurst makes 50 changes at once: all 50 are on the page within a
// second, each once, newest first.
func TestLiveBurst(t *testing.T) {
	d := demoFleet(time.Now())
	base := serve(t, newServer(t, config(d)))
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	signIn(t, tab, base)
	until(t, tab, 30*time.Second, `document.querySelector('#link').dataset.state === 'live'`)
	value[bool](t, tab, `window.arrived = {}; new MutationObserver(list => { for (const m of list) for (const n of m.addedNodes)
		if (n.dataset?.eventId) arrived[n.dataset.eventId] = Date.now(); }).observe(document.querySelector('[data-timeline]'), {childList: true}); true`)
	sent := make(map[string]int64)
	for i := range 50 {
		status := finding.StatusFail
		if i%2 == 1 {
			status = finding.StatusPass
		}
		at := time.Now().UnixMilli()
		sent[fmt.Sprint(d.set(i%12, change(i, status)))] = at
	}
	until(t, tab, 30*time.Second, `Object.keys(arrived).length === 50`)
	arrived := value[map[string]int64](t, tab, `arrived`)
	var took []int64
	for id, at := range sent {
		took = append(took, arrived[id]-at)
	}
	slices.Sort(took)
	t.Logf("write to page: median %d ms, p95 %d ms, worst %d ms", took[24], took[47], took[49])
	// Below one second on a machine that does little else.
	if took[47] > 5000 {
		t.Errorf("p95 is %d ms", took[47])
	}
	if !value[bool](t, tab, `(() => { const ids = [...document.querySelectorAll('[data-timeline] > .event')].map(e => +e.dataset.eventId);
		return ids.every((id, i) => i === 0 || id < ids[i - 1]); })()`) {
		t.Error("the timeline is out of order")
	}
	for _, s := range said.Take() {
		t.Error(s)
	}
}

// TestLiveHostile sends hostile rows to an open page.
func TestLiveHostile(t *testing.T) {
	d := demoFleet(time.Now())
	base := serve(t, newServer(t, config(d)))
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	signIn(t, tab, base)
	until(t, tab, 30*time.Second, `document.querySelector('#link').dataset.state === 'live'`)
	var last int64
	for _, s := range hostileStrings() {
		last = d.set(1, finding.Result{
			Check: s, Resource: s, Status: finding.StatusFail, Actual: s, Expected: s, Evidence: []finding.Evidence{{File: s, Text: s}},
			Cause: &finding.Cause{LoginUser: s, User: s, TTY: s, Exe: s, Command: s, Path: s, Operation: s},
		})
	}
	until(t, tab, 20*time.Second, fmt.Sprintf(`document.querySelector('[data-event-id="%d"]') !== null`, last))
	if n := value[int](t, tab, `document.querySelectorAll('main script, main img, main iframe, main style, main base, main meta, main input, main form').length`); n != 0 {
		t.Errorf("%d foreign elements", n)
	}
	if wide := value[int](t, tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		t.Errorf("the page is %d too wide", wide)
	}
	host := base + "/hosts/" + string(addHostile(d, hostileStrings()))
	if err := chromedp.Do(tab, chromedp.Navigate(host), chromedp.WaitVisible(chromedp.CSS("#posture"))); err != nil {
		t.Fatal(err)
	}
	for _, s := range said.Take() {
		t.Error(s)
	}
}

// TestConnectionLost stops the server under an open page and starts another in
// its place: the page says so, and asks to sign in when it is back.
func TestConnectionLost(t *testing.T) {
	d := demoFleet(time.Now())
	s := newServer(t, config(d))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	tab := webtest.Chromium(t)
	signIn(t, tab, base)
	until(t, tab, 30*time.Second, `document.querySelector('#link').dataset.state === 'live'`)
	began := time.Now()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the end took %v with a stream open", took)
	}
	until(t, tab, 30*time.Second, `document.querySelector('#link').innerText.includes('Connection lost')`)
	l, err = net.Listen("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop = context.WithCancel(context.Background())
	defer stop()
	next := newServer(t, config(d))
	go func() { done <- next.Serve(ctx, l) }()
	until(t, tab, 40*time.Second, `document.querySelector('#link a')?.getAttribute('href') === '/login?next=%2F'`)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestTheme switches with the script, and the choice survives loading.
func TestTheme(t *testing.T) {
	base := serve(t, newServer(t, config(demoFleet(demoNow))))
	tab := webtest.Chromium(t)
	signIn(t, tab, base)
	ground := `getComputedStyle(document.body).backgroundColor`
	before := value[string](t, tab, ground)
	if err := chromedp.Do(tab, chromedp.Click(chromedp.CSS("#theme button"))); err != nil {
		t.Fatal(err)
	}
	until(t, tab, 30*time.Second, ground+` !== '`+before+`'`)
	after := value[string](t, tab, ground)
	if err := chromedp.Do(tab, chromedp.Navigate(base+"/hosts")); err != nil {
		t.Fatal(err)
	}
	if got := value[string](t, tab, ground); got != after {
		t.Errorf("after loading the ground is %s, not %s", got, after)
	}
	if low := value[[]string](t, tab, `document.querySelector('.foot span').style.color = '#777', `+contrast); len(low) != 1 {
		t.Errorf("grey text that is hard to read is found as %q", low)
	}
}

// stream reads the events of a stream.
type stream struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Reader
}

func (b *browser) stream(query string) *stream {
	b.t.Helper()
	client := &http.Client{Jar: b.http.Jar}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // of the whole stream, beside 64 others
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/events"+query, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	return &stream{b.t, resp, bufio.NewReader(resp.Body)}
}

// next returns the lines of the next event that is no comment.
func (s *stream) next() map[string]string {
	s.t.Helper()
	event := make(map[string]string)
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			s.t.Fatalf("stream: %v", err)
		}
		key, val, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case line == "\n" && len(event) > 0:
			return event
		case key != "":
			event[key] = val
		}
	}
}

func TestStream(t *testing.T) {
	d := demoFleet(demoNow)
	b := browse(t, serve(t, newServer(t, config(d))))
	b.login()
	newest := d.events[0].ID
	all := b.stream(fmt.Sprintf("?since=%d", newest-3))
	for id := newest - 2; id <= newest; id++ {
		if e := all.next(); e["event"] != "change" || e["id"] != fmt.Sprint(id) {
			t.Fatalf("missed event %d is %v", id, e)
		}
	}
	host := b.stream("?host=" + string(d.hosts[1].ID))
	check := b.stream("?check=ssh-max-auth-tries")
	other := b.stream("?host=" + string(d.hosts[5].ID) + "&since=-1")
	id := d.set(1, change(1, finding.StatusFail))
	for name, s := range map[string]*stream{"all": all, "host": host, "check": check} {
		if e := s.next(); e["id"] != fmt.Sprint(id) || !strings.Contains(e["data"], `"status":"fail"`) {
			t.Errorf("%s: %v", name, e)
		}
	}
	d.touch(5, func(h *fleet.Host) { h.Labels.Load1 = 3 })
	for name, s := range map[string]*stream{"all": all, "other": other} {
		if e := s.next(); e["event"] != "touch" {
			t.Errorf("%s: %v", name, e)
		}
	}
	behind := b.stream("?since=0")
	if e := behind.next(); e["event"] != "change" {
		t.Errorf("a page that missed %d events is told %v", newest, e)
	}
	b.post("/logout", url.Values{"form": {b.form("/")}})
	for name, s := range map[string]*stream{"all": all, "other": other} {
		if e := s.next(); e["event"] != "bye" {
			t.Errorf("%s after signing out: %v", name, e)
		}
	}
}

func TestStreamRefuses(t *testing.T) {
	b := browse(t, serve(t, newServer(t, config(demoFleet(demoNow)))))
	b.login()
	for _, query := range []string{"?host=zz", "?check=" + strings.Repeat("x", 600), "?check=a%0Ab"} {
		if s := b.stream(query); s.resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", query, s.resp.StatusCode)
		}
	}
	var streams []*stream
	for len(streams) < 65 {
		streams = append(streams, b.stream("?since=-1"))
	}
	if got := streams[63].resp; got.StatusCode != http.StatusOK {
		t.Errorf("stream 64: %d", got.StatusCode)
	}
	if got := streams[64].resp; got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("stream 65 of a user: %d", got.StatusCode)
	}
}
