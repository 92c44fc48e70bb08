// Package lease has what may run once at a time run in one of several collectors: the
// table lease.
//
// Who holds a lease writes a sign of life into its row every few seconds. Who waits for
// it takes it when the row has stayed the same for longer than the holder goes on
// without having written; both measure that with their own clocks, which need not
// agree, only go at the same speed. A holder that cannot write stops its work by then.
package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"seawall/collector/db"
)

const (
	// beatEvery is how often the holder writes, stopAfter how long it goes on without,
	// and takeAfter how long others wait. Between the two the work has time to end.
	beatEvery = 3 * time.Second
	stopAfter = 9 * time.Second
	takeAfter = 14 * time.Second
)

// errLost says that another collector has taken the lease.
var errLost = errors.New("another collector has the lease")

// Lease is a collector's wish to do something.
type Lease struct {
	data   db.DB
	name   string
	holder int64
	log    *slog.Logger

	seen  state // by who waits
	since time.Time
}

type state struct{ holder, beat int64 }

// New returns a lease of that name for a collector that drew that number, which is not 0.
func New(data db.DB, name string, holder int64, log *slog.Logger) *Lease {
	return &Lease{data: data, name: name, holder: holder, log: log}
}

// Run runs work while this collector has the lease, and waits for it else. Work's
// context ends when the lease is lost. Run returns what work returned by itself, and
// nil when ctx ends.
func (l *Lease) Run(ctx context.Context, work func(context.Context) error) error {
	for {
		if !l.await(ctx) {
			return nil
		}
		err := l.hold(ctx, work)
		if ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, errLost) {
			return err
		}
		l.log.Warn("lease is lost", "lease", l.name)
	}
}

// await returns when this collector has the lease, or false when ctx ends.
func (l *Lease) await(ctx context.Context) bool {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	l.since = time.Time{}
	for {
		taken, err := l.take(ctx)
		switch {
		case taken:
			l.log.Info("lease is ours", "lease", l.name)
			return true
		case err != nil && ctx.Err() == nil:
			l.log.Warn("lease is not had", "lease", l.name, "err", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// take takes the lease where it is free, or its holder gives no sign of life.
func (l *Lease) take(ctx context.Context) (taken bool, err error) {
	var now state
	err = l.data.Write(ctx, func(w db.Writer) error {
		now, taken = state{}, false
		if _, err := w.Row("SELECT holder, beat FROM lease WHERE name = ?", []any{l.name}, &now.holder, &now.beat); err != nil {
			return err
		}
		dead := !l.since.IsZero() && now == l.seen && time.Since(l.since) > takeAfter
		if now.holder != 0 && now.holder != l.holder && !dead {
			return nil
		}
		taken = true
		return w.Exec("INSERT INTO lease VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, beat = excluded.beat",
			l.name, l.holder, now.beat+1)
	})
	if err != nil {
		return false, fmt.Errorf("take lease %s: %w", l.name, err)
	}
	if l.since.IsZero() || now != l.seen {
		l.seen, l.since = now, time.Now()
	}
	return taken, nil
}

// hold runs work and writes signs of life. It gives the lease back when work has ended.
func (l *Lease) hold(ctx context.Context, work func(context.Context) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- work(inner) }()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	alive := time.Now()
	for {
		select {
		case err := <-done:
			l.free(ctx)
			return err
		case <-tick.C:
		}
		began := time.Now()
		err := l.beat(ctx, stopAfter-began.Sub(alive))
		if err == nil {
			alive = began
		}
		if errors.Is(err, errLost) || time.Since(alive) > stopAfter-beatEvery {
			cancel()
			if ended := <-done; ended != nil && !errors.Is(ended, context.Canceled) {
				l.log.Warn("work ended with its lease", "lease", l.name, "err", ended)
			}
			return errLost
		}
	}
}

// beat writes a sign of life.
func (l *Lease) beat(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, min(within, beatEvery))
	defer cancel()
	return l.data.Write(ctx, func(w db.Writer) error {
		n, err := w.Change("UPDATE lease SET beat = beat + 1 WHERE name = ? AND holder = ?", l.name, l.holder)
		if err == nil && n == 0 {
			return errLost
		}
		return err
	})
}

// free gives the lease back. Where that fails others take it after a while.
func (l *Lease) free(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatEvery)
	defer cancel()
	err := l.data.Write(ctx, func(w db.Writer) error {
		return w.Exec("UPDATE lease SET holder = 0, beat = beat + 1 WHERE name = ? AND holder = ?", l.name, l.holder)
	})
	if err != nil {
		l.log.Warn("lease is not given back", "lease", l.name, "err", err)
	}
}
