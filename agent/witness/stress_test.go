package witness

import (
	"fmt"
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
)

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
