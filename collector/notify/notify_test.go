package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seawall/collector/alert"
	"seawall/collector/alert/desk"
	"seawall/collector/alert/door"
	"seawall/collector/alert/outbox"
	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/pkg/finding"
	"seawall/scripts/receivers"
)

// collector is the collector's side, with a clock that the test moves.
type collector struct {
	t      *testing.T
	store  *store.Store
	box    *outbox.Outbox
	socket string
	shift  atomic.Int64
	desk   *desk.Desk
	stop   func()
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	dir, err := os.MkdirTemp("", "desk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &collector{t: t, store: s, socket: filepath.Join(dir, "notify.sock")}
	c.box = outbox.New(s, c.now)
	c.serve()
	return c
}

func (c *collector) now() time.Time { return time.Now().Add(time.Duration(c.shift.Load())) }

// serve starts the desk; stop ends it.
func (c *collector) serve() {
	c.t.Helper()
	l, err := door.Listen(c.socket)
	if err != nil {
		c.t.Fatal(err)
	}
	c.desk = desk.New(c.box, c.now, slog.New(slog.DiscardHandler))
	c.stop = start(c.t, func(ctx context.Context) error { return c.desk.Serve(ctx, l) })
}

// start runs a part of the program, and returns a function that ends it and waits.
func start(t *testing.T, run func(context.Context) error) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (c *collector) put(route string, n int) (ids []string) {
	c.t.Helper()
	for i := range n {
		m := alert.Compose(outbox.NewID(), "rule", c.now(), []alert.Signal{{Topic: alert.Finding, Severity: finding.SeverityHigh, Host: "h",
			HostName: "web-1", Check: "ssh-root", Title: fmt.Sprintf("number %d of %s", i, route), Time: c.now()}}, 0)
		body, err := json.Marshal(m)
		if err != nil {
			c.t.Fatal(err)
		}
		err = c.store.Write(c.t.Context(), func(w db.Writer) error {
			_, err := outbox.Put(w, c.now(), outbox.Item{ID: m.ID, Route: route, Kind: alert.KindMessage, Type: "application/json", Title: m.Summary, Body: body})
			return err
		})
		if err != nil {
			c.t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	return ids
}

// count returns how many messages of a route are in a state.
func (c *collector) count(route string, s outbox.State) int {
	c.t.Helper()
	entries, err := c.box.Log(c.t.Context(), outbox.Query{Route: route, State: s, Limit: 200})
	if err != nil {
		c.t.Fatal(err)
	}
	return len(entries)
}

// hook is an HTTP receiver on a port, and the titles that it got.
type hook struct {
	mu  sync.Mutex
	got []string
	ids map[string]int
}

func (h *hook) serve(t *testing.T, port int) (stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.ids == nil {
			h.ids = map[string]int{}
		}
		h.ids[r.Header.Get("Webhook-Id")]++
		h.got = append(h.got, string(body))
	})}
	go server.Serve(l)
	stop = sync.OnceFunc(func() { server.Close() })
	t.Cleanup(stop)
	return stop
}

func (h *hook) all() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.got, "\n")
}

// TestOutage is the life of every kind of route: its server is away, messages wait; it
// comes, and each arrives once and in order. Meanwhile the collector and the notifier
// are restarted.
func TestOutage(t *testing.T) {
	c := newCollector(t)
	cert, key := receivers.Cert(t)
	dir := t.TempDir()
	ports := map[string]int{}
	for _, name := range []string{"mail", "hook", "chat", "pager", "siem"} {
		ports[name] = receivers.Port(t)
	}
	receivers.Write(t, filepath.Join(dir, "password"), 0o600, "correct horse\n")
	receivers.Write(t, filepath.Join(dir, "hook.secret"), 0o600, "0123456789abcdef0123\n")
	receivers.Write(t, filepath.Join(dir, "chat.url"), 0o640, fmt.Sprintf("http://127.0.0.1:%d/services/SECRET\n", ports["chat"]))
	receivers.Write(t, filepath.Join(dir, "pager.key"), 0o600, "PAGERKEY\n")
	file := filepath.Join(dir, "routes.yaml")
	receivers.Write(t, file, 0o640, fmt.Sprintf(`dashboard: https://seawall.example.net/
routes:
  - {name: mail, email: {server: "localhost:%d", ca_file: %s, user: seawall, password_file: password, from: s@example.net, to: [ops@example.net]}}
  - {name: hook, webhook: {url: "http://127.0.0.1:%d/in", secret_file: hook.secret}}
  - {name: chat, slack: {url_file: chat.url}}
  - {name: pager, pagerduty: {url: "http://127.0.0.1:%d/v2/enqueue", key_file: pager.key}}
  - {name: siem, syslog: {to: "tls://localhost:%d", ca_file: %s}}
`, ports["mail"], cert, ports["hook"], ports["pager"], ports["siem"], cert))
	var log lockedBuffer
	run := func() func() {
		n, err := New(Config{Routes: file, Socket: c.socket, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		return start(t, n.Run)
	}
	stop := run()
	const each = 5
	ids := map[string][]string{}
	for name := range ports {
		ids[name] = c.put(name, each)
	}
	for name := range ports {
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(log.String())
			}
		})
		receivers.Until(t, "an attempt for "+name, func() bool {
			loads, err := c.box.Loads(t.Context())
			return err == nil && loads[name].Detail != ""
		})
		if n := c.count(name, outbox.Waiting); n != each {
			t.Errorf("%s: %d wait, want %d", name, n, each)
		}
	}
	// Both programs go and come while the servers are away.
	stop()
	c.stop()
	mails := receivers.SMTP(t, "mail/testdata/server.py", ports["mail"], "starttls", cert, key)
	siem := receivers.Rsyslog(t, ports["siem"], cert, key)
	hooks := map[string]*hook{"hook": {}, "chat": {}, "pager": {}}
	for name, h := range hooks {
		h.serve(t, ports[name])
	}
	c.shift.Add(int64(time.Minute))
	c.serve()
	stop = run()
	for name := range ports {
		receivers.Until(t, name, func() bool { return c.count(name, outbox.Sent) == each })
	}
	got := map[string]string{}
	for name, h := range hooks {
		got[name] = h.all()
	}
	for _, m := range mails.All() {
		got["mail"] += m.Data
	}
	receivers.Until(t, "lines", func() bool { return len(siem.Lines(t)) >= each })
	got["siem"] = strings.Join(siem.Lines(t), "\n")
	for name := range ports {
		last := -1
		for i := range each {
			// The subject of a mail has it besides the text.
			title := fmt.Sprintf("] web-1: number %d of %s", i, name)
			if name == "pager" || name == "siem" || name == "hook" {
				title = fmt.Sprintf("web-1: number %d of %s", i, name)
			}
			text := strings.ReplaceAll(strings.ReplaceAll(got[name], "\r\n", "\n"), "=\n", "")
			if name == "mail" {
				title = "\n[high" + title
			}
			if n := strings.Count(text, title); n != 1 {
				t.Errorf("%s: %q arrived %d times in\n%s", name, title, n, got[name])
			}
			if at := strings.Index(text, title); at < last {
				t.Errorf("%s: %q is not in order", name, title)
			} else {
				last = at
			}
		}
	}
	for _, id := range ids["hook"] {
		if hooks["hook"].ids[id] != 1 {
			t.Errorf("webhook %s came %d times", id, hooks["hook"].ids[id])
		}
	}
	routes, seen := c.desk.Routes()
	if len(routes) != len(ports) || seen.IsZero() || routes[0] != (alert.Route{Name: "chat", Kind: "slack", To: fmt.Sprintf("http://127.0.0.1:%d", ports["chat"])}) {
		t.Errorf("routes %v at %s", routes, seen)
	}
	stop()
	for _, secret := range []string{"SECRET", "PAGERKEY", "0123456789abcdef0123", "correct horse"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("a secret is in the log:\n%s", log.String())
		}
	}
}

// TestRefused: what a receiver never takes waits for a person, and those behind it go.
func TestRefused(t *testing.T) {
	c := newCollector(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || strings.Contains(string(body), "number 0") {
			w.WriteHeader(http.StatusBadRequest)
		}
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	file := filepath.Join(t.TempDir(), "routes.yaml")
	receivers.Write(t, file, 0o600, fmt.Sprintf("routes: [{name: r, webhook: {url: 'http://%s/'}}]", l.Addr()))
	n, err := New(Config{Routes: file, Socket: c.socket, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	start(t, n.Run)
	c.put("r", 3)
	var test string
	if err := c.store.Write(t.Context(), func(w db.Writer) (err error) { test, err = outbox.Try(w, c.now(), "r", "alice"); return err }); err != nil {
		t.Fatal(err)
	}
	receivers.Until(t, "the others", func() bool { return c.count("r", outbox.Sent) == 3 && c.count("r", outbox.Refused) == 1 })
	e, _, err := c.box.Message(t.Context(), test)
	if err != nil || e.State != outbox.Sent || e.Attempts != 1 {
		t.Errorf("the test: %+v, %v", e, err)
	}
}

// lockedBuffer is a log that two goroutines may use.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
