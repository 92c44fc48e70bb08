package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"

	_ "modernc.org/sqlite" // the driver
)

// runSize tells how much of the database a host takes.
func runSize(ctx context.Context, o *options, out io.Writer) (err error) {
	q := url.Values{"_pragma": {"busy_timeout(30000)", "query_only(ON)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: o.database(), RawQuery: q.Encode()}).String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var bytes, hosts, states, events int64
	err = db.QueryRowContext(ctx, `SELECT (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size),
		(SELECT count(*) FROM host), (SELECT count(*) FROM state), (SELECT count(*) FROM event)`).Scan(&bytes, &hosts, &states, &events)
	if err != nil || hosts == 0 {
		return fmt.Errorf("read the database's size: %w", errors.Join(err, errEmpty(hosts)))
	}
	fmt.Fprintf(out, "size   %d MB for %d hosts: %.1f KB each; %d results, %d changes\n", bytes/1e6, hosts, float64(bytes)/1e3/float64(hosts), states, events)
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
		fmt.Fprintf(out, "size   %-22s %8.1f KB each\n", name, float64(size)/1e3/float64(hosts))
	}
	return rows.Err()
}

func errEmpty(hosts int64) error {
	if hosts == 0 {
		return errors.New("there are no hosts")
	}
	return nil
}
