package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The write-ahead log is copied to the database beside the writer from copyFrames
// pages on (64 MB). What the writer has added meanwhile is copied by the next pass,
// until there is so little that the writer can copy it: only it can begin the log
// anew.
const (
	copyFrames = 16_384
	restFrames = 1_024
	maxPasses  = 6
)

// log is the write-ahead log of a database.
type log struct {
	path string
	file *os.File // opened with the first Sync

	copier  *sql.DB
	copying chan error // of the pass under way, nil when there is none
}

// Sync returns when all that was committed before it is on disk. The writer may go
// on meanwhile. After an error nobody knows what of that is on disk, and a later
// Sync that succeeds does not say so either (the kernel tells of a page that it
// could not write once, and forgets): the process must end and read the log anew.
func (d *Database) Sync() error {
	if d.log.file == nil {
		f, err := os.OpenFile(d.log.path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
		if err != nil {
			return fmt.Errorf("open the database's log: %w", err)
		}
		d.log.file = f
	}
	if err := unix.Fdatasync(int(d.log.file.Fd())); err != nil {
		return fmt.Errorf("write the database's log %s to disk: %w", d.log.path, err)
	}
	return nil
}

// Tend keeps the log short. The writer's goroutine calls it between transactions.
func (d *Database) Tend(ctx context.Context) error {
	if d.log.copying != nil {
		select {
		case err := <-d.log.copying:
			d.log.copying = nil
			if err != nil {
				return fmt.Errorf("copy the database's log: %w", err)
			}
			_, err = rest(ctx, d.Writer.Conn, "PASSIVE")
			return err
		default:
			return nil
		}
	}
	n, err := rest(ctx, d.Writer.Conn, "NOOP")
	if err != nil || n < copyFrames {
		return err
	}
	done := make(chan error, 1)
	d.log.copying = done
	go func() { done <- d.log.copy(ctx) }()
	return nil
}

// copy copies the log until little is left, while the writer adds to it.
func (l *log) copy(ctx context.Context) error {
	conn, err := l.copier.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for range maxPasses {
		if _, err := rest(ctx, conn, "PASSIVE"); err != nil {
			return err
		}
		if n, err := rest(ctx, conn, "NOOP"); err != nil || n < restFrames {
			return err
		}
	}
	return nil
}

// rest makes a checkpoint and returns how many pages of the log are not copied yet.
func rest(ctx context.Context, conn *sql.Conn, mode string) (int, error) {
	var busy, frames, copied int
	if err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &copied); err != nil {
		return 0, fmt.Errorf("checkpoint: %w", err)
	}
	return frames - copied, nil
}

// close waits for the pass under way.
func (l *log) close() error {
	var errs []error
	if l.copying != nil {
		errs = append(errs, <-l.copying)
		l.copying = nil
	}
	if l.copier != nil {
		errs = append(errs, l.copier.Close())
	}
	if l.file != nil {
		errs = append(errs, l.file.Close())
		l.file = nil
	}
	return errors.Join(errs...)
}
