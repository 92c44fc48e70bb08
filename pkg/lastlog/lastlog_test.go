package lastlog

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/pkg/hostfs"
)

// open opens the records of a host that has these files.
func open(t testing.TB, files map[string]string) (*Log, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Open(root)
	t.Cleanup(func() { l.Close() })
	return l, err
}

// record is a file with one record.
func record(uid int, at uint32) string {
	b := make([]byte, (uid+1)*recordSize)
	binary.NativeEndian.PutUint32(b[uid*recordSize:], at)
	return string(b)
}

func TestLast(t *testing.T) {
	at := time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC)
	l, err := open(t, map[string]string{File: record(1000, uint32(at.Unix()))})
	if err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[int]bool{0: false, 1000: true, 1001: false, 4294967294: false} {
		if got := l.Last("ann", uid); got.Equal(at) != want || got.IsZero() == want {
			t.Errorf("%d: %v", uid, got)
		}
	}
	database, err := os.ReadFile("testdata/lastlog2.db") // made by sqlite3 with the table of lastlog2.c
	if err != nil {
		t.Fatal(err)
	}
	l, err = open(t, map[string]string{File: record(1000, 1), Database: string(database)})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Last("ann", 1); got.Year() != 2026 {
		t.Errorf("ann by the database: %v", got)
	}
	if got := l.Last("bob", 1000); !got.IsZero() {
		t.Errorf("bob by the database: %v", got)
	}
}

// TestUnread: what cannot be had is said, and nobody is known.
func TestUnread(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing": {nil, File},
		"empty":   {map[string]string{File: ""}, "is empty"},
		"broken":  {map[string]string{File: record(1000, 1), Database: "no database"}, Database + ": "},
	} {
		l, err := open(t, c.files)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, fs.ErrNotExist) != (c.files == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if got := l.Last("ann", 1000); !got.IsZero() {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzDatabase(f *testing.F) {
	database, err := os.ReadFile("testdata/lastlog2.db")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(database)
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := open(t, map[string]string{Database: string(b)}); err == nil && len(l.names) > maxNames {
			t.Errorf("%d names", len(l.names))
		}
	})
}
