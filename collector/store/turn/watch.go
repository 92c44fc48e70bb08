package turn

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"seawall/collector/db"
)

const (
	calm    = 20 * time.Millisecond  // at the most as often the rows are read
	often   = 250 * time.Millisecond // without notifications
	seldom  = 5 * time.Second        // with them, in case one was lost
	again   = time.Second            // between attempts to listen
	maxRows = 200
)

// Config is what a [Watch] needs.
type Config struct {
	Collector int64 // whose own turns are no news
	Readers   *sql.DB
	// Listen calls wake for each notification until ctx or the connection ends. Nil
	// where none come.
	Listen func(ctx context.Context, channel string, wake func()) error
	// Tell is called with what another collector changed, in order.
	Tell func(context.Context, Change) error
	// Lost is called when something cannot be told.
	Lost func()
	// Remind is called now and then, for those who were too slow to be told something.
	Remind func()
	Log    *slog.Logger
}

// Watch follows what other collectors do.
type Watch struct {
	cfg  Config
	last int64
	wake chan struct{}
}

// NewWatch returns a watch of what comes after turn last.
func NewWatch(last int64, c Config) *Watch {
	return &Watch{cfg: c, last: last, wake: make(chan struct{}, 1)}
}

// Run follows until ctx ends. What the database does not answer is asked again.
func (w *Watch) Run(ctx context.Context) error {
	pause := often
	ended := make(chan struct{})
	if w.cfg.Listen == nil {
		close(ended)
	} else {
		pause = seldom
		go func() {
			defer close(ended)
			w.listen(ctx)
		}()
	}
	defer func() { <-ended }()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	rest := time.NewTimer(0)
	defer rest.Stop()
	quiet := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-rest.C:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.cfg.Remind()
		case <-w.wake:
		}
		err := w.look(ctx)
		if err != nil && quiet && ctx.Err() == nil {
			w.cfg.Log.Warn("what other collectors do is not known", "err", err)
		}
		quiet = err == nil
		rest.Reset(calm)
	}
}

// listen is woken by the database, and tries again when that ends.
func (w *Watch) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.cfg.Listen(ctx, Channel, func() {
			select {
			case w.wake <- struct{}{}:
			default:
			}
		})
		if ctx.Err() != nil {
			return
		}
		w.cfg.Log.Warn("nothing is heard of other collectors", "err", err)
		timer := time.NewTimer(again)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// look tells of the turns since the last look.
func (w *Watch) look(ctx context.Context) error {
	for {
		turns, err := w.read(ctx)
		if err != nil {
			return fmt.Errorf("read turns: %w", err)
		}
		for _, t := range turns {
			if t.number != w.last+1 {
				w.cfg.Lost()
			}
			w.last = t.number
			if t.collector == w.cfg.Collector {
				continue
			}
			if err := w.cfg.Tell(ctx, t.Change); err != nil {
				w.cfg.Lost()
				return fmt.Errorf("tell of turn %d: %w", t.number, err)
			}
		}
		if len(turns) < maxRows {
			return nil
		}
	}
}

type turned struct {
	number, collector int64
	Change
}

// read reads turns in order. A newest one that is older than the last is that of a
// replica which had not had all.
func (w *Watch) read(ctx context.Context) (turns []turned, err error) {
	var newest int64
	if _, err := db.One(ctx, w.cfg.Readers, "SELECT coalesce(max(number), 0) FROM turn", nil, &newest); err != nil {
		return nil, err
	}
	if newest < w.last {
		w.cfg.Lost()
		w.last = newest
	}
	if newest == w.last {
		return nil, nil
	}
	err = db.Each(ctx, w.cfg.Readers, func(scan func(...any) error) error {
		var t turned
		var hosts, members []byte
		var topics string
		err := scan(&t.number, &t.collector, &topics, &hosts, &members, &t.First, &t.Last, &t.Whole)
		t.Hosts, t.Members = unpack(hosts), unpack(members)
		if topics != "" {
			t.Topics = strings.Split(topics, "\n")
		}
		turns = append(turns, t)
		return err
	}, "SELECT number, collector, topics, hosts, members, first, last, whole FROM turn WHERE number > ? ORDER BY number LIMIT ?", w.last, maxRows)
	return turns, err
}

// Newest returns the number of the newest turn.
func Newest(ctx context.Context, q db.Querier) (n int64, err error) {
	if _, err = db.One(ctx, q, "SELECT coalesce(max(number), 0) FROM turn", nil, &n); err != nil {
		err = fmt.Errorf("read the newest turn: %w", err)
	}
	return n, err
}
