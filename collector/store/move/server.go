package move

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"seawall/collector/store/postgres"
	"seawall/collector/store/schema"
)

// program is what the server calls a connection of this package.
const program = "seawall-move"

// patience is how often the lock is tried for, ten times a second.
const patience = 20

// server is a database of PostgreSQL, from within a transaction.
type server struct {
	conn *pgx.Conn
	tx   pgx.Tx
	// held is another connection, whose transaction keeps collectors from writing.
	held *pgx.Conn
}

// readServer opens a database to copy it, as it is at this moment.
func readServer(ctx context.Context, url string, live bool) (_ *server, version int, err error) {
	s := &server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if !live {
		// The lock comes before the moment that is copied, so what was written under it
		// before is there.
		var tx pgx.Tx
		if s.held, tx, err = begin(ctx, url, pgx.TxOptions{}); err != nil {
			return nil, 0, err
		}
		if err := alone(ctx, tx); err != nil {
			return nil, 0, err
		}
	}
	if s.conn, s.tx, err = begin(ctx, url, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err != nil {
		return nil, 0, err
	}
	if version, err = schema.AppliedPostgres(ctx, s.tx); err != nil {
		return nil, 0, err
	}
	if version == 0 {
		return nil, 0, errors.New("the database is empty")
	}
	return s, version, nil
}

// writeServer begins to fill a database in which nothing is.
func writeServer(ctx context.Context, url string, version int) (_ *server, err error) {
	s := &server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.conn, s.tx, err = begin(ctx, url, pgx.TxOptions{}); err != nil {
		return nil, err
	}
	if err := alone(ctx, s.tx); err != nil {
		return nil, err
	}
	switch there, err := schema.AppliedPostgres(ctx, s.tx); {
	case err != nil:
		return nil, err
	case there != 0:
		return nil, ErrNotEmpty
	}
	if err := schema.MakePostgres(ctx, s.tx, version); err != nil {
		return nil, err
	}
	tables, err := s.layouts(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(tables))
	for i := range tables {
		names[i] = tables[i].quoted()
	}
	// What migrations put there. Rows that are copied into a table that was emptied in
	// the same transaction need not be looked at again, see write.
	_, err = s.tx.Exec(ctx, "TRUNCATE "+strings.Join(names, ", "))
	return s, err
}

// begin connects and begins a transaction that may take its time.
func begin(ctx context.Context, url string, options pgx.TxOptions) (*pgx.Conn, pgx.Tx, error) {
	if err := postgres.Check(url); err != nil {
		return nil, nil, err
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, nil, errors.New("the database's URL is not one that PostgreSQL knows") // the error shows passwords
	}
	cfg.RuntimeParams["application_name"] = program
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("connect: %w", err)
	}
	tx, err := conn.BeginTx(ctx, options)
	for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		if err == nil {
			_, err = tx.Exec(ctx, "SET LOCAL "+limit+" = 0")
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, tx, nil
}

// alone takes the lock under which collectors write, and finds out whether one is there:
// between its transactions, it has connections all the same. The lock of a connection that
// has just ended goes a moment later.
func alone(ctx context.Context, tx pgx.Tx) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range patience {
		var got bool
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(postgres.LockKey)).Scan(&got); err != nil {
			return fmt.Errorf("take the collectors' lock: %w", err)
		}
		if _, err := tx.Exec(ctx, "SELECT pg_stat_clear_snapshot()"); err != nil {
			return fmt.Errorf("look for collectors: %w", err)
		}
		var connected int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE 'seawall-collector%'`).Scan(&connected); err != nil {
			return fmt.Errorf("look for collectors: %w", err)
		}
		if connected > 0 {
			return fmt.Errorf("%d connections: %w", connected, ErrBusy)
		}
		if got {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return fmt.Errorf("another command has the collectors' lock: %w", ErrBusy)
}

func (s *server) layouts(ctx context.Context) (all []layout, err error) {
	rows, err := s.tx.Query(ctx, `SELECT t.relname, a.attname, a.atttypid::regtype::text, coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)
		FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
		WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition AND t.relname <> $1
		ORDER BY t.relname COLLATE "C", a.attnum`, own)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var table, name, typ string
		var key int
		if err := rows.Scan(&table, &name, &typ, &key); err != nil {
			return nil, err
		}
		if all, err = collect(all, table, name, typ, key); err != nil {
			return nil, err
		}
	}
	return all, rows.Err()
}

func (s *server) read(ctx context.Context, l layout, w io.Writer) (Table, error) {
	out := bufio.NewWriterSize(w, chunk) // the server sends each row by itself
	tag, err := s.conn.PgConn().CopyTo(ctx, out, "COPY ("+l.query()+") TO STDOUT (FORMAT binary)")
	return Table{Rows: tag.RowsAffected()}, errors.Join(err, out.Flush())
}

func (s *server) write(ctx context.Context, l layout, r io.Reader) (int64, error) {
	var kind string
	if err := s.tx.QueryRow(ctx, "SELECT relkind::text FROM pg_class WHERE oid = $1::text::regclass", l.quoted()).Scan(&kind); err != nil {
		return 0, err
	}
	freeze := ", FREEZE"
	if kind == "p" {
		freeze = "" // which partitions do not have
	}
	tag, err := s.conn.PgConn().CopyFrom(ctx, r, "COPY "+l.quoted()+" ("+list(l.columns)+") FROM STDIN (FORMAT binary"+freeze+")")
	return tag.RowsAffected(), err
}

func (s *server) keep(ctx context.Context) error {
	if _, err := s.tx.Exec(ctx, "ANALYZE"); err != nil {
		return fmt.Errorf("take statistics: %w", err)
	}
	return s.tx.Commit(ctx)
}

// close ends the connections, and with them what was begun.
func (s *server) close() error {
	var errs []error
	for _, conn := range []*pgx.Conn{s.conn, s.held} {
		if conn != nil {
			errs = append(errs, conn.Close(context.Background()))
		}
	}
	return errors.Join(errs...)
}
