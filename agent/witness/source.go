package witness

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"seawall/agent/cause"
	"seawall/agent/gaps"
	"seawall/agent/listen"
	"seawall/agent/ruleset"
	"seawall/pkg/audit"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
	"seawall/pkg/redact"
)

// Mode is how kernel audit is read.
type Mode = listen.Mode

// The modes, of package listen.
const (
	Auto      = listen.Auto
	Unicast   = listen.Unicast
	Multicast = listen.Multicast
	Off       = listen.Off
)

// auditRetry is how long nothing is tried after kernel audit could not be read.
const auditRetry = time.Minute

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
	// between events every 15 seconds. Gap is told of events that are missing for good.
	// None of them is called beside another or beside Offer, and none may wait. They may
	// be nil.
	Observe func(*audit.Event)
	Tick    func(now time.Time)
	Gap     func(gaps.Gap)
	// Redact writes a command line, whose arguments are separated by NUL, without its
	// secrets; redact.Command when nil.
	Redact func([]byte) string

	Root hostfs.Root
	Mode Mode // Auto when empty
	// StateDir is a directory of our own for what outlives us, or empty.
	StateDir string
	// RunDir is one in memory, which outlives us and not the kernel: what is written there
	// for each event costs no disk. StateDir takes its place, less exactly, when empty.
	RunDir string

	// Profile names the rules to load besides the watches, RulesDir holds a user's own,
	// DetectRules are those of the profile detect: see package ruleset.
	Profile     string
	RulesDir    string
	DetectRules string

	// Inherited is an audit multicast socket that systemd opened, or 0; Unicast one that
	// an earlier sensor registered and left with systemd under the name StoredSocket.
	Inherited int
	Unicast   int
	// Store leaves a socket with systemd, or with a nil file takes it back. Restarting
	// says, of a source that is to end, that another follows at once. They may be nil.
	Store      func(name string, f *os.File) error
	Restarting func() bool

	times times
}

// times are how long the place of the audit daemon is left free; zero means the default.
type times struct{ yield, start, restart time.Duration }

// StoredSocket is the name of the registered socket in systemd's descriptor store.
const StoredSocket = listen.StoredSocket

// Source reads kernel audit. Whatever goes wrong with it is noted in the counters
// and tried again: its user goes on without causes.
type Source struct {
	cfg     Config
	log     *slog.Logger
	names   cause.Names
	settled chan struct{} // closed when it is known how audit is read at first
	settle  func()

	begun bool // a connection was made
	link  listen.Link
	nudge chan struct{}

	rules rules

	watched atomic.Pointer[cause.Watched]

	mu       sync.Mutex
	counters finding.Counters

	stream stream
}

// New returns a Source that is ready to run.
func New(cfg Config) *Source {
	if cfg.Mode == "" {
		cfg.Mode = Auto
	}
	if cfg.Profile == "" {
		cfg.Profile = ruleset.Drift
	}
	cfg.times.yield = cmp.Or(cfg.times.yield, yieldTime)
	cfg.times.start = cmp.Or(cfg.times.start, startTime)
	cfg.times.restart = cmp.Or(cfg.times.restart, restartTime)
	if cfg.Redact == nil {
		cfg.Redact = redact.Command
	}
	a := &Source{
		cfg: cfg, log: cfg.Log, names: cause.Names{Root: cfg.Root, Redact: cfg.Redact},
		settled: make(chan struct{}), nudge: make(chan struct{}, 1),
	}
	a.link = listen.Link{
		Log: cfg.Log, Mode: cfg.Mode, Dir: cfg.StateDir, Inherited: cfg.Inherited, Unicast: cfg.Unicast, Store: cfg.Store,
		Yield: cfg.times.yield, Start: cfg.times.start, Restart: cfg.times.restart,
		Record:   func(typ uint16, payload []byte) { a.record(typ, payload, time.Now()) },
		Finished: a.finished,
	}
	a.settle = sync.OnceFunc(func() { close(a.settled) })
	a.watched.Store(cause.Watch(nil))
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

// Run reads kernel audit until ctx ends. When it returns, our rules are gone and
// kernel audit is on or off as it was found, unless another sensor follows at once.
func (a *Source) Run(ctx context.Context) error {
	defer a.settle()
	if a.cfg.Mode == Off {
		a.note(Off, "switched off in the configuration")
		a.settle()
		<-ctx.Done()
		return ctx.Err()
	}
	a.openState()
	defer a.closeState()
	said := ""
	for ctx.Err() == nil {
		err := a.connect(ctx)
		switch {
		case ctx.Err() != nil:
			if err != nil && !errors.Is(err, ctx.Err()) {
				a.log.Warn("kernel audit is not left as it was found", "err", err)
			}
			continue
		case errors.Is(err, kaudit.ErrUnsupported), errors.Is(err, kaudit.ErrNamespace), errors.Is(err, kaudit.ErrPermission):
			level := slog.LevelWarn
			if err.Error() == said {
				level = slog.LevelDebug // once is enough, in a container for as long as it lives
			}
			said = err.Error()
			a.log.Log(ctx, level, "kernel audit cannot be read, changes are seen without who made them", "err", err)
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
	a.rules.use(control)
	if err := a.end(control); err != nil {
		a.log.Debug("kernel audit is left as it is", "err", err)
	}
}
