package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"

	"seawall/collector/db"
	"seawall/collector/store/postgres"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/turn"
)

// base is the database under a store: SQLite's file, or a database of PostgreSQL.
type base struct {
	Writer  db.Writer
	Readers *sql.DB

	// begin begins the writer's transaction and says of what rows that are remembered
	// may be wrong.
	begin func() (turn.Past, error)
	// commit ends it, and has other collectors know what it changed.
	commit   func(turn.Change) error
	rollback func()
	// sync returns when all that was committed before it is on disk.
	sync func() error
	tend func(context.Context) error // between transactions
	calm func() error                // when there is little to do
	tidy func() error                // after rows were deleted
	// weeks says that the timeline has a part for each week, see package week.
	weeks bool
	// leave closes after an error, nil for none, and returns what became of both.
	leave func(error) error
	// shared is what is there for a database that other collectors use, too; else nil.
	shared *shared
}

// shared is a collector's part in a database that has several.
type shared struct {
	collector int64 // a number that it drew
	listen    func(ctx context.Context, channel string, wake func()) error
}

// open opens the database of a name and brings it to the newest schema.
func open(ctx context.Context, name string) (base, int, error) {
	if postgres.Is(name) {
		return openPostgres(ctx, name)
	}
	return openSQLite(ctx, name)
}

func openSQLite(ctx context.Context, path string) (base, int, error) {
	d, err := sqlite.Open(ctx, path)
	if err != nil {
		return base{}, 0, err
	}
	leave := func(err error) error {
		if errors.Is(err, sqlite.ErrUnsynced) {
			return errors.Join(err, d.Abandon())
		}
		return errors.Join(err, d.Close())
	}
	version, err := schema.Migrate(ctx, d.Writer.Conn)
	if err != nil {
		return base{}, 0, leave(sqlite.Classify(err))
	}
	run := func(text string) func() error {
		return func() error {
			_, err := d.Writer.Conn.ExecContext(context.Background(), text)
			return err
		}
	}
	return base{
		Writer: d.Writer, Readers: d.Readers,
		begin:  func() (turn.Past, error) { return turn.Past{}, d.Writer.Exec("BEGIN IMMEDIATE") },
		commit: func(turn.Change) error { return d.Writer.Exec("COMMIT") },
		// After some errors SQLite has rolled back by itself; then this is an error of
		// no interest.
		rollback: func() { _ = d.Writer.Exec("ROLLBACK") },
		sync:     d.Sync, tend: d.Tend,
		// What the writer's cache holds is worth less than its memory when a minute can
		// go by without it, and is read again from the system's in no time when it cannot.
		calm: run("PRAGMA shrink_memory"),
		// Gives the room of deleted rows back to the file system, a little at a time.
		tidy:  run("PRAGMA incremental_vacuum(1000)"),
		leave: leave,
	}, version, nil
}

func openPostgres(ctx context.Context, url string) (base, int, error) {
	d, err := postgres.Open(ctx, url)
	if err != nil {
		return base{}, 0, err
	}
	var version int
	err = d.Do(func(ctx context.Context, conn *pgx.Conn) (err error) {
		version, err = schema.Postgres(ctx, conn, postgres.LockKey)
		return err
	})
	if err != nil {
		return base{}, 0, errors.Join(err, d.Close())
	}
	us := &shared{collector: rand.Int64N(math.MaxInt64) + 1}
	if d.Listens() {
		us.listen = d.Listen
	}
	nothing := func() error { return nil } // the server does it
	t := taker{d.Writer, turn.New(us.collector, version)}
	return base{
		Writer: d.Writer, Readers: d.Readers,
		begin: t.begin, commit: t.commit, rollback: t.rollback,
		sync: nothing, tend: func(context.Context) error { return nil }, calm: nothing, tidy: nothing, weeks: true,
		leave: func(err error) error { return errors.Join(err, d.Close()) }, shared: us,
	}, version, nil
}

// taker takes turns with other collectors.
type taker struct {
	w     *postgres.Writer
	turns *turn.Turns
}

func (t taker) begin() (turn.Past, error) {
	var newest int64
	var version int
	fresh, err := t.w.Begin(turn.Ask, &newest, &version)
	if err != nil {
		t.turns.Unsure()
		return turn.Past{All: true}, err
	}
	past, err := t.turns.Begin(t.w, fresh, newest, version)
	if err != nil {
		t.rollback()
	}
	return past, err
}

func (t taker) commit(c turn.Change) error {
	taken := t.w.Wrote()
	if taken {
		if err := t.turns.End(t.w, c); err != nil {
			return err
		}
	}
	if err := t.w.Commit(); err != nil {
		t.turns.Unsure()
		return err
	}
	t.turns.Done(taken)
	return nil
}

func (t taker) rollback() { t.w.Rollback() }

// ended returns the error that says that nothing more can be written: the disk refused
// what had been.
func ended(err error) error {
	if err := sqlite.Classify(err); errors.Is(err, sqlite.ErrUnsynced) {
		return err
	}
	return nil
}
