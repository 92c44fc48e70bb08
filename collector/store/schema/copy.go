package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Applied returns the version of a database of SQLite, 0 for an empty one. It changes
// nothing.
func Applied(ctx context.Context, db *sql.Conn) (int, error) {
	return version(func() ([]string, error) { return state(ctx, db) })
}

// AppliedPostgres is Applied for PostgreSQL.
func AppliedPostgres(ctx context.Context, tx pgx.Tx) (int, error) {
	return version(func() ([]string, error) { return stateOfPostgres(ctx, tx) })
}

func version(state func() ([]string, error)) (int, error) {
	known, err := load(embedded)
	if err != nil {
		return 0, err
	}
	applied, err := state()
	if err != nil {
		return 0, err
	}
	_, err = unapplied(known, applied)
	return len(applied), err
}

// Make gives an empty database of SQLite the schema of a version that [Applied] returned.
func Make(ctx context.Context, db *sql.Conn, version int) error {
	return each(version, func(m migration) error { return apply(ctx, db, m) })
}

// MakePostgres is Make for PostgreSQL, in the caller's transaction.
func MakePostgres(ctx context.Context, tx pgx.Tx, version int) error {
	return each(version, func(m migration) error { return applyPostgres(ctx, tx, m) })
}

func each(version int, apply func(migration) error) error {
	known, err := load(embedded)
	if err != nil {
		return err
	}
	if version < 1 || version > len(known) {
		return errors.New("no such version")
	}
	for _, m := range known[:version] {
		if err := apply(m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}
