package collector

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	_ "github.com/jackc/pgx/v5/stdlib" // a driver
	_ "modernc.org/sqlite"             // another
)

// Stored is what the database has of one host.
type Stored struct {
	Position uint64 // the newest record
	Changes  int    // rows of the timeline that the host told
	Distinct int    // different records among them
	First    uint64 // the oldest of them
	Last     uint64 // the newest
	Lost     int    // ranges that are noted as missing
	Rejected int    // records that came and were not taken
}

// Open opens the database beside the collector.
func (c *Collector) Open(pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_pragma": append([]string{"busy_timeout(30000)"}, pragmas...)}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: c.database(), RawQuery: q.Encode()}).String())
}

// Stored reads what the database has, by host. Epochs are not told apart: a
// simulated host has one.
func (c *Collector) Stored(ctx context.Context) (map[string]Stored, error) {
	open := func() (*sql.DB, error) { return c.Open("query_only(ON)") }
	if c.Store != "" {
		open = func() (*sql.DB, error) { return sql.Open("pgx", c.Store) }
	}
	db, err := open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	isolation := sql.LevelDefault
	if c.Store != "" {
		isolation = sql.LevelRepeatableRead
	}
	// One transaction: positions and rows are those of one commit.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: isolation})
	if err != nil {
		return nil, fmt.Errorf("read the database: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to undo
	all := make(map[string]Stored)
	read := func(query string, row func(s *Stored, v [4]int64)) error {
		rows, err := tx.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var host []byte
			var v [4]int64
			if err := rows.Scan(&host, &v[0], &v[1], &v[2], &v[3]); err != nil {
				return err
			}
			s := all[hex.EncodeToString(host)]
			row(&s, v)
			all[hex.EncodeToString(host)] = s
		}
		return rows.Err()
	}
	err = errors.Join(
		read("SELECT host, max(last), 0, 0, 0 FROM position WHERE lane = 'posture' GROUP BY host",
			func(s *Stored, v [4]int64) { s.Position = uint64(v[0]) }),
		read(`SELECT host, count(*), count(DISTINCT seq), min(seq), max(seq) FROM event WHERE lane = 'posture' AND ordinal = 0 GROUP BY host`,
			func(s *Stored, v [4]int64) {
				s.Changes, s.Distinct, s.First, s.Last = int(v[0]), int(v[1]), uint64(v[2]), uint64(v[3])
			}),
		read("SELECT host, count(*), 0, 0, 0 FROM gap GROUP BY host", func(s *Stored, v [4]int64) { s.Lost = int(v[0]) }),
		read("SELECT host, count(*), 0, 0, 0 FROM rejected GROUP BY host", func(s *Stored, v [4]int64) { s.Rejected = int(v[0]) }))
	if err != nil {
		return nil, fmt.Errorf("read the database: %w", err)
	}
	return all, nil
}

// Lock holds SQLite's write lock until ctx ends, as another program would that
// opened the database by mistake: the collector's commits wait and then fail. It
// calls held when it has the lock.
func (c *Collector) Lock(ctx context.Context, held func()) error {
	db, err := c.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	// Its connections outlive ctx: the lock is given up by a statement.
	conn, err := db.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("lock the database: %w", err)
	}
	held()
	<-ctx.Done()
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		return fmt.Errorf("unlock the database: %w", err)
	}
	return nil
}
