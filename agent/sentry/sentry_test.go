package sentry

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
)

const t0 = 1795289500

const ruleText = `title: The file x is written
id: 11111111-1111-4111-8111-111111111111
logsource: {product: linux, category: file_event}
detection:
    selection: {TargetFilename|endswith: /x}
    condition: selection
level: high
`

// host is a root of a host with its own rules.
type host struct {
	t   *testing.T
	dir string
	log strings.Builder
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir()}
	h.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n")
	h.write("/proc/uptime", "100.00 100.00\n")
	return h
}

func (h *host) write(name, text string) {
	h.t.Helper()
	name = filepath.Join(h.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
		h.t.Fatal(err)
	}
}

// start starts a sentry of the host.
func (h *host) start(words ...string) *Sentry {
	h.t.Helper()
	return New(h.config(words...))
}

func (h *host) config(words ...string) Config {
	h.t.Helper()
	root, err := hostfs.Open(h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	return Config{Log: slog.New(slog.NewTextHandler(&h.log, nil)), Root: root, Dir: "/etc/seawall/detections.d", Allow: "/etc/seawall/allow.yaml", Redact: redact.New(words...)}
}

// write is the event of a file that tee opens for writing.
func write(serial, second int, exe, name string) string {
	head := fmt.Sprintf("msg=audit(%d.000:%d): ", second, serial)
	return "type=SYSCALL " + head + `arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=2 a2=441 a3=1b6 items=1 ppid=1 pid=77 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="tee" exe="` + exe + `" key=(null)` + "\n" +
		"type=CWD " + head + `cwd="/srv"` + "\n" +
		"type=PATH " + head + `item=0 name="` + name + `" inode=12 dev=08:01 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL` + "\n" +
		"type=PROCTITLE " + head + "proctitle=746565002D2D7A7A70696E3D68756E7465723200\n" + // tee --zzpin=hunter2
		"type=EOE " + head + "\n"
}

// feed has s observe the events of a log.
func feed(t testing.TB, s *Sentry, log string) {
	t.Helper()
	a := audit.NewAssembler(0, s.Observe)
	if _, err := auditlog.Read(strings.NewReader(log), func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(t0, 0)) }); err != nil {
		t.Fatal(err)
	}
	a.Close()
}

// told empties the queue.
func told(t testing.TB, s *Sentry) (list []finding.Detection) {
	t.Helper()
	if err := s.Deliver(func(d *finding.Detection) error {
		list = append(list, *d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

func counters(s *Sentry) (c finding.Counters) {
	s.Count(&c)
	return c
}

func TestDetection(t *testing.T) {
	h := newHost(t)
	h.write("/etc/seawall/detections.d/mine.yaml", ruleText)
	s := h.start("zzpin")
	feed(t, s, write(1, t0, "/usr/bin/tee", "x")+write(2, t0, "/usr/bin/tee", "y"))
	select {
	case <-s.Ready():
	default:
		t.Error("nobody is told that there is something")
	}
	got := told(t, s)
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	if x := got[0].Samples[0]; x.Actor.Login != "alice" || x.Actor.User != "root" || x.Target != "/srv/x" || x.Command != "tee --zzpin=***" || !strings.HasPrefix(x.Actor.Text, "alice") {
		t.Errorf("%+v", x)
	}
	s.Tick(time.Unix(t0+1, 0))
	if c := counters(s); c.Detections != 1 || c.DetectionFaults != 0 || c.DetectionRules < 100 {
		t.Errorf("%+v", c)
	}
}

// TestReload: rules, faults and allowances follow their files, what was counted stays,
// and nothing is told twice.
func TestReload(t *testing.T) {
	h := newHost(t)
	const file = "/etc/seawall/detections.d/mine.yaml"
	s := h.start()
	one := func(serial int) []finding.Detection {
		feed(t, s, write(serial, t0, "/usr/bin/tee", "x"))
		return told(t, s)
	}
	if got := one(1); len(got) != 0 || s.Result(time.Unix(t0, 0)).Status != finding.StatusPass {
		t.Fatalf("without rules of one's own: %+v", got)
	}
	reload := func(wantFault string) {
		t.Helper()
		if s.Affected("/etc/passwd") || s.Changed() {
			t.Error("a foreign file concerns the rules")
		}
		if !s.Affected(file) || !s.Changed() {
			t.Error("the rules' file does not concern them")
		}
		s.Reload(time.Unix(t0, 0))
		r := s.Result(time.Unix(t0, 0))
		if wantFault == "" && r.Status != finding.StatusPass || wantFault != "" && (r.Status != finding.StatusFail || !strings.Contains(fmt.Sprint(r.Evidence), wantFault)) {
			t.Errorf("%+v, want %q", r, wantFault)
		}
		if s.Changed() {
			t.Error("still another")
		}
	}
	h.write(file, ruleText)
	reload("")
	if got := one(2); len(got) != 1 || got[0].Count != 1 {
		t.Fatalf("%+v", got)
	}
	one(3) // counted, and reported only when the rules are others
	h.write(file, ruleText+"---\ntitle: broken\nlogsource: {product: linux, category: file_event}\ndetection: {a: {TargetFilename|nothing: x}, condition: a}\n")
	reload("/etc/seawall/detections.d/mine.yaml 11")
	got := one(4)
	if len(got) != 2 || got[0].Count != 2 || !got[0].Ended || got[1].Count != 1 || got[1].ID == got[0].ID {
		t.Fatalf("%+v", got)
	}
	if !strings.Contains(h.log.String(), "mine.yaml:11: ") {
		t.Errorf("log: %s", &h.log)
	}
	h.write(file, ruleText)
	h.write("/etc/seawall/allow.yaml", "allow: [{rule: 11111111-1111-4111-8111-111111111111, owner: ann, reason: r, expires: 2026-11-20}]")
	reload("ann's allowance of 11111111-1111-4111-8111-111111111111 ended on 2026-11-20")
	h.write("/etc/seawall/allow.yaml", "allow: [{rule: 11111111-1111-4111-8111-111111111111, owner: ann, reason: r, expires: 2026-12-21}]")
	reload("")
	if got := one(5); len(got) != 0 {
		t.Fatalf("allowed: %+v", got)
	}
	h.write("/etc/seawall/allow.yaml", "allow: [{rule: 1, owner: ann")
	reload("allow.yaml")
	s.Close()
	if c := counters(s); c.Detections != 3 || c.DetectionsSuppressed != 1 || c.DetectionFaults != 1 {
		t.Errorf("%+v", c)
	}
}

// TestHostileFiles: what is no rule, in whatever way, is a fault and stops nothing else.
func TestHostileFiles(t *testing.T) {
	h := newHost(t)
	const dir = "/etc/seawall/detections.d/"
	h.write(dir+"good.yaml", ruleText)
	for i, text := range []string{"\x00\xff", "a: b", strings.Repeat("[", 1<<16), "title: &a [*a]", "title: x\nid: \x1b[31m"} {
		h.write(fmt.Sprintf("%sbad%d.yml", dir, i), text)
	}
	if err := errors.Join(os.Symlink("loop.yaml", filepath.Join(h.dir, dir, "loop.yaml")), os.Mkdir(filepath.Join(h.dir, dir, "dir.yaml"), 0o755)); err != nil {
		t.Fatal(err)
	}
	s := h.start()
	feed(t, s, write(1, t0, "/usr/bin/tee", "x"))
	if got := told(t, s); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if c := counters(s); c.DetectionFaults < 5 {
		t.Errorf("%d faults\n%s", c.DetectionFaults, &h.log)
	}
}

// TestStorm: a hundred thousand matches are one detection, that is told a few times.
func TestStorm(t *testing.T) {
	const matches = 100_000
	h := newHost(t)
	h.write("/etc/seawall/detections.d/mine.yaml", ruleText)
	s := h.start()
	kept := new(audit.Event)
	a := audit.NewAssembler(0, func(e *audit.Event) { kept = e })
	if _, err := auditlog.Read(strings.NewReader(write(1, t0, "/usr/bin/tee", "x")), func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(t0, 0)) }); err != nil {
		t.Fatal(err)
	}
	reports := 0
	var last finding.Detection
	for i := range matches {
		kept.Serial = uint32(i + 1)
		s.Observe(kept)
		if i%1000 == 0 {
			s.Tick(time.Unix(t0+int64(i/1000), 0))
			for _, d := range told(t, s) {
				if last.ID != "" && (d.ID != last.ID || d.Count < last.Count) {
					t.Fatalf("%s, %d after %s, %d", d.ID, d.Count, last.ID, last.Count)
				}
				reports, last = reports+1, d
			}
		}
	}
	s.Close()
	for _, d := range told(t, s) {
		reports, last = reports+1, d
	}
	if last.Count != matches || reports > 5 || len(last.Samples) > 8 {
		t.Errorf("%d matches in %d reports, %d samples", last.Count, reports, len(last.Samples))
	}
}

// TestSlowDelivery: while nothing is delivered the queue is bounded, the reader goes on,
// and all that is told in the end is each match once.
func TestSlowDelivery(t *testing.T) {
	h := newHost(t)
	var text strings.Builder
	const kinds = 60
	for i := range kinds {
		fmt.Fprintf(&text, "---\ntitle: rule %d\nid: 11111111-1111-4111-8111-1111111111%02d\nlogsource: {product: linux, category: file_event}\n"+
			"detection: {s: {TargetFilename|endswith: /x}, condition: s}\n", i, i)
	}
	h.write("/etc/seawall/detections.d/mine.yaml", strings.TrimPrefix(text.String(), "---\n"))
	s := h.start()
	const events = 100
	for i := range events {
		feed(t, s, write(i+1, t0, fmt.Sprintf("/tmp/%d/%s", i, strings.Repeat("p", 700)), strings.Repeat("n", 700)+"/x"))
		s.Tick(time.Unix(t0+int64(i), 0))
		if s.queue.bytes > maxBytes+(256<<10) || len(s.queue.order) > maxQueue {
			t.Fatalf("%d bytes, %d detections wait", s.queue.bytes, len(s.queue.order))
		}
	}
	s.Close()
	counts := map[string]uint64{}
	for _, d := range told(t, s) {
		counts[d.ID] = max(counts[d.ID], d.Count)
	}
	var sum uint64
	for _, n := range counts {
		sum += n
	}
	if c := counters(s); sum+c.DetectionsLost != events*kinds || c.DetectionsLost == 0 {
		t.Errorf("%d told and %d lost of %d", sum, c.DetectionsLost, events*kinds)
	}
}

// TestRefused: what could not be delivered is delivered later, in its place.
func TestRefused(t *testing.T) {
	q := newQueue()
	for _, id := range []string{"a", "b", "a", "c"} {
		q.put(finding.Detection{ID: id, Count: uint64(len(q.order) + 1)})
	}
	full := errors.New("full")
	var got []string
	if err := q.deliver(func(d *finding.Detection) error {
		if d.ID == "b" {
			return full
		}
		got = append(got, fmt.Sprint(d.ID, d.Count))
		return nil
	}); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if err := q.deliver(func(d *finding.Detection) error {
		if d.ID == "c" && d.Count == 3 {
			q.put(finding.Detection{ID: "c", Count: 9}) // it grows while it is delivered
		}
		got = append(got, fmt.Sprint(d.ID, d.Count))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := "[a3 b2 c3 c9]"; fmt.Sprint(got) != want || q.bytes != 0 || len(q.byID) != 0 {
		t.Errorf("got %v, want %s; %d bytes left", got, want, q.bytes)
	}
}

// TestBeside: one goroutine observes while another delivers and reloads.
func TestBeside(t *testing.T) {
	h := newHost(t)
	h.write("/etc/seawall/detections.d/mine.yaml", ruleText)
	s := keeping(h, filepath.Join(t.TempDir(), KeptFile))
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for i := range 300 {
			feed(t, s, write(i+1, t0+i, fmt.Sprintf("/bin/%d", i%7), "x"))
			s.Tick(time.Unix(int64(t0+i), 0))
		}
		s.Close()
	})
	counts := map[string]uint64{}
	take := func() {
		for _, d := range told(t, s) {
			counts[d.ID] = max(counts[d.ID], d.Count)
		}
	}
	for ended, n := false, 0; !ended; n++ {
		select {
		case <-done:
			ended = true
		case <-s.Ready():
			if take(); n%20 == 0 {
				s.Reload(time.Unix(t0, 0))
			}
			s.Result(time.Unix(t0, 0))
		}
	}
	wg.Wait()
	take()
	var sum uint64
	for _, n := range counts {
		sum += n
	}
	if c := counters(s); sum != 300 || c.Detections != 300 {
		t.Errorf("%d told, %+v", sum, c)
	}
}
