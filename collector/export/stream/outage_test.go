package stream

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

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"seawall/collector/alert/desk"
	"seawall/collector/alert/door"
	"seawall/collector/alert/outbox"
	"seawall/collector/export/order"
	"seawall/collector/fleet"
	"seawall/collector/notify"
	"seawall/collector/store"
	"seawall/scripts/receivers"
)

// receiver is an HTTP server that keeps what it took, each id once: an id that comes again
// is the same parcel again.
type receiver struct {
	mu    sync.Mutex
	seen  map[string]bool
	again int
	lines []string
}

func (h *receiver) serve(t *testing.T, port int, read func(body []byte) []string) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	busy := atomic.Bool{}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		id := r.Header.Get("Webhook-Id")
		if busy.CompareAndSwap(false, true) { // it takes the first and breaks before it says so
			h.take(id, read(body))
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		h.take(id, read(body))
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
}

func (h *receiver) take(id string, lines []string) {
	if h.seen[id] && id != "" {
		h.again++
		return
	}
	h.seen[id] = true
	h.lines = append(h.lines, lines...)
}

func (h *receiver) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.lines...)
}

// checkOf returns the check that a line of a format is about, and fails for one that is
// not of it.
func checkOf(t *testing.T, format, line string) string {
	t.Helper()
	var e struct {
		Class   int `json:"class_uid"`
		Finding struct {
			UID string `json:"uid"`
		} `json:"finding_info"`
		ECS  struct{ Version string }
		Rule struct{ ID string }
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%v in %.100s", err, line)
	}
	if format == order.OCSF {
		_, check, _ := strings.Cut(e.Finding.UID, "/")
		if e.Class != 2003 {
			t.Errorf("class %d", e.Class)
		}
		return check
	}
	if e.ECS.Version == "" {
		t.Errorf("no ECS: %.100s", line)
	}
	return e.Rule.ID
}

// otlpChecks returns the checks of a request as the protocol's own types read it, without
// the records whose id was seen before.
func otlpChecks(t *testing.T, body []byte, seen map[string]bool) (checks []string) {
	t.Helper()
	var r collogs.ExportLogsServiceRequest
	if err := protojson.Unmarshal(body, &r); err != nil {
		t.Errorf("OTLP: %v", err)
	}
	for _, of := range r.GetResourceLogs() {
		for _, scope := range of.GetScopeLogs() {
			for _, record := range scope.GetLogRecords() {
				of := map[string]string{}
				for _, a := range record.GetAttributes() {
					of[a.GetKey()] = a.GetValue().GetStringValue()
				}
				if id := of["log.record.uid"]; id == "" || seen[id] {
					continue
				}
				seen[of["log.record.uid"]] = true
				checks = append(checks, of["seawall.check.id"])
			}
		}
	}
	return checks
}

// program is a part that runs, until stop.
func program(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// TestOutage: changes go to a real syslog server, a webhook, an OTLP receiver and a file
// while the first three are away at first and both processes are started anew in between;
// everything arrives, once where the receiver looks at the id.
func TestOutage(t *testing.T) {
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	var shift atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
	data, err := store.Open(t.Context(), filepath.Join(dir, "collector.db"), store.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	s := &scene{T: t, store: data, now: now(), seq: map[fleet.HostID]uint64{}}
	ports := map[string]int{"siem": receivers.Port(t), "hook": receivers.Port(t), "otel": receivers.Port(t)}
	lines := filepath.Join(dir, "out.jsonl")
	routes := filepath.Join(dir, "routes.yaml")
	receivers.Write(t, routes, 0o600, fmt.Sprintf(`routes:
  - {name: siem, syslog: {to: "tcp://127.0.0.1:%d"}}
  - {name: hook, webhook: {url: "http://127.0.0.1:%d/in"}}
  - {name: otel, otlp: {url: "http://127.0.0.1:%d/v1/logs"}}
  - {name: lines, file: {path: %s}}
`, ports["siem"], ports["hook"], ports["otel"], lines))
	formats := map[string]string{"siem": order.OCSF, "hook": order.ECS, "otel": order.OTLP, "lines": order.OCSF}
	for route, format := range formats {
		s.save(changesOf("to-"+route, func(v *order.Order) { v.Route, v.Format = route, format }))
	}
	socket, err := os.MkdirTemp("", "desk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(socket) })
	socket = filepath.Join(socket, "s")
	box := outbox.New(data, now)
	start := func() (stop func()) {
		l, err := door.Listen(socket)
		if err != nil {
			t.Fatal(err)
		}
		n, err := notify.New(notify.Config{Routes: routes, Socket: socket, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		d := desk.New(box, now, quiet)
		runner := New(Config{Data: data, Source: source(data), Version: "1", Now: now, Log: quiet})
		stops := []func(){program(t, n.Run), program(t, func(ctx context.Context) error { return d.Serve(ctx, l) }), program(t, runner.Run)}
		return func() {
			for _, stop := range stops {
				stop()
			}
		}
	}
	stop := start()
	const n = 1200
	s.flood(0, 0, n/2)
	receivers.Until(t, "an attempt for each", func() bool {
		loads, err := box.Loads(t.Context())
		return err == nil && loads["siem"].Detail != "" && loads["hook"].Detail != "" && loads["otel"].Detail != ""
	})
	stop()
	s.flood(0, n/2, n/2)
	syslog := receivers.Rsyslog(t, ports["siem"], "", "")
	hook, otel := &receiver{seen: map[string]bool{}}, &receiver{seen: map[string]bool{}}
	split := func(body []byte) []string { return strings.Split(strings.TrimSpace(string(body)), "\n") }
	hook.serve(t, ports["hook"], split)
	otel.serve(t, ports["otel"], split)
	shift.Add(int64(time.Minute))
	start()
	got, seen := map[string][]string{}, map[string]bool{}
	read := map[string]func() []string{
		"siem": func() (all []string) {
			for _, l := range syslog.Lines(t) {
				_, message, _ := strings.Cut(l, "|{")
				all = append(all, "{"+message)
			}
			return all
		},
		"hook": hook.all, "otel": otel.all,
		"lines": func() []string {
			text, err := os.ReadFile(lines)
			if err != nil {
				return nil
			}
			return split(text)
		},
	}
	for route := range formats {
		receivers.Until(t, "delivery to "+route, func() bool {
			shift.Add(int64(time.Second)) // waits between attempts pass quickly
			p := s.get("to-" + route)
			return p.Sent == n && p.Behind == 0 && p.Waiting == 0
		})
		if route == "siem" {
			receivers.Until(t, "lines of syslog", func() bool { return len(syslog.Lines(t)) >= n })
		}
		for _, l := range read[route]() {
			if formats[route] == order.OTLP {
				got[route] = append(got[route], otlpChecks(t, []byte(l), seen)...)
				continue
			}
			got[route] = append(got[route], checkOf(t, formats[route], l))
		}
	}
	for route, all := range got {
		times := map[string]int{}
		for _, check := range all {
			times[check]++
		}
		for i := range n {
			if c := fmt.Sprintf("ssh-%05d", i); times[c] != 1 {
				t.Fatalf("%s: %s arrived %d times", route, c, times[c])
			}
		}
	}
	if hook.again == 0 {
		t.Error("no parcel came again: the test shows nothing")
	}

}
