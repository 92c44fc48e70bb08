package witness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/gaps"
	"seawall/pkg/finding"
	"seawall/pkg/kaudit"
)

// cycles is how often TestStopStart does it; 1,000 are asked for before a release.
var cycles = flag.Int("cycles", 30, "how often the source is stopped and started under load")

// worst is how long a system call of an audited program may take while the source stops,
// starts or stands still. The kernel's own wait for a full queue is a minute.
const worst = 5 * time.Second

// load makes files in dir until stop is called, which returns how many and the worst time
// that one took.
func load(t *testing.T, dir string) (stop func() (int, time.Duration)) {
	t.Helper()
	var mu sync.Mutex
	n, slowest, stopped := 0, time.Duration(0), false
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			mu.Lock()
			if stopped {
				mu.Unlock()
				return
			}
			first := n
			mu.Unlock()
			took := files(t, dir, first, 250)
			mu.Lock()
			n, slowest = n+250, max(slowest, took)
			mu.Unlock()
		}
	}()
	return func() (int, time.Duration) {
		mu.Lock()
		stopped = true
		mu.Unlock()
		<-done
		return n, slowest
	}
}

// TestStopStart stops and starts a source again and again while processes are audited, as
// systemd would with its descriptor store; now and then auditd takes the place and leaves
// it, and the socket's buffer is too small. Nobody waits for the kernel, each source hears
// of what is made after its start, and what was not seen is accounted for. With -args
// -cycles it is done more often.
func TestStopStart(t *testing.T) {
	const piece = 100 // for so many the kernel is held
	var sum stopStart
	for left := *cycles; left > 0; left -= piece {
		t.Run(strconv.Itoa(*cycles-left), func(t *testing.T) {
			s := &stopStart{t: t, control: kernelAudit(t), top: t.TempDir(), dir: t.TempDir(), state: t.TempDir()}
			s.run(min(piece, left), &sum)
		})
	}
	t.Logf("%d cycles, %d with auditd, %d overruns, the slowest system call took %v", *cycles, sum.visits, sum.overruns, sum.slowest)
	if *cycles > firstVisit && (sum.visits == 0 || sum.overruns == 0) {
		t.Error("no auditd came or nothing overran: this test shows nothing")
	}
}

// In one of so many cycles auditd has the place before a source comes, and in another it
// takes it from one.
const (
	everyVisit = 40
	firstVisit = 3
	laterVisit = 15
)

type stopStart struct {
	t               *testing.T
	control         *kaudit.Control
	top, dir, state string // of auditd, the files and the source
	seen            *counted

	visits   int
	overruns uint64
	slowest  time.Duration
}

func (s *stopStart) run(cycles int, sum *stopStart) {
	t := s.t
	// A queue for which a process waits a second, and not a minute as by default, when
	// somebody else is the audit daemon.
	auditctl(t, "--backlog_wait_time", "250")
	t.Cleanup(func() { auditctl(t, "--backlog_wait_time", "15000") })
	// Audit stays on while nothing reads: what is made then is lost, and has serials.
	if err := s.control.SetEnabled(true); err != nil {
		t.Fatal(err)
	}
	auditctl(t, "-w", s.dir, "-p", "wa", "-k", "stress")
	t.Cleanup(func() { auditctl(t, "-W", s.dir, "-p", "wa", "-k", "stress") })
	s.seen = &counted{dir: s.dir, of: map[string]int{}}
	var stop func() (int, time.Duration)
	for i := range cycles {
		var auditd func()
		if i%everyVisit == firstVisit {
			auditd = startAuditd(t, s.control, s.top, "RAW")
			s.visits++
		}
		a, end := s.begin(i)
		if stop == nil {
			stop = load(t, s.dir) // not before somebody sees it
		}
		s.comes(a)
		switch {
		case auditd != nil:
			s.overrun(a)
			auditd()
			s.becomes(a, Unicast)
			s.comes(a)
		case i%everyVisit == laterVisit:
			auditd := s.compete(a)
			s.comes(a)
			auditd()
			s.visits++
		}
		if i == cycles-1 {
			n, slowest := stop()
			s.account(a, n)
			if s.slowest = slowest; slowest > worst {
				t.Errorf("a system call took %v", slowest)
			}
		}
		s.overruns += a.Counters().Overruns
		end()
	}
	sum.visits += s.visits
	sum.overruns += s.overruns
	sum.slowest = max(sum.slowest, s.slowest)
}

func auditctl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("/sbin/auditctl", args...).CombinedOutput(); err != nil {
		t.Errorf("auditctl: %v: %s", err, out)
	}
}

// begin starts a source.
func (s *stopStart) begin(cycle int) (a *Source, end func()) {
	a = New(Config{
		Log: slog.New(slog.DiscardHandler), Offer: func(Change) {}, Observe: s.seen.observe, StateDir: s.state, RunDir: s.state,
		times: times{yield: 5 * time.Second, start: 2 * time.Second, restart: 50 * time.Millisecond},
	})
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	<-a.Settled()
	if c := a.Counters(); c.AuditMode == string(Off) {
		s.t.Fatalf("cycle %d: %+v", cycle, c)
	}
	return a, func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			s.t.Fatalf("cycle %d: %v", cycle, err)
		}
	}
}

// comes waits for events from now on.
func (s *stopStart) comes(a *Source) {
	before := a.Counters().Events
	within(s.t, "events come", func() bool { return a.Counters().Events > before+20 })
}

func (s *stopStart) becomes(a *Source, mode Mode) {
	within(s.t, "it is "+string(mode), func() bool { return a.Counters().AuditMode == string(mode) })
}

// overrun has the kernel find no room in the socket's buffer, which it says of one that
// listens.
func (s *stopStart) overrun(a *Source) {
	squeeze(s.t, a, 16<<10)
	before := a.Counters().Overruns
	within(s.t, "the socket overruns", func() bool {
		a.stream.Lock() // the reader waits
		<-time.After(50 * time.Millisecond)
		a.stream.Unlock()
		return a.Counters().Overruns > before
	})
}

// compete has auditd take the place of a source, which its start may need some tries for.
func (s *stopStart) compete(a *Source) (stop func()) {
	for range 10 {
		cmd := auditdCommand(s.t, s.top, "RAW")
		if err := cmd.Start(); err != nil {
			s.t.Fatalf("needs auditd: %v", err)
		}
		for until := time.Now().Add(time.Second); time.Now().Before(until); <-time.After(5 * time.Millisecond) {
			if st, err := s.control.Status(); err == nil && int(st.PID) == cmd.Process.Pid {
				s.becomes(a, Multicast)
				return func() { endAuditd(cmd) }
			}
		}
		endAuditd(cmd)
	}
	s.t.Fatal("auditd did not get the place")
	return nil
}

// account waits until all is accounted for, and compares.
func (s *stopStart) account(a *Source, made int) {
	within(s.t, "all is accounted for", func() bool {
		a.stream.Lock()
		defer a.stream.Unlock()
		return !a.stream.tracker.Open()
	})
	now := time.Now()
	within(s.t, "the kernel's counters are seen", func() bool {
		a.poke()
		a.stream.Lock()
		defer a.stream.Unlock()
		return a.stream.lost.At().After(now)
	})
	status, err := s.control.Status()
	if err != nil {
		s.t.Fatal(err)
	}
	account(s.t, s.seen, made, ledger(a), status.Lost)
}

// account compares files that were made with those told of and those missing.
func account(t *testing.T, seen *counted, made int, l gaps.Ledger, lost uint32) {
	t.Helper()
	told, more := seen.told(made)
	t.Logf("%d made, %d told of, %d partial; %d serials missing in %d gaps; %d lost by the kernel", made, told, seen.partialCount(), l.Missing, len(l.Gaps), lost)
	if more > 0 {
		t.Errorf("%d were told of more than once", more)
	}
	// Events that were lost before they had a serial are in the kernel's count alone.
	if unseen := made - told; uint64(unseen) > l.Left()+uint64(seen.partialCount()) {
		t.Errorf("%d events are neither told of nor accounted for as missing (%d and %d partial)", unseen, l.Left(), seen.partialCount())
	}
}

// TestSensorStandsStill stops the reading process for seconds (SIGSTOP), with a small
// buffer so that the kernel has nowhere to put records: processes go on, and each event
// is either told of or missing.
func TestSensorStandsStill(t *testing.T) {
	if state := os.Getenv("SEAWALL_SENSOR"); state != "" {
		sensorProcess(t, state)
		return
	}
	control := kernelAudit(t)
	dir, state := t.TempDir(), t.TempDir()
	before, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSensorStandsStill$")
	cmd.Env = append(os.Environ(), "SEAWALL_SENSOR="+state, "SEAWALL_WATCH="+dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	within(t, "the sensor registers", func() bool {
		s, err := control.Status()
		_, ready := os.Stat(filepath.Join(state, "ready"))
		return err == nil && int(s.PID) == cmd.Process.Pid && ready == nil
	})
	if err := cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	slowest := time.Duration(0)
	made := 0
	for time.Since(start) < 3*time.Second {
		slowest = max(slowest, files(t, dir, made, 500))
		made += 500
	}
	if err := cmd.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	within(t, "the kernel's queue is empty", func() bool {
		s, err := control.Status()
		return err == nil && s.Backlog == 0
	})
	slowest = max(slowest, files(t, dir, made, 10))
	made += 10
	// It ends by itself when it has seen the last, or word of it.
	if err := os.WriteFile(filepath.Join(state, "made"), []byte(strconv.Itoa(made)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the sensor: %v", err)
	}
	after, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	var told, partial int
	var missing, lost uint64
	b, err := os.ReadFile(filepath.Join(state, "result"))
	if err == nil {
		_, err = fmt.Sscan(string(b), &told, &partial, &missing, &lost)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d made, %d told of, %d partial, %d serials missing, %d lost by the kernel (%d by its counter); slowest system call %v",
		made, told, partial, missing, lost, after.Lost-before.Lost, slowest)
	if slowest > unheeded {
		t.Errorf("a system call took %v", slowest)
	}
	// An event that is lost before it has a serial counts once in the kernel; so does each
	// record that one with a serial lacks.
	if with := uint64(told) + missing; with > uint64(made)+20 || with+lost < uint64(made)-uint64(partial) {
		t.Errorf("%d made, %d accounted for", made, with+lost)
	}
	if missing+lost == 0 {
		t.Error("nothing was lost: this test shows nothing")
	}
}

// sensorProcess is a source in a process of its own, with a small buffer.
func sensorProcess(t *testing.T, state string) {
	dir := os.Getenv("SEAWALL_WATCH")
	seen := &counted{dir: dir, of: map[string]int{}}
	a, _, end := begin(t, Config{Observe: seen.observe, StateDir: state})
	a.Watch([]string{dir + "/"})
	squeeze(t, a, 32<<10)
	if err := os.WriteFile(filepath.Join(state, "ready"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	made := 0
	within(t, "the last event comes", func() bool {
		b, err := os.ReadFile(filepath.Join(state, "made"))
		if err != nil {
			return false
		}
		made, _ = strconv.Atoi(string(b))
		seen.mu.Lock()
		defer seen.mu.Unlock()
		return seen.of[strconv.Itoa(made-1)] > 0
	})
	within(t, "all is settled", func() bool {
		a.stream.Lock()
		defer a.stream.Unlock()
		return !a.stream.tracker.Open() && a.stream.asm.Stats().Open == 0
	})
	a.poke() // looks at the kernel's counters
	within(t, "the kernel's counters are seen", func() bool {
		a.stream.Lock()
		defer a.stream.Unlock()
		return time.Since(a.stream.lost.At()) < 500*time.Millisecond
	})
	l := ledger(a)
	var missing, lost uint64
	for _, g := range l.Gaps {
		if g.Cause == gaps.Backlog {
			lost += g.Left()
		} else {
			missing += g.Left()
		}
	}
	told, _ := seen.told(made)
	end()
	if err := os.WriteFile(filepath.Join(state, "result"), fmt.Appendln(nil, told, seen.partialCount(), missing, lost), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKilledAndFollowed kills a source's process and has the next go on with the socket
// that systemd kept: nothing is missing, though nobody read for a while.
func TestKilledAndFollowed(t *testing.T) {
	control := kernelAudit(t)
	dir, state := t.TempDir(), t.TempDir()
	var kept *os.File
	store := func(name string, f *os.File) error {
		if f == nil {
			if kept != nil {
				_ = kept.Close()
			}
			kept = nil
			return nil
		}
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		kept = os.NewFile(uintptr(fd), name)
		return err
	}
	first := &counted{dir: dir, of: map[string]int{}}
	a, _, endFirst := begin(t, Config{Observe: first.observe, StateDir: state, RunDir: state, Store: store, Restarting: func() bool { return true }})
	a.Watch([]string{dir + "/"})
	files(t, dir, 0, 500)
	await(t, a, "events come", func(finding.Counters) bool { told, _ := first.told(500); return told == 500 })
	// The end of one that another follows: rules, registration and socket stay.
	endFirst()
	if s, err := control.Status(); err != nil || s.PID != uint32(os.Getpid()) || s.Enabled == 0 || kept == nil {
		t.Fatalf("%+v, %v, kept %v", s, err, kept)
	}
	files(t, dir, 500, 300) // nobody reads
	fd, err := unix.FcntlInt(kept.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	second := &counted{dir: dir, of: map[string]int{}}
	next, _, end := begin(t, Config{Observe: second.observe, StateDir: state, RunDir: state, Store: store, Unicast: fd, Mode: Unicast})
	next.Watch([]string{dir + "/"})
	files(t, dir, 800, 200)
	within(t, "all events come", func() bool {
		one, _ := first.told(1000)
		two, _ := second.told(1000)
		return one+two == 1000
	})
	if l := ledger(next); l.Left() != 0 {
		t.Errorf("%d are missing: %+v", l.Left(), l.Gaps)
	}
	end()
	if kept != nil {
		t.Error("the socket is still stored")
	}
	if s, err := control.Status(); err != nil || s.Enabled != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
