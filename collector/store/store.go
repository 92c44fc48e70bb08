package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/engine"
	"seawall/collector/store/feed"
	"seawall/collector/store/host"
	"seawall/collector/store/moved"
	"seawall/collector/store/postgres"
	"seawall/collector/store/presence"
	"seawall/collector/store/purge"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view"
	"seawall/collector/store/view/pending"
)

// ErrClosed is returned after [Store.Close].
var ErrClosed = errors.New("the store is closed")

// Config holds limits. Zero fields mean the default.
type Config struct {
	MaxResults    int           // standing results of one host; default 20,000
	MaxDetections int           // detections kept of one host; default 2,000
	Retention     time.Duration // of the timeline and of detections; default 30 days
	// ArchiveAfter is the silence after which a host is archived; default 30 days.
	ArchiveAfter time.Duration
	Now          func() time.Time
	Log          *slog.Logger
}

func (c *Config) complete() {
	if c.MaxResults == 0 {
		c.MaxResults = 20_000
	}
	if c.MaxDetections == 0 {
		c.MaxDetections = 2000
	}
	if c.Retention == 0 {
		c.Retention = 30 * 24 * time.Hour
	}
	if c.ArchiveAfter == 0 {
		c.ArchiveAfter = 30 * 24 * time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// Store is an open store. Its methods may be called at the same time.
type Store struct {
	*view.View       // what pages ask
	*pending.Updates // and of updates

	cfg   Config
	data  engine.Engine
	hosts host.Known // the writer's alone

	urgent   chan request // what people and the collector itself write
	requests chan request // what hosts say
	commits  chan commit
	quit     chan struct{}
	done     chan struct{} // closed when all that was committed is settled
	failed   chan error    // why the store cannot go on, once
	broken   error         // the same; settle's alone until done
	close    func() error  // closes once
	feed     *feed.Feed[fleet.Update]
	news     *feed.Feed[fleet.News]
	watch    func() // ends what follows other collectors
}

// request is work for the writer goroutine.
type request struct {
	do   func(*host.Batch) error
	done chan error // buffered
	said            // what do takes, if it takes what a host said
}

// said is what a host said.
type said struct {
	host fleet.HostID
	work *host.Work // nil for none
}

// weight is about how many rows the request writes.
func (s said) weight() int {
	if s.work == nil {
		return 1
	}
	return s.work.Weight()
}

// Open opens the store at path, a file or the URL of a PostgreSQL database
// (postgres://…), makes or migrates it when needed, and starts its writer.
func Open(ctx context.Context, path string, cfg Config) (*Store, error) {
	cfg.complete()
	data, version, err := engine.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", Shown(path), err)
	}
	cfg.Log.Info("store is open", "path", Shown(path), "schema", version)
	s := &Store{
		View:     view.New(data.Readers, cfg.Now),
		Updates:  pending.New(data.Readers),
		cfg:      cfg,
		data:     data,
		hosts:    make(host.Known),
		urgent:   make(chan request),
		requests: make(chan request),
		commits:  make(chan commit, maxUnsettled),
		quit:     make(chan struct{}),
		done:     make(chan struct{}),
		failed:   make(chan error, 1),
		feed:     feed.New(func(u fleet.Update) fleet.Update { u.Lost = true; return u }),
		news:     feed.New(func(n fleet.News) fleet.News { n.Lost = true; return n }),
	}
	s.close = sync.OnceValue(s.shut)
	// How long the collector was away is known before anyone asks who is silent.
	if _, err := s.alone(begin); err != nil {
		return nil, data.Leave(fmt.Errorf("open store %s: %w", Shown(path), sqlite.Classify(err)))
	}
	if s.watch, err = s.follow(ctx); err != nil {
		return nil, data.Leave(fmt.Errorf("open store %s: %w", Shown(path), err))
	}
	s.week() // of a database that was filled by a copy the one part is large, and now nobody waits
	go s.settle()
	go s.write()
	return s, nil
}

// begin does what comes before all else.
func begin(b *host.Batch) error {
	if err := moved.Check(b.Writer); err != nil {
		return err
	}
	if err := purge.Number(b.Writer); err != nil {
		return err
	}
	return presence.Mark(b.Writer, b.Now)
}

// Shown is the name of a store without the password that a URL may have.
func Shown(name string) string {
	if !postgres.Is(name) {
		return name
	}
	u, err := url.Parse(name)
	if err != nil {
		return "postgres://…"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shown.String()
}

// Close waits for what is being written and closes the store. Work that waits for
// the writer gets [ErrClosed]. A store that cannot go on stays open until the process
// ends, and Close returns the reason.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	close(s.quit)
	<-s.done
	s.watch()
	s.feed.Close()
	s.news.Close()
	return s.data.Leave(s.broken)
}

// Subscribe returns a channel of what becomes durable from now on, with room for
// buffer updates, and a function that ends it. A subscriber that does not keep up
// loses updates and is told so in the next. Close closes the channel, too.
func (s *Store) Subscribe(buffer int) (<-chan fleet.Update, func()) {
	return s.feed.Subscribe(buffer)
}

// submit has the writer do something in a transaction and returns when that is
// durable. When ctx ends first, the outcome is not known; but do does not run any more when
// submit has returned, so that what it writes to is the caller's again.
func (s *Store) submit(ctx context.Context, do func(*host.Batch) error) error {
	return s.take(ctx, said{}, do)
}

// take is submit for what a host said.
func (s *Store) take(ctx context.Context, what said, do func(*host.Batch) error) error {
	var running sync.Mutex
	left := false
	r := request{said: what, done: make(chan error, 1), do: func(b *host.Batch) error {
		running.Lock()
		defer running.Unlock()
		if left {
			return refusal{context.Canceled}
		}
		return do(b)
	}}
	queue := s.urgent
	if what.work != nil {
		queue = s.requests
	}
	select {
	case queue <- r:
	case <-s.quit:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return sqlite.Classify(err)
	case <-ctx.Done():
		running.Lock()
		left = true
		running.Unlock()
		return ctx.Err()
	}
}
