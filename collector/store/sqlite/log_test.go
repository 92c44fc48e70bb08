package sqlite

import (
	"os"
	"path/filepath"
	"testing"
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
	for n := 0; written < 6*copyFrames; n++ {
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
