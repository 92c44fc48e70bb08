// Package schema brings a database to the schema that the store expects: one of SQLite,
// or of PostgreSQL, whose migrations are the same files with the names of types exchanged.
//
// Migrations are the embedded files NNNN_name.sql, applied in order, each in one
// transaction in SQLite, all in one in PostgreSQL. The table migration holds which were
// applied, with the SHA-256 of their text. A database of a newer program, one whose
// migrations differ from this program's, and a file that is somebody else's database
// are refused untouched.
package schema

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed *.sql postgres/*.sql
var embedded embed.FS

// application marks the database as Seawall's in SQLite's header ("SEAW").
const application = 0x53454157

// ErrNewer is returned for a database that a newer program has migrated.
var ErrNewer = errors.New("the database is of a newer version of this program; upgrade the program")

// ErrForeign is returned for a database that is not Seawall's or was altered.
var ErrForeign = errors.New("the database is not one of this program")

type migration struct {
	version int
	name    string
	text    string
}

func (m migration) sum() string {
	h := sha256.Sum256([]byte(m.text))
	return hex.EncodeToString(h[:])
}

// Migrate brings the database to the newest schema and returns its version.
func Migrate(ctx context.Context, db *sql.Conn) (int, error) {
	return migrate(ctx, db, embedded)
}

func migrate(ctx context.Context, db *sql.Conn, files fs.FS) (int, error) {
	known, err := load(files)
	if err != nil {
		return 0, err
	}
	applied, err := state(ctx, db)
	if err != nil {
		return 0, err
	}
	pending, err := unapplied(known, applied)
	if err != nil {
		return 0, err
	}
	for _, m := range pending {
		if err := apply(ctx, db, m); err != nil {
			return 0, fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return len(known), nil
}

// unapplied returns the migrations that are to be applied.
func unapplied(known []migration, applied []string) ([]migration, error) {
	if len(applied) > len(known) {
		return nil, fmt.Errorf("schema version %d, this program knows %d: %w", len(applied), len(known), ErrNewer)
	}
	for i, sum := range applied {
		if known[i].sum() != sum {
			return nil, fmt.Errorf("migration %s differs from the one applied: %w", known[i].name, ErrForeign)
		}
	}
	return known[len(applied):], nil
}

func load(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var all []migration
	for i, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", name, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		all = append(all, migration{version, name, string(text)})
	}
	return all, nil
}

// state returns the checksums of the migrations applied, or none for an empty
// database.
func state(ctx context.Context, db *sql.Conn) ([]string, error) {
	var id, tables int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return nil, fmt.Errorf("read the database's header: %w", err)
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return nil, fmt.Errorf("read the database's schema: %w", err)
	}
	switch {
	case id == 0 && tables == 0:
		return nil, nil
	case id != application:
		return nil, ErrForeign
	}
	rows, err := db.QueryContext(ctx, "SELECT sum FROM migration ORDER BY version")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	defer rows.Close()
	var sums []string
	for rows.Next() {
		var sum string
		if err := rows.Scan(&sum); err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
		sums = append(sums, sum)
	}
	return sums, rows.Err()
}

func apply(ctx context.Context, db *sql.Conn, m migration) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit, of no effect
	if m.version == 1 {
		const first = "CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sum TEXT NOT NULL, applied INTEGER NOT NULL)"
		for _, text := range []string{fmt.Sprintf("PRAGMA application_id = %d", application), first} {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
	}
	if _, err := tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO migration VALUES (?, ?, ?, ?)",
		m.version, m.name, m.sum(), time.Now().UnixNano()); err != nil {
		return err
	}
	return tx.Commit()
}
