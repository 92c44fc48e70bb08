package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver
)

// counts are the columns that both databases count alike.
const counts = "(SELECT count(*) FROM host), (SELECT count(*) FROM state), (SELECT count(*) FROM event)"

// runSize tells how much of the database a host takes.
func runSize(ctx context.Context, o *options, out io.Writer) (err error) {
	if o.store != "" {
		return sizeOfPostgres(ctx, o, out)
	}
	q := url.Values{"_pragma": {"busy_timeout(30000)", "query_only(ON)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: o.database(), RawQuery: q.Encode()}).String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var bytes, hosts, states, events int64
	err = db.QueryRowContext(ctx, "SELECT (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size), "+counts).Scan(&bytes, &hosts, &states, &events)
	if err != nil || hosts == 0 {
		return fmt.Errorf("read the database's size: %w", errors.Join(err, errEmpty(hosts)))
	}
	tellSize(out, bytes, hosts, states, events)
	rows, err := db.QueryContext(ctx, "SELECT name, sum(pgsize) AS size FROM dbstat GROUP BY name ORDER BY size DESC LIMIT 8")
	if err != nil {
		return fmt.Errorf("read the tables' sizes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var size int64
		if err := rows.Scan(&name, &size); err != nil {
			return err
		}
		tellPart(out, name, size, hosts)
	}
	return rows.Err()
}

func tellSize(out io.Writer, bytes, hosts, states, events int64) {
	fmt.Fprintf(out, "size   %d MB for %d hosts: %.1f KB each; %d results, %d changes\n", bytes/1e6, hosts, float64(bytes)/1e3/float64(hosts), states, events)
}

func tellPart(out io.Writer, name string, bytes, hosts int64) {
	fmt.Fprintf(out, "size   %-22s %8.1f KB each\n", name, float64(bytes)/1e3/float64(hosts))
}

// sizeOfPostgres tells the same of a PostgreSQL database. A part of a table is named for
// itself.
func sizeOfPostgres(ctx context.Context, o *options, out io.Writer) (err error) {
	conn, err := pgx.Connect(ctx, o.store)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	var bytes, hosts, states, events int64
	err = conn.QueryRow(ctx, "SELECT pg_database_size(current_database()), "+counts).Scan(&bytes, &hosts, &states, &events)
	if err != nil || hosts == 0 {
		return fmt.Errorf("read the database's size: %w", errors.Join(err, errEmpty(hosts)))
	}
	tellSize(out, bytes, hosts, states, events)
	var name string
	var size int64
	rows, err := conn.Query(ctx, `SELECT relname, pg_relation_size(oid) AS size FROM pg_class WHERE relkind IN ('r', 'i')
		AND relnamespace = current_schema()::regnamespace ORDER BY size DESC LIMIT 8`)
	if err != nil {
		return fmt.Errorf("read the tables' sizes: %w", err)
	}
	_, err = pgx.ForEachRow(rows, []any{&name, &size}, func() error {
		tellPart(out, name, size, hosts)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the tables' sizes: %w", err)
	}
	return nil
}

func errEmpty(hosts int64) error {
	if hosts == 0 {
		return errors.New("there are no hosts")
	}
	return nil
}
