package sqlitefile

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logged makes a database whose log has commits that the file has not.
func logged(t testing.TB, page string) string {
	t.Helper()
	db := filepath.Join(t.TempDir(), "db")
	sqlite(t, db, "PRAGMA page_size = "+page+"; PRAGMA journal_mode = WAL;\n"+fillSQL(60, 30))
	sqlite(t, db, keepLog+`DELETE FROM t WHERE id = 3;
INSERT INTO t(n, b, c) VALUES (1, randomblob(5000), 'new');
UPDATE t SET b = randomblob(700) WHERE id BETWEEN 30 AND 60;
DELETE FROM t WHERE id > 150 AND id < 170;
BEGIN; DELETE FROM t WHERE id < 20; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT;
`)
	return db
}

// TestLog reads rows that only the log has, and leaves everything as it was.
func TestLog(t *testing.T) {
	for _, page := range []string{"512", "4096", "65536"} {
		db := logged(t, page)
		before, log := readFile(t, db), readFile(t, db+"-wal")
		shm := readFile(t, db+"-shm")
		if len(log) == 0 {
			t.Fatal("no log")
		}
		f, err := os.Open(db)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w, err := os.Open(db + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		file, err := Open(f, w, int64(len(before)), int64(len(log)))
		if err != nil {
			t.Fatal(err)
		}
		if len(file.frames) == 0 || file.logged == 0 {
			t.Errorf("no frames in %d bytes", len(log))
		}
		got, err := dump(before, log)
		if err != nil {
			t.Error(err)
		}
		if !bytes.Equal(readFile(t, db), before) || !bytes.Equal(readFile(t, db+"-wal"), log) || !bytes.Equal(readFile(t, db+"-shm"), shm) {
			t.Error("files were changed")
		}
		if entries, err := os.ReadDir(filepath.Dir(db)); err != nil || len(entries) != 3 {
			t.Errorf("files beside the database: %v, %v", entries, err)
		}
		old, err := dump(before, nil)
		if err != nil || cmp.Equal(old, got) {
			t.Errorf("the file itself has all rows, %v", err)
		}
		if diff := cmp.Diff(truth(t, db), got); diff != "" { // this changes the files
			t.Errorf("pages of %s bytes (-sqlite3 +ours):\n%.2000s", page, diff)
		}
	}
}

// TestLogCut compares with sqlite3 what a log holds that ends early or has a
// damaged frame.
func TestLogCut(t *testing.T) {
	db := logged(t, "512")
	file, log := readFile(t, db), readFile(t, db+"-wal")
	const frame = frameHead + 512
	states := make(map[string]bool)
	for n := logHeader; n <= len(log); n += frame {
		cut := log[:n]
		if n/frame%2 == 1 && n < len(log) { // flip something instead
			cut = bytes.Clone(log)
			cut[n+n%frame] ^= 4
		}
		copied := filepath.Join(t.TempDir(), "db")
		for name, b := range map[string][]byte{copied: file, copied + "-wal": cut} {
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := dump(file, cut)
		if err != nil {
			t.Errorf("log of %d bytes: %v", n, err)
		}
		if diff := cmp.Diff(truth(t, copied), got); diff != "" {
			t.Errorf("log of %d bytes (-sqlite3 +ours):\n%.1000s", n, diff)
		}
		states[strings.Join(got, "\n")] = true
	}
	if len(states) != 6 { // the file's and five commits'
		t.Errorf("%d different states, want 6", len(states))
	}
}

// TestLogRound: after a checkpoint the log is written from its beginning again, and
// what is left of the last round does not count.
func TestLogRound(t *testing.T) {
	db := logged(t, "512")
	sqlite(t, db, keepLog+"PRAGMA wal_checkpoint(RESTART); UPDATE t SET c = 'second' WHERE id = 30;")
	file, log := readFile(t, db), readFile(t, db+"-wal")
	f, err := load(file, log)
	if err != nil {
		t.Fatal(err)
	}
	if all := len(log) / (frameHead + 512); len(f.frames) == 0 || len(f.frames) >= all/2 {
		t.Errorf("%d of %d frames count", len(f.frames), all)
	}
	got, err := dump(file, log)
	if diff := cmp.Diff(truth(t, db), got); err != nil || diff != "" {
		t.Errorf("%v (-sqlite3 +ours):\n%.1000s", err, diff)
	}
}

// seal makes the checksums of a log for pages of 512 bytes right, over words of
// either byte order.
func seal(log []byte, big bool) {
	s0, s1 := uint32(0), uint32(0)
	sum := func(at int, parts ...[]byte) {
		for _, p := range parts {
			s0, s1 = checksum(big, s0, s1, p)
		}
		binary.BigEndian.PutUint32(log[at:], s0)
		binary.BigEndian.PutUint32(log[at+4:], s1)
	}
	log[3] = 0x82
	if big {
		log[3] = 0x83
	}
	sum(24, log[:24])
	for at := logHeader; at+frameHead+512 <= len(log); at += frameHead + 512 {
		copy(log[at+8:at+16], log[16:24])
		sum(at+16, log[at:at+8], log[at+frameHead:at+frameHead+512])
	}
}

// TestLogByteOrder reads a log with checksums over big-endian words, as machines
// with that order write it.
func TestLogByteOrder(t *testing.T) {
	db := logged(t, "512")
	file, log := readFile(t, db), readFile(t, db+"-wal")
	want, err := dump(file, log)
	if err != nil {
		t.Fatal(err)
	}
	seal(log, true)
	got, err := dump(file, log)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-little +big):\n%.1000s", err, diff)
	}
	log[3] &^= 1
	if got, err = dump(file, log); err != nil || cmp.Equal(got, want) {
		t.Errorf("checksums of the wrong byte order count: %v", err)
	}
}
