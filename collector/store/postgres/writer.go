package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"seawall/collector/db"
)

const (
	// LockKey names the lock that a transaction which writes has ("seawall" in ASCII).
	LockKey = 0x73656177616c6c
	// patience bounds one exchange with the server. One that does not answer for so
	// long counts as gone.
	patience = 30 * time.Second
	// turnWithin bounds the wait for other collectors' transactions, and idleWithin how
	// long the server waits for the next statement of one: a collector whose machine
	// stands still must not hold up the others.
	turnWithin, idleWithin = "'20s'", "'15s'"
	// ahead bounds the statements that wait to be sent.
	ahead = 256
)

// Writer is the connection that writes. One goroutine uses it at a time. A statement
// of which only success matters is sent with the next that is asked for an answer, so
// that a transaction costs few exchanges with the server; its error comes with that one,
// or with the commit.
type Writer struct {
	pool    *sql.DB
	dialect *dialect
	conn    *sql.Conn // nil while there is none
	waiting pgx.Batch
	added   []rows // after what waits
	wrote   bool
}

// connect takes a connection.
func (w *Writer) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := w.pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	w.conn = conn
	return nil
}

// drop ends a connection, and with it what was begun.
func drop(conn *sql.Conn) error {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if err != nil && !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return nil
}

// Begin begins a transaction when it is this collector's turn, and then scans the row
// of a query into to. It reports whether it does so on a new connection: then nothing
// that is remembered of rows is known to be so.
func (w *Writer) Begin(ask string, to ...any) (fresh bool, err error) {
	if w.conn != nil {
		if err := w.begin(ask, to); err == nil || w.conn != nil {
			return false, err
		}
	}
	if err := w.connect(); err != nil {
		return true, err
	}
	return true, w.begin(ask, to)
}

func (w *Writer) begin(ask string, to []any) error {
	w.forget()
	w.wrote = false
	for _, text := range []string{"BEGIN", "SET LOCAL lock_timeout = " + turnWithin, "SET LOCAL idle_in_transaction_session_timeout = " + idleWithin} {
		w.waiting.Queue(text)
	}
	w.waiting.Queue("SELECT pg_advisory_xact_lock($1)", int64(LockKey))
	if ask != "" { // a statement sees what was committed before it began, and so before the lock was had
		w.waiting.Queue(w.dialect.rewrite(ask)).QueryRow(func(row pgx.Row) error { return row.Scan(to...) })
	}
	err := w.flush()
	if err != nil && w.conn != nil {
		w.Rollback()
	}
	return err
}

// Wrote reports whether the transaction may have changed anything.
func (w *Writer) Wrote() bool { return w.wrote }

// Commit ends the transaction. After an error nobody knows what became of it.
func (w *Writer) Commit() error {
	if err := w.add(); err != nil {
		return err
	}
	w.waiting.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return errors.New("the server has undone the transaction")
		}
		return nil
	})
	return w.flush()
}

// Rollback undoes the transaction, if there is one.
func (w *Writer) Rollback() {
	w.forget()
	if w.conn != nil {
		_ = w.send("ROLLBACK") // an error has ended the connection, and with it the transaction
	}
}

// send runs a statement at once. A connection that fails is given up.
func (w *Writer) send(text string) error {
	return w.use(patience, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, text)
		return err
	})
}

// use calls do with the connection, which ends when it does not work any more.
func (w *Writer) use(within time.Duration, do func(context.Context, *pgx.Conn) error) error {
	if w.conn == nil {
		return fmt.Errorf("reach the database: %w", driver.ErrBadConn)
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	err := w.conn.Raw(func(c any) error {
		inner, ok := c.(*conn)
		if !ok {
			return fmt.Errorf("the driver's connection is a %T", c)
		}
		if err := do(ctx, inner.raw()); err != nil {
			if inner.raw().IsClosed() {
				err = errors.Join(err, driver.ErrBadConn)
			}
			return err
		}
		return nil
	})
	if errors.Is(err, driver.ErrBadConn) {
		w.conn = nil
	}
	return err
}

// Exec has a statement run before anything that comes later.
func (w *Writer) Exec(text string, args ...any) error {
	values, err := values(args)
	if err != nil {
		return err
	}
	if err := w.meet(text); err != nil {
		return err
	}
	w.wrote = true
	w.waiting.Queue(w.dialect.rewrite(text), values...)
	if w.waiting.Len() < ahead {
		return nil
	}
	return w.flush()
}

// forget drops what waits.
func (w *Writer) forget() { w.waiting, w.added = pgx.Batch{}, nil }

// flush sends what waits.
func (w *Writer) flush() error {
	if w.waiting.Len() == 0 {
		return nil
	}
	err := w.use(patience, func(ctx context.Context, c *pgx.Conn) error { return c.SendBatch(ctx, &w.waiting).Close() })
	w.waiting = pgx.Batch{}
	return err
}

// Change runs a statement and returns how many rows it changed.
func (w *Writer) Change(text string, args ...any) (rows int64, err error) {
	values, err := values(args)
	if err != nil {
		return 0, err
	}
	if err := w.meet(text); err != nil {
		return 0, err
	}
	w.wrote = true
	w.waiting.Queue(w.dialect.rewrite(text), values...).Exec(func(tag pgconn.CommandTag) error {
		rows = tag.RowsAffected()
		return nil
	})
	return rows, w.flush()
}

// Row scans the one row of a query into to and reports whether there was one.
func (w *Writer) Row(text string, args []any, to ...any) (found bool, err error) {
	err = w.Rows(text, args, func(scan func(...any) error) error {
		if found {
			return nil
		}
		found = true
		return scan(to...)
	})
	return found && err == nil, err
}

// Rows calls row with the Scan of each row of a query. The writer must not be used
// meanwhile.
func (w *Writer) Rows(text string, args []any, row func(scan func(...any) error) error) error {
	if err := errors.Join(w.meet(text), w.flush()); err != nil {
		return err
	}
	if w.conn == nil {
		return fmt.Errorf("reach the database: %w", driver.ErrBadConn)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	rows, err := w.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Ask runs queries, many of them with one exchange.
func (w *Writer) Ask(questions []db.Question) error {
	for i := range questions {
		q := &questions[i]
		values, err := values(q.Args)
		if err != nil {
			return err
		}
		if err := w.meet(q.Text); err != nil {
			return err
		}
		w.waiting.Queue(w.dialect.rewrite(q.Text), values...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				if err := q.Row(rows.Scan); err != nil {
					return err
				}
			}
			return rows.Err()
		})
		if w.waiting.Len() < ahead && i < len(questions)-1 {
			continue
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

func values(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, arg := range args {
		v, err := value(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		out[i] = v
	}
	return out, nil
}
