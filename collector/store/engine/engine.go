// Package engine opens the database under a store, SQLite's file or a database of PostgreSQL,
// and brings it to the newest schema. What differs between the two for the store's writer,
// such as how its transaction begins when other collectors write too, is a function here;
// the statements are the same.
package engine

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

// Engine is the database under a store: SQLite's file, or a database of PostgreSQL.
type Engine struct {
	Writer  db.Writer
	Readers *sql.DB

	// Begin begins the writer's transaction and says of what rows that are remembered
	// may be wrong.
	Begin func() (turn.Past, error)
	// Commit ends it, and has other collectors know what it changed.
	Commit   func(turn.Change) error
	Rollback func()
	// Sync returns when all that was committed before it is on disk.
	Sync func() error
	Tend func(context.Context) error // between transactions
	Calm func() error                // when there is little to do
	Tidy func() error                // after rows were deleted
	// Weeks says that the timeline has a part for each week, see package week.
	Weeks bool
	// Leave closes after an error, nil for none, and returns what became of both.
	Leave func(error) error
	// Shared is what is there for a database that other collectors use, too; else nil.
	Shared *Shared
}

// Shared is a collector's part in a database that has several.
type Shared struct {
	Collector int64 // a number that it drew
	Listen    func(ctx context.Context, channel string, wake func()) error
}

// Open opens the database of a name and brings it to the newest schema.
func Open(ctx context.Context, name string) (Engine, int, error) {
	if postgres.Is(name) {
		return openPostgres(ctx, name)
	}
	return openSQLite(ctx, name)
}

func openSQLite(ctx context.Context, path string) (Engine, int, error) {
	d, err := sqlite.Open(ctx, path)
	if err != nil {
		return Engine{}, 0, err
	}
	leave := func(err error) error {
		if errors.Is(err, sqlite.ErrUnsynced) {
			return errors.Join(err, d.Abandon())
		}
		return errors.Join(err, d.Close())
	}
	version, err := schema.Migrate(ctx, d.Writer.Conn)
	if err != nil {
		return Engine{}, 0, leave(sqlite.Classify(err))
	}
	run := func(text string) func() error {
		return func() error {
			_, err := d.Writer.Conn.ExecContext(context.Background(), text)
			return err
		}
	}
	return Engine{
		Writer: d.Writer, Readers: d.Readers,
		Begin:  func() (turn.Past, error) { return turn.Past{}, d.Writer.Exec("BEGIN IMMEDIATE") },
		Commit: func(turn.Change) error { return d.Writer.Exec("COMMIT") },
		// After some errors SQLite has rolled back by itself; then this is an error of
		// no interest.
		Rollback: func() { _ = d.Writer.Exec("ROLLBACK") },
		Sync:     d.Sync, Tend: d.Tend,
		// What the writer's cache holds is worth less than its memory when a minute can
		// go by without it, and is read again from the system's in no time when it cannot.
		Calm: run("PRAGMA shrink_memory"),
		// Gives the room of deleted rows back to the file system, a little at a time.
		Tidy:  run("PRAGMA incremental_vacuum(1000)"),
		Leave: leave,
	}, version, nil
}

func openPostgres(ctx context.Context, url string) (Engine, int, error) {
	d, err := postgres.Open(ctx, url)
	if err != nil {
		return Engine{}, 0, err
	}
	var version int
	err = d.Do(func(ctx context.Context, conn *pgx.Conn) (err error) {
		version, err = schema.Postgres(ctx, conn, postgres.LockKey)
		return err
	})
	if err != nil {
		return Engine{}, 0, errors.Join(err, d.Close())
	}
	us := &Shared{Collector: rand.Int64N(math.MaxInt64) + 1}
	if d.Listens() {
		us.Listen = d.Listen
	}
	nothing := func() error { return nil } // the server does it
	t := taker{d.Writer, turn.New(us.Collector, version)}
	return Engine{
		Writer: d.Writer, Readers: d.Readers,
		Begin: t.begin, Commit: t.commit, Rollback: t.rollback,
		Sync: nothing, Tend: func(context.Context) error { return nil }, Calm: nothing, Tidy: nothing, Weeks: true,
		Leave: func(err error) error { return errors.Join(err, d.Close()) }, Shared: us,
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
