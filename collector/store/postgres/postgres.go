package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	readers = 8
	// program is how the server shows who is connected.
	program = "seawall-collector"
	// oldest is the oldest server that will do.
	oldest = 150000
)

// Database is an open database.
type Database struct {
	Writer *Writer
	// Readers is the pool of connections that read.
	Readers *sql.DB

	cfg    *pgx.ConnConfig
	pooled bool // a pool of connections is between here and the server
}

// Is reports whether the name of a store is one of a PostgreSQL database.
func Is(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}

// Check says what is wrong with the URL of a database, if anything. A password has no
// place in it: it would be seen in the list of processes, or in a file for all to read.
func Check(name string) error {
	if !Is(name) {
		return errors.New("store: not the URL of a PostgreSQL database (postgres://…)")
	}
	u, err := url.Parse(name)
	if err != nil {
		return errors.New("store: not a URL") // the error shows it
	}
	if _, set := u.User.Password(); set || u.Query().Has("password") {
		return errors.New("store: a password does not belong into the URL; put it into a file and name that with passfile= or PGPASSFILE")
	}
	return nil
}

// migrateWithin bounds [Database.Do].
const migrateWithin = 24 * time.Hour

// Open connects to the database of a URL as libpq knows it. The password may be in the
// file that PGPASSFILE names.
func Open(ctx context.Context, name string) (*Database, error) {
	cfg, err := pgx.ParseConfig(name)
	if err != nil {
		return nil, errors.New("the database's URL is not one that PostgreSQL knows") // the error shows passwords
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = patience
	}
	cfg.RuntimeParams["application_name"] = strings.TrimSpace(program + " " + cfg.RuntimeParams["application_name"])
	d := &Database{cfg: cfg}
	if err := d.probe(ctx); err != nil {
		return nil, err
	}
	if d.pooled && cfg.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // the next statement may reach a session that knows nothing of the last
	}
	shared := new(dialect)
	pool := sql.OpenDB(connector{stdlib.GetConnector(*cfg), shared, false})
	pool.SetMaxOpenConns(1)
	reading := cfg.Copy()
	reading.DefaultQueryExecMode = pgx.QueryExecModeExec
	if !d.pooled { // a pool does not know this parameter
		reading.RuntimeParams["jit"] = "off" // no page is worth compiling a query for
	}
	d.Writer, d.Readers = &Writer{pool: pool, dialect: shared}, sql.OpenDB(connector{stdlib.GetConnector(*reading), shared, true})
	d.Readers.SetMaxOpenConns(readers)
	d.Readers.SetMaxIdleConns(readers)
	if err := d.check(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// probe finds out whether the server itself answers. Through a pool of connections the
// process that answers is not the one that greeted.
func (d *Database) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, d.cfg)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var pid uint32
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid); err != nil {
		return fmt.Errorf("ask who answers: %w", err)
	}
	d.pooled = pid != conn.PgConn().PID()
	return nil
}

func (d *Database) check(ctx context.Context) error {
	if err := d.Writer.connect(); err != nil {
		return err
	}
	var version int
	if err := d.Readers.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return fmt.Errorf("ask for the server's version: %w", err)
	}
	if version < oldest {
		return fmt.Errorf("the server is PostgreSQL %d; 15 or newer is needed", version/10000)
	}
	return nil
}

// Do calls do with the writer's connection, for what is no transaction of the writer.
func (d *Database) Do(do func(context.Context, *pgx.Conn) error) error {
	return d.Writer.use(migrateWithin, do)
}

// Close ends all connections.
func (d *Database) Close() error {
	errs := []error{d.Readers.Close()}
	if d.Writer.conn != nil {
		errs = append(errs, drop(d.Writer.conn))
		d.Writer.conn = nil
	}
	return errors.Join(append(errs, d.Writer.pool.Close())...)
}
