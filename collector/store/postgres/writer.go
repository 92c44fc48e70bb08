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
)

const (
	// lockKey names the lock of the collector that writes ("seawall" in ASCII).
	lockKey = 0x73656177616c6c
	// patience bounds one exchange with the server. One that does not answer for so
	// long counts as gone.
	patience = 30 * time.Second
	// notAvailable is the SQLSTATE of a lock that somebody else has.
	notAvailable = "55P03"
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
}

// connect takes the connection and the lock.
func (w *Writer) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := w.pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := lock(ctx, conn); err != nil {
		return errors.Join(err, drop(conn))
	}
	w.conn = conn
	return nil
}

// lock takes the lock. The server may not know yet that the one who has it is gone.
func lock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "SET lock_timeout = '5s'"); err != nil {
		return fmt.Errorf("bound the wait for the lock: %w", err)
	}
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", int64(lockKey))
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == notAvailable {
		return ErrLocked
	}
	if err != nil {
		return fmt.Errorf("take the lock: %w", err)
	}
	return nil
}

// drop ends a connection, and with it the lock and what was begun.
func drop(conn *sql.Conn) error {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if err != nil && !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return nil
}

// Begin begins a transaction, and reports whether it does so on a new connection: then
// nothing that is remembered of rows is known to be so.
func (w *Writer) Begin() (fresh bool, err error) {
	w.waiting = pgx.Batch{}
	if w.conn != nil {
		if err := w.send("BEGIN"); err == nil {
			return false, nil
		}
	}
	if err := w.connect(); err != nil {
		return true, err
	}
	return true, w.send("BEGIN")
}

// Commit ends the transaction. After an error nobody knows what became of it.
func (w *Writer) Commit() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.send("COMMIT")
}

// Rollback undoes the transaction, if there is one.
func (w *Writer) Rollback() {
	w.waiting = pgx.Batch{}
	if w.conn != nil {
		_ = w.send("ROLLBACK") // an error has ended the connection, and with it the transaction
	}
}

// send runs a statement at once. A connection that fails is given up.
func (w *Writer) send(text string) error {
	return w.use(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, text)
		return err
	})
}

// use calls do with the connection, which ends when it does not work any more.
func (w *Writer) use(do func(context.Context, *pgx.Conn) error) error {
	if w.conn == nil {
		return errors.New("no connection to the database")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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
	w.waiting.Queue(w.dialect.rewrite(text), values...)
	if w.waiting.Len() < ahead {
		return nil
	}
	return w.flush()
}

// flush sends what waits.
func (w *Writer) flush() error {
	if w.waiting.Len() == 0 {
		return nil
	}
	err := w.use(func(ctx context.Context, c *pgx.Conn) error { return c.SendBatch(ctx, &w.waiting).Close() })
	w.waiting = pgx.Batch{}
	return err
}

// Change runs a statement and returns how many rows it changed.
func (w *Writer) Change(text string, args ...any) (rows int64, err error) {
	values, err := values(args)
	if err != nil {
		return 0, err
	}
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
	if err := w.flush(); err != nil {
		return err
	}
	if w.conn == nil {
		return errors.New("no connection to the database")
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
