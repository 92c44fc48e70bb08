package witness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/gaps"
	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

// life is a source without a kernel: it is fed, and left as a killed process leaves it.
type life struct {
	*Source
	t    *testing.T
	now  time.Time
	seen map[uint32]int // of all lives
}

func newLife(t *testing.T, dir string, root hostfs.Root, seen map[uint32]int) *life {
	l := &life{t: t, now: time.Now(), seen: seen}
	l.Source = New(Config{
		Log: slog.New(slog.DiscardHandler), Root: root, StateDir: dir, RunDir: dir, Offer: func(Change) {},
		Observe: func(e *audit.Event) { seen[e.Serial]++ },
	})
	l.openState()
	return l
}

// make has the kernel send so many records of an event that has three.
func (l *life) make(serial uint32, records int) {
	for i, r := range []struct {
		typ  uint16
		text string
	}{
		{unix.AUDIT_SYSCALL, `arch=c000003e syscall=257 success=yes exit=3 items=0 pid=9 uid=5 comm="x" exe="/x" key="k"`},
		{unix.AUDIT_PROCTITLE, `proctitle="x"`},
		{unix.AUDIT_EOE, ""},
	} {
		if i < records {
			l.record(r.typ, fmt.Appendf(nil, "audit(%d.%03d:%d): %s", l.now.Unix(), l.now.Nanosecond()/1e6, serial, r.text), l.now)
		}
	}
}

// wait lets so much time pass.
func (l *life) wait(d time.Duration) {
	l.now = l.now.Add(d)
	l.tidy(l.now, false)
}

// TestKilled kills a source again and again, whatever it has not written: each serial was
// delivered, or is in one gap and counted there once.
func TestKilled(t *testing.T) {
	top := t.TempDir()
	root, err := hostfs.Open(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, lossy := range []bool{false, true} {
		dir, seen := t.TempDir(), map[uint32]int{}
		l := newLife(t, dir, root, seen)
		l.stream.fillable = lossy // what lacks records is kept for a while
		serial := uint32(100)
		// More holes than are in a few words, and many events behind them.
		for range 3 {
			for range 40 {
				serial += 2
				l.make(serial, 3)
			}
		}
		l.make(serial+4, 2)
		l.make(serial+3, 2)
		l.wait(3 * time.Second) // now these two are out, in part
		late := serial + 1
		l = newLife(t, dir, root, seen) // the holes are still waited for
		l.make(late, 3)
		l.make(105, 3)
		l.wait(patience + time.Second)
		l = newLife(t, dir, root, seen) // they were told of, and nobody had written it
		l.make(107, 3)
		l.wait(patience + time.Second)
		l.noteState(l.now)
		l = newLife(t, dir, root, seen) // they are in the ledger
		l.make(109, 3)                  // but this one came
		l.make(109, 3)
		l = newLife(t, dir, root, seen) // and nobody had written that
		l.make(109, 3)                  // the kernel sends it anew
		if seen[109] != 1 {
			t.Errorf("109 came %d times", seen[109])
		}
		serial += 50
		l.make(serial, 3)
		l.wait(patience + time.Second)
		l.closeState() // in order
		l = newLife(t, dir, root, seen)
		serial += 10
		l.make(serial, 3)
		l.wait(patience + time.Second)
		l.noteState(l.now)
		exact(t, filepath.Join(dir, StateFile), 102, serial, seen)
	}
}

// exact compares a ledger with what was delivered.
func exact(t *testing.T, name string, first, last uint32, seen map[uint32]int) {
	t.Helper()
	ledger, err := gaps.ReadLedger(hostfs.Root{}, name)
	if err != nil {
		t.Fatal(err)
	}
	missing, times := uint64(0), map[uint32]int{}
	for i := range ledger.Gaps {
		for serial := ledger.Gaps[i].From; serial <= ledger.Gaps[i].To; serial++ {
			times[serial]++
		}
	}
	for serial := first; serial <= last; serial++ {
		if seen[serial] == 0 {
			missing++
			if times[serial] != 1 {
				t.Errorf("serial %d is missing and told of %d times", serial, times[serial])
			}
		}
	}
	if ledger.Left() != missing {
		t.Errorf("%d events are missing, %d told of: %+v", missing, ledger.Left(), ledger.Gaps)
	}
}

// TestFilledOnce: what a killed sensor read from the audit daemon's log the next does not
// read again, and counts.
func TestFilledOnce(t *testing.T) {
	top := t.TempDir()
	root, err := hostfs.Open(top)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	log := ""
	for serial := 101; serial < 110; serial++ {
		log += fmt.Sprintf("type=SYSCALL msg=audit(%d.%03d:%d): arch=c000003e syscall=257 success=yes exit=3 items=0 pid=9 uid=5 comm=\"x\" exe=\"/x\" key=\"k\"\n"+
			"type=PROCTITLE msg=audit(%[1]d.%03[2]d:%d): proctitle=\"x\"\n", now.Unix(), now.Nanosecond()/1e6, serial)
	}
	log += fmt.Sprintf("type=LOGIN msg=audit(%d.000:999): pid=1\n", now.Add(time.Hour).Unix()) // what is not there will not come
	for name, text := range map[string]string{"etc/audit/auditd.conf": "log_file = /audit.log\n", "audit.log": log} {
		name = filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	dir, seen := t.TempDir(), map[uint32]int{}
	l := newLife(t, dir, root, seen)
	l.stream.fillable = true
	l.make(100, 3)
	l.make(112, 3)
	l.wait(patience + time.Second)
	l.noteState(l.now)
	l.fillGaps(t.Context(), l.stream.missing)
	if len(seen) != 11 {
		t.Errorf("%d events are there", len(seen))
	}
	l = newLife(t, dir, root, seen) // nobody wrote that
	pending := l.stream.missing
	if len(pending) != 1 || pending[0].Left() != 2 {
		t.Errorf("%+v", pending)
	}
	l.stream.missing = nil
	ended, end := context.WithCancel(t.Context())
	end()
	if l.fillGaps(ended, pending); len(l.stream.missing) != 1 || len(l.stream.wake) != 1 {
		t.Error("a connection that ended forgets what was to be filled")
	}
	l.fillGaps(t.Context(), l.stream.missing)
	l.noteState(l.now)
	for serial, times := range seen {
		if times != 1 {
			t.Errorf("%d came %d times", serial, times)
		}
	}
	exact(t, filepath.Join(dir, StateFile), 100, 112, seen)
	if l := ledger(l.Source); l.Filled != 9 || l.Left() != 2 {
		t.Errorf("%d filled, %d missing", l.Filled, l.Left())
	}
}

// TestKernelLostWhileAway: what the kernel lost after a killed sensor's last look is told
// by the next, once.
func TestKernelLostWhileAway(t *testing.T) {
	dir := t.TempDir()
	var root hostfs.Root
	l := newLife(t, dir, root, map[uint32]int{})
	l.baseline(kaudit.Status{Lost: 1000}) // nobody's here
	l.make(100, 3)
	l.watchStatus(kaudit.Status{Lost: 1010}, l.now)
	l.noteState(l.now)
	for i, count := range []uint32{1017, 1017, 1020, 3} { // in the end it was reset
		l = newLife(t, dir, root, map[uint32]int{})
		l.baseline(kaudit.Status{Lost: count})
		l.noteState(l.now)
		if got, want := l.stream.ledger.Left(), []uint64{17, 17, 20, 20}[i]; got != want {
			t.Errorf("%d were lost in all, want %d", got, want)
		}
	}
}

// TestKernelMute: a kernel that does not answer for a moment does not end the reading, one
// that never does ends it, and with its own error.
func TestKernelMute(t *testing.T) {
	control, err := kaudit.OpenControl()
	if err != nil {
		t.Skipf("needs the kernel's audit system: %v", err)
	}
	if err := control.Close(); err != nil {
		t.Fatal(err)
	}
	l := newLife(t, t.TempDir(), hostfs.Root{}, map[uint32]int{})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	start, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		l.check(ctx, control, kaudit.Multicast, cancel)
	}()
	for i := range mutes {
		if ctx.Err() != nil && time.Since(start) < soon {
			t.Fatalf("it ended after %d looks", i)
		}
		l.poke()
		within(t, "it looks", func() bool { return len(l.nudge) == 0 || ctx.Err() != nil })
	}
	<-done
	if err := context.Cause(ctx); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
