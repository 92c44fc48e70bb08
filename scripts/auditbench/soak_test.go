package auditbench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/bits"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/gaps"
	"seawall/agent/witness"
	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
)

var eventsFlag = flag.Int("events", 60_000, "events of the soak")

// eventsOfCycle is how many events one cycle makes at most: the kernel is held for as long.
const eventsOfCycle = 150_000

// serialSet is a set of serials in a file that is mapped, so that a process that is killed
// leaves what it put in. It is sparse.
type serialSet []byte

func openSerials(name string) (serialSet, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const size = 1 << 29 // bytes, of a bit for each serial
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (s serialSet) add(serial uint32)      { s[serial/8] |= 1 << (serial % 8) }
func (s serialSet) has(serial uint32) bool { return s[serial/8]&(1<<(serial%8)) != 0 }

// count counts the serials from and to included.
func (s serialSet) count(from, to uint32) (n int) {
	for ; from <= to && from%8 != 0; from++ {
		if s.has(from) {
			n++
		}
	}
	for ; from+8 <= to; from += 8 {
		n += bits.OnesCount8(s[from/8])
	}
	for ; from <= to; from++ {
		if s.has(from) {
			n++
		}
	}
	return n
}

// readSoak is the role of the sensor in the soak: what it delivers goes into two sets.
func readSoak(ctx context.Context, args []string) error {
	dir := args[0]
	ours, err := openSerials(filepath.Join(dir, "ours"))
	if err != nil {
		return err
	}
	all, err := openSerials(filepath.Join(dir, "all"))
	if err != nil {
		return err
	}
	root, err := hostfs.Open(filepath.Join(dir, "root"))
	if err != nil {
		return err
	}
	var events atomic.Int64
	go answer(events.Load)
	w := witness.New(witness.Config{
		Log:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Root: root, StateDir: dir, RunDir: args[1],
		Offer: func(witness.Change) {},
		Observe: func(e *audit.Event) {
			all.add(e.Serial)
			if e.HasKey(key) {
				ours.add(e.Serial)
				events.Add(1)
			}
		},
	})
	if err := w.Run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

// soak is one cycle: load without a pause, while the sensor is killed and another audit
// daemon comes and goes.
type soak struct {
	k      *kernel
	dir    string // of the sensor
	memory string // in memory, its own too
	files  string // of the load
	sensor *running
}

func (s *soak) start() (err error) {
	if s.sensor, err = startOwn("soak", s.memory)(s.dir); err != nil {
		return err
	}
	return s.k.registered(s.sensor.pids[0])
}

// kill kills the sensor as it works, and starts another a little later.
func (s *soak) kill() error {
	if err := s.sensor.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_ = s.sensor.cmd.Wait()
	<-time.After(300 * time.Millisecond)
	return s.start()
}

// visit has auditd come and go. Its first start fails where the sensor is the daemon,
// which gives the place up then.
func (s *soak) visit() error {
	var auditd *running
	const tries = 5
	for try := range tries {
		var err error
		if auditd, err = startAuditd(filepath.Join(s.dir, "root"), "RAW", false); err != nil {
			return err
		}
		if err = s.k.registeredWithin(auditd.pids[0], time.Second); err == nil {
			break
		}
		auditd.end()
		if try == tries-1 {
			return fmt.Errorf("auditd: %w", err)
		}
	}
	<-time.After(2 * time.Second)
	auditd.end()
	<-time.After(500 * time.Millisecond)
	return nil
}

// sums are what a soak comes to.
type sums struct {
	Generated int // events
	Delivered int // of these
	Missing   int // serials between the first and the last that nobody delivered
	Unsaid    int // of these, in no gap that was told
	Counted   int // by the gaps that were told
	Lost      int // by the kernel, without a serial
	Killed    int
	Gaps      []string // as they were told
}

func (a *sums) add(b sums) {
	a.Generated += b.Generated
	a.Delivered += b.Delivered
	a.Missing += b.Missing
	a.Unsaid += b.Unsaid
	a.Counted += b.Counted
	a.Lost += b.Lost
	a.Killed += b.Killed
}

// generate makes floods and even load until so many events are made and more is done.
func (s *soak) generate(events int, done <-chan struct{}) (made int, err error) {
	for i := 0; ; i++ {
		l := load{5000, 0}
		if i%2 == 1 {
			l = load{500, 1000}
		}
		m, err := l.run(s.files)
		made += m.Events
		if err != nil {
			return made, err
		}
		if made < events {
			continue
		}
		select {
		case <-done:
			return made, nil
		default:
		}
	}
}

// cycle runs one and returns what came of it.
func cycle(tb testing.TB, files string, events int) (out sums, err error) {
	tb.Helper()
	dir := tb.TempDir()
	root := filepath.Join(dir, "root")
	err = errors.Join(os.MkdirAll(filepath.Join(root, "etc/audit"), 0o755),
		os.WriteFile(filepath.Join(root, "etc/audit/auditd.conf"), []byte("log_file = /audit.log\n"), 0o640))
	if err != nil {
		return out, err
	}
	k, err := holdKernel(forever)
	if err != nil {
		return out, err
	}
	defer k.release()
	memory, err := os.MkdirTemp("/dev/shm", "auditsoak")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(memory)
	s := &soak{k: k, dir: dir, memory: memory, files: files}
	if err := s.start(); err != nil {
		return out, err
	}
	defer func() { s.sensor.end() }()
	if _, err := s.sensor.measure(load{100, 1000}, files); err != nil {
		return out, err
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var loadErr error
	wg.Go(func() { out.Generated, loadErr = s.generate(events, stop) })
	err = s.kill()
	if err == nil {
		err = s.visit()
	}
	if err == nil {
		err = s.kill()
	}
	close(stop)
	wg.Wait()
	if err := errors.Join(err, loadErr); err != nil {
		return out, err
	}
	out.Generated += 100
	out.Killed = 2
	const settled = 8 * time.Second // what is late, and what is read from auditd's log
	<-time.After(settled)
	status, err := k.control.Status()
	if err != nil {
		return out, err
	}
	out.Lost = int(status.Lost)
	s.sensor.end()
	return out, s.account(&out)
}

// account compares what was delivered with what was told to be missing.
func (s *soak) account(out *sums) error {
	ours, err := openSerials(filepath.Join(s.dir, "ours"))
	if err != nil {
		return err
	}
	defer unix.Munmap(ours)
	all, err := openSerials(filepath.Join(s.dir, "all"))
	if err != nil {
		return err
	}
	defer unix.Munmap(all)
	ledger, err := gaps.ReadLedger(hostfs.Root{}, filepath.Join(s.dir, witness.StateFile))
	if err != nil {
		return err
	}
	first, last := ends(ours)
	out.Delivered = ours.count(first, last)
	out.Missing = int(last-first) + 1 - all.count(first, last)
	for serial := first; serial <= last; serial++ {
		if !all.has(serial) && !told(ledger.Gaps, serial) {
			out.Unsaid++
		}
	}
	for i := range ledger.Gaps {
		g := &ledger.Gaps[i]
		out.Gaps = append(out.Gaps, fmt.Sprintf("%s: %d missing, %d filled, %d late; %d are not there", g, g.Missing, g.Filled, g.Late, int(g.To-g.From)+1-all.count(g.From, g.To)))
		if g := &ledger.Gaps[i]; g.Cause != gaps.Backlog && g.To >= first {
			out.Counted += int(g.Left())
		}
	}
	return nil
}

func told(list []gaps.Gap, serial uint32) bool {
	for i := range list {
		if list[i].From <= serial && serial <= list[i].To {
			return true
		}
	}
	return false
}

// ends returns the first and the last serial of a set.
func ends(s serialSet) (first, last uint32) {
	const page = 4096
	for at := 0; at < len(s); at += page {
		for i, b := range s[at : at+page] {
			if b == 0 {
				continue
			}
			serial := uint32(at+i) * 8
			if first == 0 {
				first = serial + uint32(bits.TrailingZeros8(b))
			}
			last = serial + 7 - uint32(bits.LeadingZeros8(b))
		}
	}
	return first, last
}

// TestSoak: while the sensor is killed and another audit daemon comes and goes, every
// event is delivered or told to be missing. With -args -events it is as long as wanted.
func TestSoak(t *testing.T) {
	need(t)
	files, err := os.MkdirTemp("", "auditsoak")
	if err == nil {
		defer os.RemoveAll(files)
		err = makeFiles(files)
	}
	if err != nil {
		t.Fatal(err)
	}
	var total sums
	for total.Generated < *eventsFlag {
		out, err := cycle(t, files, min(eventsOfCycle, *eventsFlag-total.Generated))
		if err != nil {
			t.Fatal(err)
		}
		total.add(out)
		t.Logf("together %+v", total)
		check(t, out)
	}
}

// check holds one cycle to the account.
func check(t *testing.T, out sums) {
	t.Helper()
	defer func() {
		for _, g := range out.Gaps {
			t.Log(g)
		}
	}()
	if out.Unsaid > 0 {
		t.Errorf("%d events are missing of which nothing was told", out.Unsaid)
	}
	// Others lost their serials too: the changes of the audit daemon's place.
	if gone := out.Generated - out.Delivered - out.Lost; gone < 0 || gone > out.Missing {
		t.Errorf("%d events are gone, %d serials are missing", gone, out.Missing)
	}
	// What a sensor delivered in its last batch and could not note is told to be missing.
	const batch = 32
	if over := out.Counted - out.Missing; over < 0 || over > out.Killed*batch {
		t.Errorf("%d serials are missing, %d are told to be", out.Missing, out.Counted)
	}
}
