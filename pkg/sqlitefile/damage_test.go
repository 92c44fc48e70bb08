package sqlitefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// small is a database of few pages that has all kinds of them, with a log.
func small(t testing.TB) (db, wal []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "db")
	sqlite(t, name, `PRAGMA page_size = 512; PRAGMA journal_mode = WAL;
CREATE TABLE t(id INTEGER PRIMARY KEY, n, b, c);
INSERT INTO t VALUES (1, 1.5, randomblob(1200), 'one'), (2, 2, randomblob(100), 'two'), (3, -3, NULL, 'three'), (4, 70000, randomblob(300), 'four');`)
	sqlite(t, name, keepLog+"UPDATE t SET c = 'TWO' WHERE id = 2;")
	return readFile(t, name), readFile(t, name+"-wal")
}

// survive reads damaged files and fails for an error that is not about damage, or
// for more rows than there can be.
func survive(t testing.TB, db, wal []byte) error {
	t.Helper()
	rows, err := dump(db, wal)
	if err == nil && len(rows) > len(db)+len(wal) {
		t.Errorf("%d rows", len(rows))
	}
	if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrNoTable) {
		t.Errorf("an error of another kind: %v", err)
	}
	return err
}

// bounded fails if what is done takes long or much memory.
func bounded(t testing.TB, limit int, do func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	do()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > uint64(limit) {
		t.Errorf("%d bytes of memory", n)
	}
}

// TestFlips changes each byte of the database in several ways.
func TestFlips(t *testing.T) {
	db, wal := small(t)
	seen := 0
	for _, log := range [][]byte{nil, wal} {
		for i := range db {
			bounded(t, 2<<20, func() {
				for _, change := range []byte{0x01, 0x80, 0xff, db[i], ^db[i] & 0x7f} {
					db[i] ^= change
					if survive(t, db, log) != nil {
						seen++
					}
					db[i] ^= change
				}
			})
		}
	}
	if seen < 500 {
		t.Errorf("%d changes were seen", seen)
	}
}

// TestLogFlips changes each byte of the log: the commit in it counts whole or not
// at all.
func TestLogFlips(t *testing.T) {
	db, wal := small(t)
	for i := range wal {
		wal[i] ^= 0x10
		rows, err := dump(db, wal)
		if err != nil && i >= 12 { // magic, version, page size
			t.Errorf("byte %d: %v", i, err)
		}
		if err == nil && len(rows) != 4 {
			t.Errorf("byte %d: %d rows", i, len(rows))
		}
		wal[i] ^= 0x10
	}
}

func TestTruncated(t *testing.T) {
	db, wal := small(t)
	for n := range len(db) {
		if err := survive(t, db[:n], nil); err == nil {
			t.Errorf("%d of %d bytes: no error", n, len(db))
		}
		_ = survive(t, db[:n], wal)
	}
}

// page finds a page with a given b-tree type and some cells, not the first page.
func page(t *testing.T, db []byte, kind byte) []byte {
	t.Helper()
	for at := 512; at < len(db); at += 512 {
		if db[at] == kind && binary.BigEndian.Uint16(db[at+3:]) > 1 {
			return db[at : at+512]
		}
	}
	t.Fatalf("no page of type %d", kind)
	return nil
}

func TestCycles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "db")
	sqlite(t, name, "PRAGMA page_size = 512;\n"+fillSQL(200, 1))
	good := readFile(t, name)
	for what, change := range map[string]func(b []byte){
		"a page below itself": func(b []byte) {
			p := page(t, b, interiorPage)
			at := (bytes.Index(b, p) / 512) + 1
			binary.BigEndian.PutUint32(p[8:], uint32(at))
		},
		"a leaf twice": func(b []byte) {
			p := page(t, b, interiorPage)
			cells := []uint16{binary.BigEndian.Uint16(p[12:]), binary.BigEndian.Uint16(p[14:])}
			copy(p[cells[1]:cells[1]+4], p[cells[0]:cells[0]+4])
		},
		"a cell twice": func(b []byte) {
			p := page(t, b, leafPage)
			copy(p[8:10], p[10:12])
		},
		"the schema below itself": func(b []byte) {
			b[headerSize] = interiorPage
			binary.BigEndian.PutUint32(b[headerSize+8:], 1)
		},
		"no cells in a leaf": func(b []byte) { p := page(t, b[4096:], leafPage); p[3], p[4] = 0, 0 },
		"many cells":         func(b []byte) { p := page(t, b, leafPage); p[3], p[4] = 0xff, 0xff },
	} {
		b := bytes.Clone(good)
		change(b)
		bounded(t, 1<<20, func() {
			if err := survive(t, b, nil); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
}

// TestOverflowCycle: a chain that leads back to itself is damage, and values cannot
// be larger than the file together.
func TestOverflowCycle(t *testing.T) {
	name := filepath.Join(t.TempDir(), "db")
	sqlite(t, name, "PRAGMA page_size = 512; CREATE TABLE t(id INTEGER PRIMARY KEY, n, b, c);"+
		"INSERT INTO t VALUES (1, 1, randomblob(20000), NULL), (2, 1, 2, 3);")
	db := readFile(t, name)
	binary.BigEndian.PutUint32(db[3*512:], 3) // of page 4
	bounded(t, 1<<20, func() {
		if err := survive(t, db, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("chain in a cycle: %v", err)
		}
	})
	p := page(t, db, leafPage)
	at := binary.BigEndian.Uint16(p[8:])
	p[at] |= 0x7f // the size, in three bytes
	if err := survive(t, db, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("value larger than the file: %v", err)
	}
}

// counting counts reads.
type counting struct {
	io.ReaderAt
	n int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.n++
	return c.ReaderAt.ReadAt(p, off)
}

// sparse is a file with nothing but zeros behind its beginning.
type sparse []byte

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(s)) {
		copy(p, s[off:])
	}
	return len(p), nil
}

// TestSparse: a file of 8 GB that takes no room on the disk, with one large value
// in a page that leads to itself, is not followed again and again.
func TestSparse(t *testing.T) {
	name := filepath.Join(t.TempDir(), "db")
	sqlite(t, name, "PRAGMA page_size = 512; CREATE TABLE t(id INTEGER PRIMARY KEY, n, b, c);"+
		"INSERT INTO t VALUES (1, 1, zeroblob(4000000), 7);")
	db := readFile(t, name)[:4*512]
	for i := 1; i < 4; i++ {
		if p := db[i*512:]; p[0] == 0 {
			binary.BigEndian.PutUint32(p, uint32(i+1)) // to itself
		}
	}
	const size = maxSize
	binary.BigEndian.PutUint32(db[28:], 0)
	r := &counting{ReaderAt: sparse(db)}
	f, err := Open(r, nil, size, 0)
	if err != nil {
		t.Fatal(err)
	}
	table, err := f.Table("t")
	if err != nil {
		t.Fatal(err)
	}
	err = table.Scan([]string{"n", "c"}, func(row Row) error { row.Int(0); row.Int(1); return nil })
	if !errors.Is(err, ErrDamaged) || r.n > 100 {
		t.Errorf("%d reads, %v", r.n, err)
	}
}

// TestLongDefinition: what defines a table is not taken apart at any length, and
// names of other lengths are not read.
func TestLongDefinition(t *testing.T) {
	name := filepath.Join(t.TempDir(), "db")
	sqlite(t, name, "CREATE TABLE other(x); CREATE TABLE t(a /*"+strings.Repeat(",a,b", maxSQL/4)+"*/, b);")
	f, err := load(readFile(t, name), nil)
	if err != nil {
		t.Fatal(err)
	}
	bounded(t, maxSQL, func() {
		if _, err := f.Table("t"); !errors.Is(err, ErrUnsupported) {
			t.Errorf("got %v", err)
		}
		if _, err := f.Table("OTHER"); err != nil {
			t.Errorf("other: %v", err)
		}
	})
}

// TestHugeCommit: a commit that claims four thousand million pages gives no more
// work than the files have.
func TestHugeCommit(t *testing.T) {
	db, wal := small(t)
	last := len(wal) - frameHead - 512
	binary.BigEndian.PutUint32(wal[last+4:], 1<<32-1)
	seal(wal, false)
	f, err := load(db, wal)
	if err != nil || f.pages < 4 || f.there > int64(len(db)+len(wal))/512 {
		t.Fatalf("%+v, %v", f, err)
	}
	bounded(t, 1<<20, func() { _ = survive(t, db, wal) })
}

func FuzzScan(f *testing.F) {
	db, wal := small(f)
	f.Add(db, wal)
	f.Add(db, []byte{})
	f.Add([]byte{}, wal)
	f.Fuzz(func(t *testing.T, db, wal []byte) {
		bounded(t, 1<<20+4*(len(db)+len(wal)), func() { _ = survive(t, db, wal) })
	})
}

// FuzzLog has logs whose checksums are right.
func FuzzLog(f *testing.F) {
	db, wal := small(f)
	f.Add(db, wal)
	f.Fuzz(func(t *testing.T, db, wal []byte) {
		if len(wal) >= logHeader {
			copy(wal, "\x37\x7f\x06\x82\x00\x2d\xe2\x18\x00\x00\x02\x00")
			seal(wal, len(wal)%2 == 1)
		}
		bounded(t, 1<<20+4*(len(db)+len(wal)), func() { _ = survive(t, db, wal) })
	})
}

func FuzzParseTable(f *testing.F) {
	f.Add("CREATE TABLE t(a INTEGER PRIMARY KEY, [b c] TEXT DEFAULT 'x''y', CONSTRAINT k UNIQUE (\"a\", `b`)) -- end")
	f.Fuzz(func(t *testing.T, sql string) {
		columns, rowid, err := parseTable(sql)
		if err == nil && (len(columns) == 0 || rowid < -1 || rowid >= len(columns)) {
			t.Errorf("%q: %q, %d", sql, columns, rowid)
		}
	})
}
