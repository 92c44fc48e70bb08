package witness

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"seawall/pkg/kaudit"
)

// cycles is how often TestStopStart does it; 1,000 are asked for before a release.
var cycles = flag.Int("cycles", 18, "how often the source is stopped and started under load")

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
