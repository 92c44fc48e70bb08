package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"seawall/collector/store/schema"
)

// ErrLocked is returned by [Open] while another process has the store.
var ErrLocked = errors.New("another collector uses this store")

// ErrDamaged is wrapped by errors that say that the database is not intact.
var ErrDamaged = errors.New("the database is damaged: restore a backup, or move it away to start anew")

// ErrClosed is returned after [Store.Close].
var ErrClosed = errors.New("the store is closed")

// Config holds limits. Zero fields mean the default.
type Config struct {
	MaxHosts   int           // default 10,000
	MaxResults int           // standing results of one host; default 20,000
	Retention  time.Duration // of the timeline; default 30 days
	Now        func() time.Time
	Log        *slog.Logger
}

func (c *Config) complete() {
	if c.MaxHosts == 0 {
		c.MaxHosts = 10_000
	}
	if c.MaxResults == 0 {
		c.MaxResults = 20_000
	}
	if c.Retention == 0 {
		c.Retention = 30 * 24 * time.Hour
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
	cfg      Config
	lock     *os.File
	db       *sql.DB // the writer's, one connection
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // the writer goroutine's
	read     *sql.DB

	requests chan request
	quit     chan struct{}
	done     chan struct{}
	close    sync.Once
	feed     feed
}

// request is work for the writer goroutine.
type request struct {
	do   func(*batch) error
	done chan error // buffered
}

// Open opens the store at path, makes or migrates it when needed, and starts its
// writer.
func Open(ctx context.Context, path string, cfg Config) (*Store, error) {
	cfg.complete()
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s := &Store{
		cfg:      cfg,
		lock:     lock,
		prepared: make(map[string]*sql.Stmt),
		requests: make(chan request),
		quit:     make(chan struct{}),
		done:     make(chan struct{}),
	}
	if err := s.open(ctx, path); err != nil {
		s.release()
		return nil, fmt.Errorf("open store %s: %w", path, classify(err))
	}
	go s.run()
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	// The file is made here, since SQLite would make it readable by all.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	if s.db, err = sql.Open("sqlite", dsn(path, "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(FULL)",
		"journal_size_limit(67108864)", "cache_size(-32000)", "trusted_schema(OFF)")); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	version, err := schema.Migrate(ctx, s.conn)
	if err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", dsn(path, "query_only(ON)", "cache_size(-8000)", "trusted_schema(OFF)")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(4)
	s.cfg.Log.Info("store is open", "path", path, "schema", version)
	return s.read.PingContext(ctx)
}

func dsn(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...), "_txlock": {"immediate"}}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return f, nil
}

// classify adds ErrDamaged to SQLite's errors that mean it.
func classify(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return err
}

// Close waits for what is being written and closes the store. Work that waits for
// the writer gets [ErrClosed].
func (s *Store) Close() error {
	s.close.Do(func() { close(s.quit) })
	<-s.done
	s.feed.close()
	return s.release()
}

func (s *Store) release() error {
	var errs []error
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	s.prepared = nil
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
		s.conn = nil
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	// Closing gives up the lock; it comes last.
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
		s.lock = nil
	}
	return errors.Join(errs...)
}

// submit has the writer do something in a transaction and returns when that is
// durable. When ctx ends first, the outcome is not known.
func (s *Store) submit(ctx context.Context, do func(*batch) error) error {
	r := request{do, make(chan error, 1)}
	select {
	case s.requests <- r:
	case <-s.quit:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return classify(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxGroup bounds how many requests share a transaction.
const maxGroup = 256

// run is the writer.
func (s *Store) run() {
	defer close(s.done)
	expire := time.NewTimer(time.Minute)
	defer expire.Stop()
	for {
		select {
		case r := <-s.requests:
			s.commit(s.gather(r))
		case <-expire.C:
			expire.Reset(s.expire())
		case <-s.quit:
			return
		}
	}
}

// gather adds to r what is waiting already. It never waits: streams block in
// submit while a transaction runs, and so are there when it ends.
func (s *Store) gather(r request) []request {
	group := []request{r}
	for len(group) < maxGroup {
		select {
		case r := <-s.requests:
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// commit does the group's work in one transaction. When that fails, each request
// is tried alone, so that one that cannot succeed does not take others with it.
func (s *Store) commit(group []request) {
	err := s.transact(group)
	if err == nil || len(group) == 1 {
		for _, r := range group {
			r.done <- err
		}
		return
	}
	for _, r := range group {
		r.done <- s.transact([]request{r})
	}
}

func (s *Store) transact(group []request) error {
	b := &batch{store: s, now: s.cfg.Now().UTC(), checks: make(map[string]*checkDelta)}
	if err := b.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := func() error {
		for _, r := range group {
			if err := r.do(b); err != nil {
				return err
			}
		}
		if err := b.flush(); err != nil {
			return fmt.Errorf("write rollups: %w", err)
		}
		if err := b.exec("COMMIT"); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	}()
	if err != nil {
		// SQLite may have rolled back by itself; then this is an error of no interest.
		_ = b.exec("ROLLBACK")
		return err
	}
	for _, u := range b.updates {
		s.feed.publish(u)
	}
	return nil
}

// stmt returns the writer's statement of the text. No statement is made from
// data, so there are a few dozen.
func (s *Store) stmt(text string) (*sql.Stmt, error) {
	if stmt := s.prepared[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(context.Background(), text)
	if err == nil {
		s.prepared[text] = stmt
	}
	return stmt, err
}
