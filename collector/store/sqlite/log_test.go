package sqlite

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLogStaysShort has a writer that never rests: the log is copied beside it and
// begun anew, so that it does not grow with what is written.
func TestLogStaysShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	d := open(t, path)
	if err := d.Writer.Exec("CREATE TABLE a (x INTEGER PRIMARY KEY, y BLOB)"); err != nil {
		t.Fatal(err)
	}
	const page = 4096
	body := make([]byte, 100*page)
	largest, written := int64(0), 0
	for n := 0; written < 3*copyFrames; n++ {
		if err := d.Writer.Exec("INSERT OR REPLACE INTO a VALUES (?, ?)", n%20, body); err != nil {
			t.Fatal(err)
		}
		written += len(body) / page
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := d.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, fi.Size()/page)
	}
	if largest < copyFrames || largest > 4*copyFrames {
		t.Errorf("the log had %d pages at most, of %d written", largest, written)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("the log is left behind: %v", err)
	}
	again := open(t, path)
	var rows int
	if _, err := again.Writer.Row("SELECT count(*) FROM a", nil, &rows); err != nil || rows != 20 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// TestSyncTells has the log be no file that can be synced.
func TestSyncTells(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "test.db"))
	if err := d.Writer.Exec("CREATE TABLE a (x)"); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	d.log.file = r
	if err := d.Sync(); err == nil {
		t.Error("a log that is not on disk is no error")
	}
}

// TestReaders has readers who are never all away, and then one who stays: the log
// is begun anew between the former, and what the latter costs is said.
func TestReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	d := open(t, path)
	d.log.long = 100
	if err := d.Writer.Exec("CREATE TABLE a (x INTEGER PRIMARY KEY, y BLOB)"); err != nil {
		t.Fatal(err)
	}
	read := func() *sql.Tx {
		tx, err := d.Readers.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM a").Scan(new(int)); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	write := func(n int) error {
		if err := d.Writer.Exec("INSERT OR REPLACE INTO a VALUES (?, zeroblob(100000))", n%20); err != nil {
			t.Fatal(err)
		}
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		d.log.after = time.Time{}
		return d.Tend(t.Context())
	}
	var largest int
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for tx := read(); ; {
			next := read()
			tx.Rollback()
			tx = next
			select {
			case <-stop:
				tx.Rollback()
				return
			default:
			}
		}
	}()
	for n := range 400 {
		if err := write(n); err != nil && !errors.Is(err, errHeld) {
			t.Fatal(err)
		}
		p, err := checkpoint(t.Context(), d.Writer.Conn, "NOOP")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, p.frames)
	}
	close(stop)
	<-stopped
	if largest > 20*d.log.long {
		t.Errorf("the log had %d pages beside readers who came and went", largest)
	}
	stays := read()
	said := error(nil)
	for n := 0; n < 1000 && said == nil; n++ {
		said = write(n)
	}
	if !errors.Is(said, errHeld) {
		t.Errorf("a reader who stays: %v", said)
	}
	if err := d.Tend(t.Context()); err != nil {
		t.Errorf("it is said again at once: %v", err)
	}
	stays.Rollback()
	for n := range 1000 {
		if p, err := checkpoint(t.Context(), d.Writer.Conn, "NOOP"); err != nil || p.frames < d.log.long {
			return
		}
		_ = write(n)
	}
	t.Error("the log stays long without the reader")
}
