package auditbench

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"seawall/agent/gaps"
	"seawall/agent/witness"
	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
)

var (
	eventsFlag = flag.Int("events", 60_000, "events of the soak")
	seedFlag   = flag.Uint64("seed", 0, "of the soak's order; 0 for another each time")
)

const (
	// longestLoad is how long there is load in one cycle at most: the kernel is held for
	// as long and a third more.
	longestLoad = 36 * time.Second
	// soakRate is how many events there are in a second, but for floods.
	soakRate = 20_000
	// pieceOf is how many events one process makes, floodOf in a flood each of so many.
	pieceOf = 1000
	floodOf = 4000
	writers = 8
)

// readSoak is the role of the sensor in the soak: what it delivers goes into sets of
// serials, and what it read from auditd's log into a file.
func readSoak(ctx context.Context, args []string) error {
	dir := args[0]
	d, err := openDelivered(dir)
	if err != nil {
		return err
	}
	texts, err := os.OpenFile(filepath.Join(dir, "texts"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer texts.Close()
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
			if e.Filled && len(e.Paths) > 0 && e.HasKey(key) {
				fmt.Fprintln(texts, filledText(fmt.Sprint(e.Serial), fmt.Sprint(e.PID), string(e.Paths[0].Name)))
			}
			d.add(e)
			if e.HasKey(key) {
				events.Add(1)
			}
		},
	})
	if err := w.Run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

// soak is one cycle: load without a pause, while the sensor is killed, ended and stopped,
// and another audit daemon comes and goes.
type soak struct {
	k      *kernel
	dir    string // of the sensor
	memory string // in memory, its own too
	files  string // of the load
	sensor *running
	random *rand.Rand
	flood  atomic.Bool // several at once are to make events
	sums   sums
}

func (s *soak) start() (err error) {
	s.sensor, err = startOwn("soak", s.memory)(s.dir)
	return err
}

// daemon starts the sensor, where no audit daemon is any more, and waits until it is that.
func (s *soak) daemon() error {
	const limit = 30 * time.Second
	err := eventually(limit, "nobody is the audit daemon", func() bool {
		status, err := s.k.control.Status()
		return err == nil && status.PID == 0
	})
	if err == nil {
		err = s.start()
	}
	if err == nil {
		err = s.k.registered(s.sensor.pids[0])
	}
	if err == nil {
		return nil
	}
	status, serr := s.k.control.Status()
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", status.PID))
	own, _ := os.ReadFile(filepath.Join(s.dir, witness.StateFile))
	return errors.Join(fmt.Errorf("%w; it is process %d, %s; the sensor says %s", err, status.PID, bytes.TrimSpace(comm), own), serr)
}

// pause lets some time pass, up to limit.
func (s *soak) pause(limit time.Duration) {
	<-time.After(limit/4 + time.Duration(s.random.Int64N(int64(limit)*3/4)))
}

// kill kills the sensor as it works, and starts another a little later.
func (s *soak) kill() error {
	s.sums.Kills++
	if err := s.sensor.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_ = s.sensor.cmd.Wait()
	s.pause(400 * time.Millisecond)
	return s.start()
}

// finish ends the sensor in order, and starts another a little later.
func (s *soak) finish() error {
	s.sums.Ends++
	s.sensor.end()
	s.pause(400 * time.Millisecond)
	return s.start()
}

// stall stops the sensor in a flood, so that its socket's buffer is full and then the
// kernel's queue.
func (s *soak) stall() error {
	s.sums.Stalls++
	s.flood.Store(true)
	err := s.sensor.cmd.Process.Signal(syscall.SIGSTOP)
	s.pause(1500 * time.Millisecond)
	return errors.Join(err, s.sensor.cmd.Process.Signal(syscall.SIGCONT))
}

// visit has auditd come, which the first time is installed then, and go; meanwhile
// something happens to the sensor. auditd's start fails where the sensor is the daemon and
// busy, which gives the place up then.
func (s *soak) visit() error {
	s.sums.Visits++
	root := filepath.Join(s.dir, "root")
	err := errors.Join(os.MkdirAll(filepath.Join(root, "etc/audit"), 0o755),
		os.WriteFile(filepath.Join(root, "etc/audit/auditd.conf"), []byte("log_file = /audit.log\n"), 0o640))
	if err != nil {
		return err
	}
	var auditd *running
	const tries = 10
	for try := range tries {
		if auditd, err = startAuditd(root, "RAW", false); err != nil {
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
	defer auditd.end()
	s.pause(1500 * time.Millisecond)
	if err := []func() error{s.kill, s.stall, s.finish}[s.random.IntN(3)](); err != nil {
		return err
	}
	s.pause(1500 * time.Millisecond)
	return nil
}

// act does all that happens beside the load, in some order, and again until over is done.
func (s *soak) act(over <-chan struct{}) error {
	acts := []func() error{s.kill, s.visit, s.stall, s.finish}
	for n := 0; ; n++ {
		if n%len(acts) == 0 {
			s.random.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
		}
		if err := acts[n%len(acts)](); err != nil {
			return err
		}
		s.pause(600 * time.Millisecond)
		select {
		case <-over:
			if n+1 >= len(acts) {
				return nil
			}
		default:
		}
	}
}

// generate makes floods and even load until so many events are made or it is time, which
// it says by closing over, and then on until done.
func (s *soak) generate(events int, over chan<- struct{}, done <-chan struct{}) error {
	until := time.Now().Add(longestLoad)
	said := false
	for {
		pace := time.After(pieceOf * time.Second / soakRate)
		count, l := 1, load{pieceOf, 0}
		if s.flood.Swap(false) {
			count, l = writers, load{floodOf, 0}
		}
		results, errs := make([]made, count), make([]error, count)
		var wg sync.WaitGroup
		for i := range count {
			wg.Go(func() { results[i], errs[i] = l.run(s.files) })
		}
		wg.Wait()
		for _, m := range results {
			s.sums.Generated += m.Events
			s.sums.Worst = max(s.sums.Worst, m.Worst)
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if !said && (s.sums.Generated >= events || time.Now().After(until)) {
			close(over)
			said = true
		}
		<-pace
		select {
		case <-done:
			return nil
		default:
		}
	}
}

// cycle runs one and returns what came of it.
func cycle(files string, events int, random *rand.Rand) (out sums, err error) {
	dir, err := os.MkdirTemp("", "auditsoak")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(dir)
	memory, err := os.MkdirTemp("/dev/shm", "auditsoak")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(memory)
	if err := os.Mkdir(filepath.Join(dir, "root"), 0o755); err != nil {
		return out, err
	}
	s := &soak{dir: dir, memory: memory, files: files, random: random}
	serials, err := s.run(events)
	if err != nil {
		return out, err
	}
	err = account(dir, serials, &s.sums)
	return s.sums, err
}

// run holds the kernel for one cycle, and returns the serials of others.
func (s *soak) run(events int) (serials map[uint32]bool, err error) {
	if s.k, err = holdKernel(forever); err != nil {
		return nil, err
	}
	defer s.k.release()
	stop, err := others()
	if err != nil {
		return nil, err
	}
	defer func() {
		var serr error
		serials, serr = stop()
		err = errors.Join(err, serr)
	}()
	defer func() {
		if s.sensor != nil {
			s.sensor.end() // once more does nothing
		}
	}()
	if err := s.daemon(); err != nil {
		return nil, err
	}
	if err := s.even(); err != nil {
		return nil, err
	}
	over, done := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	var loadErr error
	wg.Go(func() { loadErr = s.generate(events, over, done) })
	err = s.act(over)
	close(done)
	wg.Wait()
	if err := errors.Join(err, loadErr); err != nil {
		return nil, err
	}
	// What is lost last shows when something comes after it.
	err = eventually(30*time.Second, "the sensor is there in the end", func() bool { return s.even() == nil })
	return nil, errors.Join(err, s.settled())
}

// even makes some events that are not lost.
func (s *soak) even() error {
	const n = 100
	before := s.sensor.events()
	m, err := load{n, 1000}.run(s.files)
	s.sums.Generated += m.Events
	if err != nil {
		return err
	}
	if got := s.sensor.settle(before + n); got < before+n {
		return fmt.Errorf("%d of %d events came", got-before, n)
	}
	return nil
}

// settled waits for what is missing to be told, and read from auditd's log.
func (s *soak) settled() error {
	const patience, limit = 5 * time.Second, 4 * time.Second
	<-time.After(patience)
	name := filepath.Join(s.dir, witness.StateFile)
	_ = eventually(limit, "nothing is looked for", func() bool {
		ledger, err := gaps.ReadLedger(hostfs.Root{}, name)
		return err == nil && len(ledger.Pending()) == 0
	}) // or the sensor ends, and the next would go on
	s.sensor.end()
	return nil
}

// TestSoak: while there are floods, the sensor is killed and another audit daemon comes
// and goes, every event is delivered or told to be missing, and none both. With -args
// -events it is as long as wanted.
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
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var total sums
	start := time.Now()
	for n := 1; total.Generated < *eventsFlag; n++ {
		began := time.Now()
		out, err := cycle(files, *eventsFlag-total.Generated, random)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("cycle %d, %v: %s", n, time.Since(began).Round(time.Second), &out)
		check(t, &out)
		total.add(out)
	}
	t.Logf("together, in %v: %s\n%s", time.Since(start).Round(time.Second), &total, total.table())
}

// check holds one cycle to the account.
func check(t *testing.T, out *sums) {
	t.Helper()
	if out.Untold > 0 {
		t.Errorf("%d events are missing of which nothing was told", out.Untold)
	}
	// One may have been in the sensor's hands when it was killed.
	if out.Over > out.Kills {
		t.Errorf("%d events were delivered, and told to be missing", out.Over)
	}
	if out.Lost < 0 || out.Lost > out.Records {
		t.Errorf("%d events have no serial, the kernel's count was told as %d", out.Lost, out.Records)
	}
	if out.Twice > 0 {
		t.Errorf("%d events were delivered twice", out.Twice)
	}
	if out.Wrong > 0 {
		t.Errorf("%d events are not what auditd's log has", out.Wrong)
	}
	// The kill may come between an event's note and its delivery's.
	if out.Again > out.Kills {
		t.Errorf("%d events from auditd's log were noted again, after %d kills", out.Again, out.Kills)
	}
}
