package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

// Mode is how kernel audit is read.
type Mode string

// The modes. Auto listens beside a running audit daemon and is the audit daemon
// where there is none, and moves between the two when that changes.
const (
	Auto      Mode = "auto"
	Unicast   Mode = "unicast"
	Multicast Mode = "multicast"
	Off       Mode = "off"
)

const (
	auditCheck = 15 * time.Second // between two looks at who the audit daemon is
	auditRetry = time.Minute      // after kernel audit could not be read
	// How long the place of the audit daemon is left free for one that asked for
	// it: its own start failed, and somebody or systemd has to start it again.
	yieldTime = 5 * time.Minute
)

var (
	// errMove ends one connection to begin another in the mode that fits now.
	errMove = errors.New("audit daemon changed")
	// errYield is errMove where another audit daemon asked for our place.
	errYield = fmt.Errorf("another asked to be the audit daemon: %w", errMove)
)

// Change is one change that kernel audit told of: of a named file, or of kernel
// audit's own configuration, which has no Name.
type Change struct {
	Name  string // absolute
	Cause finding.Cause
}

// Config is what a Source needs. Log and Offer are required.
type Config struct {
	Log *slog.Logger
	// Offer takes each change. It is called by one goroutine and must not wait.
	Offer func(Change)
	// Observe sees each event, whoever made it, which it must not keep. Tick is called
	// between events every 15 seconds. Neither is called beside the other or beside
	// Offer, and neither may wait. They may be nil.
	Observe func(*audit.Event)
	Tick    func(now time.Time)

	Root hostfs.Root
	Mode Mode // Auto when empty
	// StateDir is a directory of our own for what outlives us, or empty.
	StateDir string
	// Inherited is an audit multicast socket that systemd opened, or 0.
	Inherited int
}

// Source reads kernel audit. Whatever goes wrong with it is noted in the counters
// and tried again: its user goes on without causes.
type Source struct {
	cfg     Config
	log     *slog.Logger
	names   names
	settled chan struct{} // closed when it is known how audit is read at first
	settle  func()

	begun   bool      // a connection was made
	enabled bool      // kernel audit was off and is on because of us
	yielded time.Time // when another asked for our place

	rules   sync.Mutex // held while rules are changed
	wanted  []string   // names to watch
	watches *kaudit.Watches

	watched atomic.Pointer[watched]
	name    []byte // of event

	mu       sync.Mutex
	counters finding.Counters
}

// New returns a Source that is ready to run.
func New(cfg Config) *Source {
	if cfg.Mode == "" {
		cfg.Mode = Auto
	}
	a := &Source{cfg: cfg, log: cfg.Log, names: names{root: cfg.Root}, settled: make(chan struct{})}
	a.settle = sync.OnceFunc(func() { close(a.settled) })
	a.watched.Store(newWatched(nil))
	a.counters.AuditMode, a.counters.AuditReason = string(Off), "not started"
	return a
}

// Settled is closed as soon as it is known how kernel audit is read, and it is on
// or off as it will be.
func (a *Source) Settled() <-chan struct{} { return a.settled }

// Counters returns what kernel audit gave so far.
func (a *Source) Counters() finding.Counters {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counters
}

func (a *Source) note(mode Mode, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counters.AuditMode, a.counters.AuditReason = string(mode), reason
}

// reason sets the reason and reports whether it is another than before.
func (a *Source) reason(reason string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	other := a.counters.AuditReason != reason
	a.counters.AuditReason = reason
	return other
}

// Watch says which names facts depend on. Rules follow as soon as there is a
// connection.
func (a *Source) Watch(names []string) {
	a.watched.Store(newWatched(names))

	a.rules.Lock()
	defer a.rules.Unlock()
	a.wanted = names
	a.load()
}

// load puts the rules for the wanted names into the kernel. The caller holds
// rules.
func (a *Source) load() {
	if a.watches == nil {
		return
	}
	switch err := a.watches.Set(a.wanted); {
	case errors.Is(err, kaudit.ErrLocked):
		const reason = "the audit rules are locked until reboot: ours are not loaded, changes are seen without who made them"
		if a.reason(reason) {
			a.log.Warn("audit rules are locked", "err", err)
		}
	case err != nil:
		a.log.Warn("some audit rules were refused", "err", err)
	}
}

// Run reads kernel audit until ctx ends. When it returns, our rules are gone and
// kernel audit is on or off as it was found.
func (a *Source) Run(ctx context.Context) error {
	defer a.settle()
	if a.cfg.Mode == Off {
		a.note(Off, "switched off in the configuration")
		a.settle()
		<-ctx.Done()
		return ctx.Err()
	}
	for ctx.Err() == nil {
		err := a.connect(ctx)
		switch {
		case ctx.Err() != nil:
			continue
		case errors.Is(err, errMove):
			if errors.Is(err, errYield) {
				a.yielded = time.Now()
				a.log.Warn("another audit daemon asks for our place: start it again, we listen beside it", "free_for", yieldTime)
			}
			continue
		case errors.Is(err, kaudit.ErrUnsupported), errors.Is(err, kaudit.ErrNamespace), errors.Is(err, kaudit.ErrPermission):
			a.log.Warn("kernel audit cannot be read, changes are seen without who made them", "err", err)
		default:
			a.log.Warn("reading kernel audit ended, trying again", "err", err, "after", auditRetry)
		}
		a.note(Off, err.Error())
		a.settle()
		select {
		case <-ctx.Done():
		case <-time.After(auditRetry):
		}
	}
	if !a.begun {
		a.sweep()
	}
	return ctx.Err()
}

// sweep takes away what a killed sensor left, for one that ends before it began.
func (a *Source) sweep() {
	control, err := kaudit.OpenControl()
	if err != nil {
		return // nothing can have been left
	}
	defer control.Close()
	a.enabled = a.marked()
	a.watches = kaudit.NewWatches(control)
	if err := a.end(control); err != nil {
		a.log.Debug("kernel audit is left as it is", "err", err)
	}
}

// connect reads one connection to its end.
func (a *Source) connect(ctx context.Context) (err error) {
	control, err := kaudit.OpenControl()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.Close()) }()
	conn, reason, err := a.open(control)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	a.note(Mode(conn.Mode().String()), reason)
	a.log.Info("reading kernel audit", "mode", conn.Mode().String(), "reason", reason)
	if err := a.begin(control, conn.Mode()); err != nil {
		return err
	}
	a.settle()
	defer func() { err = errors.Join(err, a.end(control)) }()
	return a.read(ctx, control, conn)
}

// open opens the connection that fits: as configured or, in auto mode, by who is
// the audit daemon now.
func (a *Source) open(control *kaudit.Control) (*kaudit.Conn, string, error) {
	mode, reason := kaudit.Multicast, "configured"
	switch a.cfg.Mode {
	case Unicast:
		mode = kaudit.Unicast
	case Auto:
		status, err := control.Status()
		if err != nil {
			return nil, "", err
		}
		mode, reason = a.choose(status)
	case Multicast, Off:
	}
	if mode == kaudit.Multicast && a.cfg.Inherited > 0 {
		fd := a.cfg.Inherited
		a.cfg.Inherited = 0 // the connection owns it; the next opens its own
		conn, err := kaudit.FromFile(uintptr(fd), mode)
		return conn, reason, err
	}
	conn, err := kaudit.Open(mode)
	var held *kaudit.HeldError
	if errors.As(err, &held) && a.cfg.Mode == Auto {
		// It registered since we looked.
		conn, err = kaudit.Open(kaudit.Multicast)
		reason = held.Error()
	}
	return conn, reason, err
}

// choose is kaudit.Choose, except that a place that was asked for stays free for
// a while.
func (a *Source) choose(s kaudit.Status) (kaudit.Mode, string) {
	mode, why := kaudit.Choose(s)
	if mode == kaudit.Unicast && time.Since(a.yielded) < yieldTime {
		return kaudit.Multicast, "the place of the audit daemon is left free for another that asked for it"
	}
	return mode, why
}

// begin switches kernel audit on where it is off and nobody else decides, and
// loads our rules.
func (a *Source) begin(control *kaudit.Control, mode kaudit.Mode) error {
	status, err := control.Status()
	if err != nil {
		return err
	}
	a.begun = true
	switch {
	case status.Enabled == 0 && (mode == kaudit.Unicast || status.PID == 0):
		a.mark()
		if err := control.SetEnabled(true); err != nil {
			return err
		}
		a.enabled = true
		a.log.Info("kernel audit was off and is on while the sensor runs")
	case status.Enabled == 1 && a.marked():
		a.enabled = true // by an earlier sensor that could not switch it off
	}
	a.mu.Lock()
	a.counters.KernelLost = uint64(status.Lost)
	a.mu.Unlock()
	a.rules.Lock()
	defer a.rules.Unlock()
	a.watches = kaudit.NewWatches(control)
	a.load()
	return nil
}

// end takes our rules out and puts the enabled flag back.
func (a *Source) end(control *kaudit.Control) error {
	a.rules.Lock()
	defer a.rules.Unlock()
	err := a.watches.Close()
	a.watches = nil
	if a.enabled {
		a.enabled = false
		err = errors.Join(err, control.SetEnabled(false), a.unmark())
	}
	if err != nil && !errors.Is(err, kaudit.ErrLocked) {
		return fmt.Errorf("restore kernel audit: %w", err)
	}
	return nil
}

// read assembles records to events until the connection ends or another mode fits.
func (a *Source) read(ctx context.Context, control *kaudit.Control, conn *kaudit.Conn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex // guards asm, between the reader and the check
	asm := audit.NewAssembler(0, a.event)
	base := a.Counters()
	tally := func() {
		st := asm.Stats()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.counters.Records, a.counters.Events = base.Records+st.Records, base.Events+st.Events
		a.counters.SerialGaps = base.SerialGaps + st.Gaps
		a.counters.Overruns = base.Overruns + conn.Overruns()
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() {
		a.check(ctx, control, conn.Mode(), cancel, func() {
			mu.Lock()
			defer mu.Unlock()
			asm.Flush(time.Now())
			if a.cfg.Tick != nil {
				a.cfg.Tick(time.Now())
			}
			tally()
		})
	})
	err := conn.Receive(ctx, func(typ uint16, payload []byte) {
		mu.Lock()
		defer mu.Unlock()
		asm.Push(typ, payload, time.Now())
		if typ == unix.AUDIT_REPLACE {
			cancel(errYield)
		}
		if typ == unix.AUDIT_EOE {
			tally()
		}
	})
	if cause := context.Cause(ctx); errors.Is(cause, errMove) {
		return cause
	}
	return err
}

// check looks from time to time at who the audit daemon is and calls tidy.
func (a *Source) check(ctx context.Context, control *kaudit.Control, mode kaudit.Mode, move context.CancelCauseFunc, tidy func()) {
	tick := time.NewTicker(auditCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		tidy()
		status, err := control.Status()
		if err != nil {
			move(err)
			return
		}
		a.mu.Lock()
		a.counters.KernelLost = uint64(status.Lost)
		a.mu.Unlock()
		if now, _ := a.choose(status); a.cfg.Mode == Auto && now != mode || mode == kaudit.Unicast && status.PID != uint32(os.Getpid()) {
			a.log.Info("the audit daemon changed", "pid", status.PID)
			move(errMove)
			return
		}
	}
}

// event offers what one event changed. It runs on the reader's goroutine and
// never waits.
func (a *Source) event(e *audit.Event) {
	if a.cfg.Observe != nil {
		a.cfg.Observe(e)
	}
	if e.PID == uint32(os.Getpid()) && e.HasSyscall {
		return
	}
	if a.configChanged(e) {
		c := a.names.cause(e, "", "audit configuration")
		a.cfg.Offer(Change{Cause: c})
		return
	}
	w := a.watched.Load()
	var may bool
	if may, a.name = w.concerns(e, a.name); !may {
		return
	}
	matched := false
	for _, ch := range effect.Changes(e) {
		name := ch.Path
		if ch.Relative {
			name = w.locate(&ch, time.Now())
		}
		if !w.has([]byte(name)) {
			continue
		}
		matched = true
		a.cfg.Offer(Change{Name: name, Cause: a.names.cause(e, name, ch.Operation)})
	}
	if matched {
		a.mu.Lock()
		a.counters.EventsMatched++
		a.mu.Unlock()
	}
}

// configChanged reports whether the event says that somebody else changed the
// kernel's audit configuration.
func (a *Source) configChanged(e *audit.Event) bool {
	for _, r := range e.Records {
		if r.Type == unix.AUDIT_CONFIG_CHANGE && !bytes.Contains(r.Text, []byte(`key="`+kaudit.Key+`"`)) {
			return true
		}
	}
	return false
}
