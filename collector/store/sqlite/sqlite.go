// Package sqlite opens a SQLite database for one writer and many readers, and
// keeps other processes away from it.
//
// The writer commits to a write-ahead log with synchronous=NORMAL: a commit is in
// the log when it returns, and on disk after [Database.Sync], which another
// goroutine calls for several commits at once while the writer goes on. SQLite
// syncs the log itself before it copies it to the database, so what a crash leaves
// is always a whole number of commits, from the first. Readers do not wait for the
// writer, and make it wait half a second at most, when the log has become long because
// of them. Their connections cannot write.
//
// SQLite's own locks would let a second process write between our transactions.
// The lock here is flock(2) on PATH.lock: it ends with the process that holds it,
// however that ends.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrLocked is returned by [Open] while another process has the database.
var ErrLocked = errors.New("another collector uses this store")

// ErrDamaged is wrapped by errors that say that the database is not intact.
var ErrDamaged = errors.New("the database is damaged: restore a backup, or move it away to start anew")

const readers = 4

// Database is an open database.
type Database struct {
	Writer *Writer
	// Readers is the pool of connections that read.
	Readers *sql.DB

	db   *sql.DB // of Writer
	log  log
	lock *os.File
}

// Open locks and opens the database at path, and makes an empty one, which only
// the user can read, when there is none.
func Open(ctx context.Context, path string) (*Database, error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	d := &Database{lock: lock}
	if err := d.open(ctx, path); err != nil {
		return nil, errors.Join(Classify(err), d.Close())
	}
	return d, nil
}

func (d *Database) open(ctx context.Context, path string) error {
	// The file is made here, since SQLite would make it readable by all.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// auto_vacuum must come before the first table, and journal_mode after it.
	// trusted_schema=OFF keeps a forged schema from calling functions. The log's pages
	// are copied by Tend.
	if d.db, err = sql.Open("sqlite", Source(path, "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(NORMAL)",
		"journal_size_limit(134217728)", "wal_autocheckpoint(0)", "cache_size(-64000)", "trusted_schema(OFF)")); err != nil {
		return err
	}
	d.db.SetMaxOpenConns(1)
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	d.Writer = &Writer{Conn: conn, prepared: make(map[string]*statement)}
	d.log.path, d.log.long = path+"-wal", copyFrames
	if d.log.copier, err = sql.Open("sqlite", Source(path, "synchronous(NORMAL)", "cache_size(-200)", "trusted_schema(OFF)")); err != nil {
		return err
	}
	d.log.copier.SetMaxOpenConns(1)
	if d.Readers, err = sql.Open("sqlite", Source(path, "query_only(ON)", "cache_size(-2000)", "trusted_schema(OFF)")); err != nil {
		return err
	}
	d.Readers.SetMaxOpenConns(readers)
	return d.Readers.PingContext(ctx)
}

// Source is the driver's name of a database, for connections with those pragmas. The
// path is escaped: it may hold question marks and percent signs.
func Source(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...), "_txlock": {"immediate"}}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Lock keeps collectors away from the database at path, which need not be there, until
// the lock is closed.
func Lock(path string) (io.Closer, error) { return lockFile(path + ".lock") }

func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return f, nil
}

// Close closes the database, whatever of it is open, and gives up the lock last.
func (d *Database) Close() error {
	errs := []error{d.log.close()}
	if d.Readers != nil {
		errs = append(errs, d.Readers.Close())
	}
	if d.Writer != nil {
		errs = append(errs, d.Writer.close())
	}
	if d.db != nil {
		errs = append(errs, d.db.Close())
	}
	return errors.Join(append(errs, d.lock.Close())...)
}

// Away reports whether an error says that the database cannot be used now: the file is
// locked, cannot be read or written, or the disk is full.
func Away(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return false
}

// Classify adds [ErrDamaged] or [ErrUnsynced] to SQLite's errors that mean it.
func Classify(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		switch e.Code() {
		case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC:
			return fmt.Errorf("%w: %w", ErrUnsynced, err)
		}
	}
	return err
}
