package sensor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/agent/facts"
	"seawall/agent/policy"
	"seawall/agent/spool"
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

// Config is what a Sensor needs. The first four fields are required.
type Config struct {
	Spool  *spool.Spool
	Policy *policy.Policy
	Facts  *facts.Reader
	Log    *slog.Logger

	Root    hostfs.Root
	Audit   Mode   // Auto when empty
	Version string // of the agent, for heartbeats
	// StateDir is a directory of the sensor's own for what outlives it, or empty.
	StateDir string
	// Inherited is an audit multicast socket that systemd opened, or 0.
	Inherited int
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
	watch  *fswatch.Watcher
	audit  *auditSource

	ledger  *ledger
	blame   *blame
	stale   map[string]staleGroup
	lastRun map[string]cost
	pending bool // something could not be appended
	// The spool has yet to be told the checks' text, the whole state.
	owePack, oweState bool

	backoff time.Duration
	evals   uint64
	started time.Time
}

// change is one name that changed, or one group that did.
type change struct {
	name  string         // absolute name on the host, or empty
	group string         // group made stale where there is no name
	cause *finding.Cause // nil when not known
}

// staleGroup is a group of facts that waits to be read again.
type staleGroup struct {
	since time.Time
	names []string
}

// cost is when a group was last read and how long that took.
type cost struct {
	end  time.Time
	took time.Duration
}

// New returns a Sensor that is ready to run.
func New(cfg Config) (*Sensor, error) {
	if cfg.Spool == nil || cfg.Policy == nil || cfg.Facts == nil || cfg.Log == nil {
		return nil, errors.New("new sensor: spool, policy, facts and log are required")
	}
	cfg.Coalesce = orDefault(cfg.Coalesce, DefaultCoalesce)
	cfg.Heartbeat = orDefault(cfg.Heartbeat, DefaultHeartbeat)
	cfg.State = orDefault(cfg.State, DefaultState)
	if cfg.Notify == nil {
		cfg.Notify = func(string) {}
	}
	w, err := fswatch.New()
	if err != nil {
		return nil, fmt.Errorf("new sensor: %w", err)
	}
	s := &Sensor{
		cfg:     cfg,
		log:     cfg.Log,
		queue:   make(chan change, queueLength),
		watch:   w,
		blame:   newBlame(),
		stale:   map[string]staleGroup{},
		lastRun: map[string]cost{},
		started: time.Now(),
	}
	s.ledger = newLedger(func(lane string, payload []byte) error {
		_, err := cfg.Spool.Append(lane, payload)
		return err
	})
	s.audit = newAuditSource(cfg, s.offer)
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
	defer s.watch.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.audit.Run(ctx) })
	g.Go(func() error {
		return s.watch.Run(ctx, func(name string) { s.offer(change{name: name}) })
	})
	g.Go(func() error { return s.loop(ctx) })
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
