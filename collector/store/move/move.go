package move

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"seawall/collector/store/postgres"
)

// ErrNotEmpty is returned for a target in which something is.
var ErrNotEmpty = errors.New("the target is not empty")

// ErrBusy is returned while a collector runs on a database that it has to be away from.
var ErrBusy = errors.New("a collector uses it: stop it first")

// chunk is how much of a table is on its way at once.
const chunk = 256 << 10

// Table is what was copied of one.
type Table struct {
	Name   string
	Rows   int64
	Sum    [sha256.Size]byte // its digest, see the package
	Mended int64             // rows whose text was altered to be UTF-8 without NUL
}

// Config says how to copy.
type Config struct {
	// Live allows a collector to run on the source meanwhile.
	Live bool
	// Copied is told of each table that was copied, before it is verified. Default: nobody.
	Copied func(Table)
	// Check may refuse what was copied and verified, before any of it is kept.
	Check func([]Table) error
}

// side is a database that is open for a copy.
type side interface {
	// layouts returns its tables in the order of their names.
	layouts(ctx context.Context) ([]layout, error)
	// read writes the form of a table.
	read(ctx context.Context, l layout, w io.Writer) (Table, error)
	// close ends it. What was written and not kept is gone.
	close() error
}

// target is a side that was empty.
type target interface {
	side
	// write fills a table with its form.
	write(ctx context.Context, l layout, r io.Reader) (rows int64, err error)
	// keep makes all that was written durable.
	keep(ctx context.Context) error
}

// Copy copies the database from into the empty database to, each the path of a file or
// the URL of a PostgreSQL database, and returns what was copied, in the order of names.
// With an error nothing is kept; only where the target's server went away at the very
// end, nobody knows.
func Copy(ctx context.Context, from, to string, cfg Config) (tables []Table, err error) {
	source, version, err := openSource(ctx, from, cfg.Live)
	if err != nil {
		return nil, fmt.Errorf("open what is to be copied: %w", err)
	}
	defer func() { err = errors.Join(err, source.close()) }()
	made, err := openTarget(ctx, to, version)
	if err != nil {
		return nil, fmt.Errorf("open the target: %w", err)
	}
	defer func() { err = errors.Join(err, made.close()) }()
	layouts, err := agreed(ctx, source, made)
	if err != nil {
		return nil, err
	}
	for _, l := range layouts {
		t, err := pour(ctx, source, made, l)
		if err != nil {
			return nil, fmt.Errorf("copy table %s: %w", l.name, err)
		}
		if cfg.Copied != nil {
			cfg.Copied(t)
		}
		tables = append(tables, t)
	}
	if err := verify(ctx, made, layouts, tables); err != nil {
		return nil, err
	}
	if cfg.Check != nil {
		if err := cfg.Check(tables); err != nil {
			return nil, err
		}
	}
	if err := made.keep(ctx); err != nil {
		return nil, fmt.Errorf("keep the copy: %w", err)
	}
	return tables, nil
}

// openSource opens a database to read it, and returns the version of its schema.
func openSource(ctx context.Context, name string, live bool) (side, int, error) {
	if postgres.Is(name) {
		return readServer(ctx, name, live)
	}
	return readFile(ctx, name, live)
}

// openTarget opens an empty database and gives it the schema of a version.
func openTarget(ctx context.Context, name string, version int) (target, error) {
	if postgres.Is(name) {
		return writeServer(ctx, name, version)
	}
	return writeFile(ctx, name, version)
}

// agreed returns the tables of both.
func agreed(ctx context.Context, source, made side) ([]layout, error) {
	from, err := source.layouts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema of what is to be copied: %w", err)
	}
	to, err := made.layouts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the target's schema: %w", err)
	}
	arrange(from)
	arrange(to)
	if err := same(from, to); err != nil {
		return nil, err
	}
	return from, nil
}

// pour copies a table.
func pour(ctx context.Context, from side, to target, l layout) (t Table, err error) {
	r, w := io.Pipe()
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		t, err = digest(ctx, from, l, w)
		w.CloseWithError(err)
		return err
	})
	var rows int64
	both.Go(func() (err error) {
		rows, err = to.write(ctx, l, r)
		r.CloseWithError(err) // for who writes; nil says that nobody reads any more
		return err
	})
	if err := both.Wait(); err != nil {
		return t, err
	}
	if rows != t.Rows {
		return t, fmt.Errorf("%d rows were read, %d written", t.Rows, rows)
	}
	return t, nil
}

// digest reads a table into w and takes its digest.
func digest(ctx context.Context, from side, l layout, w io.Writer) (Table, error) {
	var sum tally
	out := bufio.NewWriterSize(io.MultiWriter(&sum, w), chunk)
	t, err := from.read(ctx, l, out)
	if err = errors.Join(err, out.Flush()); err != nil {
		return t, err
	}
	read := t.Rows
	t.Name = l.name
	if t.Rows, t.Sum, err = sum.table(); err == nil && t.Rows != read {
		err = fmt.Errorf("%d rows were read, and %d are there", read, t.Rows)
	}
	return t, err
}

// verify reads back what was written.
func verify(ctx context.Context, made side, layouts []layout, tables []Table) error {
	for i, l := range layouts {
		t, err := digest(ctx, made, l, io.Discard)
		if err != nil {
			return fmt.Errorf("read table %s back: %w", l.name, err)
		}
		if t.Sum != tables[i].Sum || t.Rows != tables[i].Rows {
			return fmt.Errorf("table %s is not what was copied: %d rows with the digest %x, not %d with %x",
				l.name, t.Rows, t.Sum, tables[i].Rows, tables[i].Sum)
		}
	}
	return nil
}

// absent returns an error unless nothing has the name.
func absent(name string) error {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s: %w", name, ErrNotEmpty)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
