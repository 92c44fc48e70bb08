package move

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
)

// filling is added to the name of a file that is not whole yet.
const filling = ".filling"

// file is a database of SQLite, from within a transaction.
type file struct {
	lock io.Closer // nil where a collector may run on it
	db   *sql.DB
	conn *sql.Conn
	salt []byte // drawn for this copy, see encoder

	path, name string // of a target: the name that it will have, and the one until then
}

// readFile opens the file at path to copy it.
func readFile(ctx context.Context, path string, live bool) (_ *file, version int, err error) {
	if info, err := os.Stat(path); err != nil {
		return nil, 0, err
	} else if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is no file", path)
	}
	f := &file{salt: make([]byte, 16)}
	_, _ = rand.Read(f.salt) // never fails
	defer func() {
		if err != nil {
			err = errors.Join(sqlite.Classify(err), f.close())
		}
	}()
	if !live {
		if f.lock, err = lock(path); err != nil {
			return nil, 0, err
		}
	}
	if err := f.open(ctx, path, "query_only(ON)"); err != nil {
		return nil, 0, err
	}
	if version, err = schema.Applied(ctx, f.conn); err != nil {
		return nil, 0, err
	}
	if version == 0 {
		return nil, 0, fmt.Errorf("%s is empty", path)
	}
	return f, version, nil
}

func lock(path string) (io.Closer, error) {
	held, err := sqlite.Lock(path)
	if errors.Is(err, sqlite.ErrLocked) {
		return nil, fmt.Errorf("%s: %w", path, ErrBusy)
	}
	return held, err
}

// open opens a file and begins.
func (f *file) open(ctx context.Context, path string, pragmas ...string) (err error) {
	if f.db, err = sql.Open("sqlite", sqlite.Source(path, append(pragmas, "cache_size(-64000)", "trusted_schema(OFF)")...)); err != nil {
		return err
	}
	f.db.SetMaxOpenConns(1)
	if f.conn, err = f.db.Conn(ctx); err != nil {
		return err
	}
	return f.run(ctx, "BEGIN")
}

func (f *file) run(ctx context.Context, text string) error {
	_, err := f.conn.ExecContext(ctx, text)
	return sqlite.Classify(err)
}

// writeFile begins a file that will be at path, which must not be there.
func writeFile(ctx context.Context, path string, version int) (_ *file, err error) {
	f := &file{path: path, name: path + filling}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if err := absent(path); err != nil {
		return nil, err
	}
	if f.lock, err = lock(path); err != nil {
		return nil, err
	}
	// Who has the lock is alone with what a try before this one has left.
	if err := os.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	made, err := os.OpenFile(f.name, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil {
		return nil, err
	}
	// Nothing of it is worth a journal before it has its name.
	if err := f.open(ctx, f.name, "auto_vacuum(INCREMENTAL)", "journal_mode(OFF)", "synchronous(OFF)"); err != nil {
		return nil, err
	}
	if err := errors.Join(f.run(ctx, "COMMIT"), schema.Make(ctx, f.conn, version), f.run(ctx, "BEGIN")); err != nil {
		return nil, err
	}
	tables, err := f.layouts(ctx)
	for i := range tables {
		err = errors.Join(err, f.run(ctx, "DELETE FROM "+tables[i].quoted())) // what migrations put there
	}
	return f, err
}

func (f *file) layouts(ctx context.Context) (all []layout, err error) {
	rows, err := f.conn.QueryContext(ctx, `SELECT t.name, c.name, c.type, c.pk FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND t.name <> ? ORDER BY t.name, c.cid`, own)
	if err != nil {
		return nil, sqlite.Classify(err)
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
	return all, sqlite.Classify(rows.Err())
}

func (f *file) read(ctx context.Context, l layout, w io.Writer) (t Table, err error) {
	e := encoder{w: bufio.NewWriterSize(w, chunk), columns: l.columns, salt: f.salt}
	if _, err := e.w.WriteString(head); err != nil {
		return t, err
	}
	rows, err := f.conn.QueryContext(ctx, l.query())
	if err != nil {
		return t, sqlite.Classify(err)
	}
	defer rows.Close()
	values, places := make([]any, len(l.columns)), make([]any, len(l.columns))
	for i := range values {
		places[i] = &values[i]
	}
	for ; rows.Next(); t.Rows++ {
		if err := rows.Scan(places...); err != nil {
			return t, err
		}
		if err := e.encode(values); err != nil {
			return t, fmt.Errorf("row %d: %w", t.Rows+1, err)
		}
	}
	if err := rows.Err(); err != nil {
		return t, sqlite.Classify(err)
	}
	t.Mended = e.mended
	_, err = e.w.WriteString(tail)
	return t, errors.Join(err, e.w.Flush())
}

func (f *file) write(ctx context.Context, l layout, r io.Reader) (rows int64, err error) {
	insert, err := f.conn.PrepareContext(ctx, "INSERT INTO "+l.quoted()+" ("+list(l.columns)+") VALUES (?"+strings.Repeat(", ?", len(l.columns)-1)+")")
	if err != nil {
		return 0, sqlite.Classify(err)
	}
	defer insert.Close()
	rows, err = decode(r, l.columns, func(values []any) error {
		_, err := insert.ExecContext(ctx, values...)
		return err
	})
	return rows, sqlite.Classify(err)
}

// keep gives the file its name when all of it is on disk.
func (f *file) keep(ctx context.Context) error {
	err := errors.Join(f.run(ctx, "ANALYZE"), f.run(ctx, "COMMIT"), f.conn.Close(), f.db.Close())
	f.conn, f.db = nil, nil
	if err != nil {
		return err
	}
	if err := errors.Join(flush(f.name), Give(filepath.Dir(f.path), filepath.Base(f.name), filepath.Base(f.path)+".lock")); err != nil {
		return err
	}
	if err := os.Link(f.name, f.path); err != nil { // and not over another
		return err
	}
	return flush(filepath.Dir(f.path))
}

// flush brings a file or a folder to disk.
func flush(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (f *file) close() error {
	var errs []error
	if f.conn != nil {
		// With the connection ends what it began; without one there is nothing.
		errs = append(errs, f.conn.Close())
	}
	if f.db != nil {
		errs = append(errs, f.db.Close())
	}
	if f.lock != nil && f.name != "" {
		if err := os.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if f.lock != nil {
		errs = append(errs, f.lock.Close())
	}
	return errors.Join(errs...)
}
