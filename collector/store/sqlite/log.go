package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrUnsynced is wrapped by errors that say that the disk refused what had been
// written. The kernel tells of a page that it could not write once, and forgets: a
// later sync that succeeds says nothing, and the log must be read anew.
var ErrUnsynced = errors.New("nobody knows what is on disk")

var errHeld = errors.New("something has been reading the database for too long")

// The write-ahead log is copied to the database beside the writer from copyFrames
// pages on (64 MB). What the writer has added meanwhile is copied by the next pass,
// until there is so little that the writer can copy it: only it can begin the log
// anew. It can not while a reader sees what the database had before, so a log that
// has grown for that reason is worth a wait.
const (
	copyFrames = 16_384
	restFrames = 1_024
	maxPasses  = 6

	maxWait    = 500 * time.Millisecond // for readers, as the writer does
	tryAgain   = 10 * time.Second       // after a pass that failed
	usualWaits = 10 * time.Second       // of the writer for a lock
)

// log is the write-ahead log of a database.
type log struct {
	path string
	file *os.File // opened with the first Sync

	copier  *sql.DB
	copying chan error // of the pass under way, nil when there is none
	long    int        // pages copied or not from which the log is long
	after   time.Time  // a pass may begin
}

// Sync returns when all that was committed before it is on disk. The writer may go
// on meanwhile. After [ErrUnsynced], here or elsewhere, the process must end; see
// [Database.Abandon].
func (d *Database) Sync() error {
	if d.log.file == nil {
		f, err := os.OpenFile(d.log.path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
		if err != nil {
			return fmt.Errorf("open the database's log: %w", err)
		}
		d.log.file = f
	}
	if err := unix.Fdatasync(int(d.log.file.Fd())); err != nil {
		return fmt.Errorf("write the database's log %s to disk: %w: %w", d.log.path, ErrUnsynced, err)
	}
	return nil
}

// Tend keeps the log short. The writer's goroutine calls it between transactions. It
// says why the log grows at most once in ten seconds.
func (d *Database) Tend(ctx context.Context) error {
	l := &d.log
	if l.copying == nil {
		if time.Now().Before(l.after) {
			return nil
		}
		n, err := checkpoint(ctx, d.Writer.Conn, "NOOP")
		if err == nil && n.rest() < l.long && n.frames < 2*l.long {
			return nil
		}
		if err == nil {
			l.copying = make(chan error, 1)
			go func() { l.copying <- l.copy(ctx) }()
			return nil
		}
		l.after = time.Now().Add(tryAgain)
		return err
	}
	select {
	case err := <-l.copying:
		l.copying = nil
		held := errors.Is(err, errHeld)
		if err == nil || held {
			err = d.renew(ctx, held)
		}
		if err != nil {
			l.after = time.Now().Add(tryAgain)
			return fmt.Errorf("copy the database's log: %w", err)
		}
	default:
	}
	return nil
}

// renew copies the rest of the log, so that the next transaction begins it anew.
// Where the pass was held up, the log is as long as before.
func (d *Database) renew(ctx context.Context, held bool) error {
	n, err := checkpoint(ctx, d.Writer.Conn, "NOOP")
	switch {
	case err != nil:
		return err
	case n.rest() >= d.log.long:
		if !held {
			return nil // the writer was faster
		}
	case n.frames < 2*d.log.long:
		_, err := checkpoint(ctx, d.Writer.Conn, "PASSIVE")
		return err
	default: // too long: readers came in between
		if n, err = d.wait(ctx); err != nil || !n.busy {
			return err
		}
	}
	return fmt.Errorf("%w: %d MB must stay", errHeld, n.frames>>8)
}

// wait waits for the readers of the log. Others begin meanwhile, without it.
func (d *Database) wait(ctx context.Context) (progress, error) {
	timeout := func(t time.Duration) error {
		_, err := d.Writer.Conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout(%d)", t.Milliseconds()))
		return err
	}
	if err := timeout(maxWait); err != nil {
		return progress{}, err
	}
	n, err := checkpoint(ctx, d.Writer.Conn, "RESTART")
	return n, errors.Join(err, timeout(usualWaits))
}

// copy copies the log until little is left, while the writer adds to it.
func (l *log) copy(ctx context.Context) error {
	conn, err := l.copier.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var n progress
	for range maxPasses {
		if n, err = checkpoint(ctx, conn, "PASSIVE"); err != nil {
			return err
		}
		if now, err := checkpoint(ctx, conn, "NOOP"); err != nil || now.rest() < restFrames {
			return err
		}
	}
	if n.rest() > 0 {
		return errHeld
	}
	return nil
}

// progress is how much of the log is copied.
type progress struct {
	busy           bool
	frames, copied int
}

func (p progress) rest() int { return p.frames - p.copied }

// checkpoint copies of the log what the mode says.
func checkpoint(ctx context.Context, conn *sql.Conn, mode string) (p progress, err error) {
	if err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&p.busy, &p.frames, &p.copied); err != nil {
		return p, fmt.Errorf("checkpoint: %w", err)
	}
	return p, nil
}

// Abandon leaves the database and its lock as they are until the process ends, but
// for the pass under way, and returns what became of that. To close a database copies
// its log, of which pages may be lost, and deletes it.
func (d *Database) Abandon() error { return d.log.wait() }

// wait waits for the pass under way.
func (l *log) wait() error {
	if l.copying == nil {
		return nil
	}
	err := <-l.copying
	l.copying = nil
	return err
}

// close waits for the pass under way and closes what it used.
func (l *log) close() error {
	errs := []error{l.wait()}
	if l.copier != nil {
		errs = append(errs, l.copier.Close())
	}
	if l.file != nil {
		errs = append(errs, l.file.Close())
		l.file = nil
	}
	return errors.Join(errs...)
}
