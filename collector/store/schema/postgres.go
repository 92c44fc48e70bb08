package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres brings a PostgreSQL database to the newest schema and returns its version.
// All that is missing is applied in one transaction, which holds the advisory lock of
// that key, so that of several collectors one does it. The tables are made in the
// first schema of search_path, which must be empty or Seawall's.
func Postgres(ctx context.Context, conn *pgx.Conn, lockKey int64) (int, error) {
	known, err := load(embedded)
	if err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// One of a version that shares with nobody never lets go.
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '60s'"); err != nil {
			return fmt.Errorf("bound the wait for other collectors: %w", err)
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey); err != nil {
			return fmt.Errorf("wait for other collectors: %w", err)
		}
		applied, err := stateOfPostgres(ctx, tx)
		if err != nil {
			return err
		}
		pending, err := unapplied(known, applied)
		if err != nil {
			return err
		}
		for _, m := range pending {
			if err := applyPostgres(ctx, tx, m); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
		}
		return nil
	})
	return len(known), err
}

// Version is the version of the newest schema that this program knows.
func Version() (int, error) {
	known, err := load(embedded)
	return len(known), err
}

func stateOfPostgres(ctx context.Context, tx pgx.Tx) ([]string, error) {
	var tables int
	var ours bool
	err := tx.QueryRow(ctx, `SELECT count(*), coalesce(bool_or(relname = 'migration'), false) FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm')`).Scan(&tables, &ours)
	if err != nil {
		return nil, fmt.Errorf("read the database's schema: %w", err)
	}
	switch {
	case tables == 0:
		return nil, nil
	case !ours:
		return nil, ErrForeign
	}
	rows, err := tx.Query(ctx, "SELECT sum FROM migration ORDER BY version")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	sums, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, errors.Join(ErrForeign, fmt.Errorf("read migrations: %w", err))
	}
	return sums, nil
}

func applyPostgres(ctx context.Context, tx pgx.Tx, m migration) error {
	text, err := forPostgres(m)
	if err != nil {
		return err
	}
	if m.version == 1 {
		text = `CREATE TABLE migration (version bigint PRIMARY KEY, name text NOT NULL, sum text NOT NULL, applied bigint NOT NULL);` + text
	}
	// Many statements: the simple protocol takes them.
	if err := tx.Conn().PgConn().Exec(ctx, text).Close(); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO migration VALUES ($1, $2, $3, $4)", m.version, m.name, m.sum(), time.Now().UnixNano())
	return err
}

// forPostgres is the text of a migration for PostgreSQL: the file of that name in the
// folder postgres, or else the file for SQLite with the names of types exchanged. Text
// compares by its bytes, as in SQLite, whatever the language of the database is.
func forPostgres(m migration) (string, error) {
	own, err := embedded.ReadFile("postgres/" + m.name)
	if err == nil {
		return string(own), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read migration: %w", err)
	}
	return strings.NewReplacer(" BLOB", " bytea", " INTEGER", " bigint", " TEXT", ` text COLLATE "C"`,
		" WITHOUT ROWID", "", " AUTOINCREMENT", "", "ifnull(", "coalesce(").Replace(m.text), nil
}
