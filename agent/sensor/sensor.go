package sensor

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/agent/pace"
	"seawall/agent/spool"
	"seawall/agent/witness"
	"seawall/pkg/finding"
	"seawall/pkg/fswatch"
	"seawall/pkg/hostfs"
)

// Defaults of Config.
const (
	DefaultCoalesce  = 100 * time.Millisecond
	DefaultHeartbeat = time.Minute
	DefaultState     = 6 * time.Hour
)

// queueLength bounds the changes that wait for the loop.
const queueLength = 1024

// Host is how a Sensor sees a host: functions over its facts and the checks. All
// are required.
type Host struct {
	// Groups names the groups of facts.
	Groups []string
	// Clocked names the groups that change without a file changing (by the clock, in
	// the kernel, in a service's state), and how often each is worth a look. They are
	// read with heartbeats, a few with each: of those with a long time between looks
	// the first comes sooner, so that they do not meet.
	Clocked map[string]time.Duration
	// Spacing is the least time from one look at a group to the next, for groups
	// whose files change many times in a row (a package database in an upgrade). The
	// first change after a rest is looked at at once.
	Spacing map[string]time.Duration
	// Look reads the named groups, all when none is named, and evaluates the checks
	// that need them.
	Look func(ctx context.Context, groups ...string) Reading
	// Affected names the groups that a change of a named file makes stale.
	Affected func(name string) []string
	// Depends lists the names that facts depend on, directories with "/" at the end.
	Depends func() []string
	// Pack returns the static text of the checks.
	Pack func() []finding.CheckInfo
}

// Reading is what one look at a host gave.
type Reading struct {
	Checks  []string                 // ids of those evaluated
	Results []finding.Result         // all of theirs
	Took    map[string]time.Duration // reading each group
}

// Config is what a Sensor needs. Spool, Host and Log are required.
type Config struct {
	Spool *spool.Spool
	Host  Host
	Log   *slog.Logger
	// Audit says how kernel audit is read. The sensor sets its Log and Offer.
	Audit witness.Config
	// Detections are what is found in its events.
	Detections Detections

	Root    hostfs.Root
	Version string // of the agent, for heartbeats
	// Notify is called with sd_notify(3) states; nil where there is no systemd.
	Notify func(state string)
	// Watchdog is how often systemd wants to hear; 0 when it does not.
	Watchdog time.Duration

	Coalesce  time.Duration
	Heartbeat time.Duration
	State     time.Duration
}

// Sensor is the daemon. Run it once.
type Sensor struct {
	cfg    Config
	log    *slog.Logger
	queue  chan change
	missed atomic.Bool // the queue was full: every group is stale
	audit  *witness.Source

	watch   *fswatch.Watcher      // nil until inotify has an instance for it
	watched chan *fswatch.Watcher // where Run waits for it
	blind   bool                  // files can have changed unseen: a beat looks at everything

	ledger  *ledger
	blame   *blame
	late    late
	stale   map[string]staleGroup
	lastRun map[string]pace.Pace
	clock   clock
	pending bool      // something could not be appended
	mute    bool      // the last heartbeat could not
	trouble error     // why, the last time
	said    bool      // that it is so is in the log
	saidAt  time.Time // when that was
	rests   bool      // what the start needed was given back
	owed    debt
	telling telling       // of the goroutine that delivers
	deaf    chan struct{} // closed after the last audit event

	backoff time.Duration
	retry   time.Time // when to try that again
	evals   uint64
	started time.Time
}

// change is one name that changed, or one group that did.
type change struct {
	name  string         // absolute name on the host, or empty
	group string         // made stale where there is no name
	cause *finding.Cause // nil when not known
}

// staleGroup is a group of facts that waits to be read again.
type staleGroup struct {
	since time.Time
	names []string
}

// New returns a Sensor that is ready to run.
func New(cfg Config) (*Sensor, error) {
	if cfg.Spool == nil || cfg.Host.Look == nil || cfg.Log == nil {
		return nil, errors.New("new sensor: spool, host and log are required")
	}
	cfg.Coalesce = orDefault(cfg.Coalesce, DefaultCoalesce)
	cfg.Heartbeat = orDefault(cfg.Heartbeat, DefaultHeartbeat)
	cfg.State = orDefault(cfg.State, DefaultState)
	if cfg.Notify == nil {
		cfg.Notify = func(string) {}
	}
	if cfg.Detections.Deliver == nil {
		cfg.Detections = none()
	}
	s := &Sensor{
		cfg:     cfg,
		log:     cfg.Log,
		queue:   make(chan change, queueLength),
		watched: make(chan *fswatch.Watcher, 1),
		blame:   newBlame(),
		late:    late{},
		stale:   map[string]staleGroup{},
		lastRun: map[string]pace.Pace{},
		deaf:    make(chan struct{}),
		started: time.Now(),
	}
	s.clock = newClock(cfg.Host.Clocked, cfg.Heartbeat, s.started)
	s.ledger = newLedger(func(lane string, payload []byte) error {
		_, err := cfg.Spool.Append(lane, payload)
		return err
	})
	cfg.Audit.Log, cfg.Audit.Root = cfg.Log, cfg.Root
	cfg.Audit.Offer = func(c witness.Change) { s.offer(change{name: c.Name, group: "audit", cause: &c.Cause}) }
	s.audit = witness.New(cfg.Audit)
	return s, nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// offer puts a change into the queue without ever waiting.
func (s *Sensor) offer(c change) {
	select {
	case s.queue <- c:
	default:
		s.missed.Store(true)
	}
}

// Run watches the host until ctx ends, which is no error. When it returns the
// audit rules it added are gone and kernel audit is as it was found.
func (s *Sensor) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(s.deaf)
		defer s.cfg.Detections.Close()
		return s.audit.Run(ctx)
	})
	g.Go(func() error {
		select {
		case w := <-s.watched:
			return w.Run(ctx, func(name string) { s.offer(change{name: name}) })
		case <-ctx.Done():
			return nil
		}
	})
	g.Go(func() error { return s.deliver(ctx) })
	g.Go(func() error { return s.loop(ctx) })
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
