// Package db is what the collector's parts know of its database: how a transaction is
// written and how rows are read, the same for SQLite and PostgreSQL. Who keeps tables
// of its own (users, alerts, waivers) is given a [DB] and holds its statements itself.
//
// # Statements
//
// They are written once, for both. Parameters are question marks. Times are
// nanoseconds since 1970, UTC, and truth is 0 or 1, both in integers of 64 bits;
// identities and digests are bytes. An insert that may meet a row says ON CONFLICT.
// What only one of the two knows (INSERT OR, ifnull, rowid, RETURNING in SQLite before
// 3.35, functions of time and of JSON) is not used.
package db

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Writer is a transaction that writes. Its statements are prepared once for each text,
// so no text is made from data. It must not be used after the function that it was
// given to has returned, and not by two goroutines at a time.
type Writer interface {
	// Exec runs a statement.
	Exec(text string, args ...any) error
	// Change runs a statement and returns how many rows it changed.
	Change(text string, args ...any) (rows int64, err error)
	// Row scans the one row of a query into to and reports whether there was one.
	Row(text string, args []any, to ...any) (found bool, err error)
	// Rows calls row with the Scan of each row of a query. The writer must not be
	// used meanwhile.
	Rows(text string, args []any, row func(scan func(...any) error) error) error
}

// Querier is a pool of connections or a transaction. It reads.
type Querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// DB is a database of the collector.
type DB interface {
	// Read calls do with a transaction that reads: all that it sees is of one moment.
	Read(ctx context.Context, do func(Querier) error) error
	// Write has do write in one transaction, and returns when that is durable. Do may
	// be run twice, and must then begin anew. When it returns an error, nothing that it
	// wrote is kept, and the error is returned.
	Write(ctx context.Context, do func(Writer) error) error
}

// Tell has other collectors on the same database know that the transaction changed what
// the topic names, when it is committed. It does nothing where there can be none.
func Tell(w Writer, topic string) {
	if t, ok := w.(interface{ Tell(topic string) }); ok {
		t.Tell(topic)
	}
}

// Question is a query that is asked beside others.
type Question struct {
	Text string
	Args []any
	// Row is called with the Scan of each row of the answer.
	Row func(scan func(...any) error) error
}

// Asks reports whether the writer answers many questions in the time of one, since
// between it and the database is a network. Where it does not, the answers are as near
// when they are needed.
func Asks(w Writer) bool {
	_, ok := w.(asker)
	return ok
}

// Ask asks all questions at once where [Asks] says so, and nothing elsewhere.
func Ask(w Writer, questions []Question) error {
	if a, ok := w.(asker); ok {
		return a.Ask(questions)
	}
	return nil
}

type asker interface {
	Ask(questions []Question) error
}

// Appends reports whether the writer takes many rows of a table in the time of a few,
// when nothing is done between them that names the table.
func Appends(w Writer) bool {
	_, ok := w.(appender)
	return ok
}

// Append adds a row of the columns, which are divided by ", ", to a table where nothing
// has its key. Where [Appends] says so, its error may come later.
func Append(w Writer, table, columns string, args ...any) error {
	if a, ok := w.(appender); ok {
		return a.Append(table, columns, args...)
	}
	return w.Exec(Insert(table, columns), args...)
}

type appender interface {
	Append(table, columns string, args ...any) error
}

// Insert is the statement that adds a row of the columns to a table.
func Insert(table, columns string) string {
	return "INSERT INTO " + table + " (" + columns + ") VALUES (?" + strings.Repeat(", ?", strings.Count(columns, ", ")) + ")"
}

// Each calls row with the Scan of each row of a query.
func Each(ctx context.Context, q Querier, row func(scan func(...any) error) error, text string, args ...any) error {
	rows, err := q.QueryContext(ctx, text, args...)
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

// One scans the first row of a query into to and reports whether there was one.
func One(ctx context.Context, q Querier, text string, args []any, to ...any) (found bool, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, rows.Err()
	}
	if err := rows.Scan(to...); err != nil {
		return false, fmt.Errorf("read a row: %w", err)
	}
	return true, nil
}
