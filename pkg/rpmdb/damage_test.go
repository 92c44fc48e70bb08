package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"seawall/pkg/sqlitefile"
)

// small makes a database of few small pages, as rpm keeps the two tables.
func small(t testing.TB) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "db")
	script := `PRAGMA page_size = 512;
CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL);
CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL);
`
	for i, p := range made(5) {
		script += insertSQL(i+1, p.Name, headerOf(p, i))
	}
	run(t, []byte(script), "sqlite3", "-bail", name)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func smallHash(t testing.TB) []byte {
	t.Helper()
	var headers [][]byte
	for i, p := range made(7) {
		headers = append(headers, headerOf(p, i%3))
	}
	folder := t.TempDir()
	importHash(t, folder, "1234", 512, headers...)
	b, err := os.ReadFile(filepath.Join(folder, bdbName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parseSQLite(b []byte) ([]Package, error) {
	f, err := sqlitefile.Open(bytes.NewReader(b), nil, int64(len(b)), 0)
	if err != nil {
		return nil, err
	}
	return readTables(f, true)
}

func parseHash(b []byte) ([]Package, error) { return readHash(bytes.NewReader(b), int64(len(b)), true) }

func names(packages []Package) []string {
	var all []string
	for _, p := range packages {
		all = append(all, p.Name)
	}
	slices.Sort(all)
	return all
}

// survive parses what may be damaged; it fails for an error that is not about
// damage.
func survive(t testing.TB, parse func([]byte) ([]Package, error), b []byte) ([]string, error) {
	t.Helper()
	packages, err := parse(b)
	if err != nil && !errors.Is(explain("", err), ErrDamaged) && !errors.Is(err, sqlitefile.ErrUnsupported) {
		t.Errorf("an error of another kind: %v", err)
	}
	return names(packages), err
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

// TestFlips changes each byte in several ways. The packages are those or there is
// an error; no packages at all is one of Read's.
func TestFlips(t *testing.T) {
	for kind, parse := range map[string]func([]byte) ([]Package, error){"sqlite": parseSQLite, "bdb": parseHash} {
		b := small(t)
		if kind == "bdb" {
			b = smallHash(t)
		}
		want, err := survive(t, parse, b)
		if err != nil || len(want) < 5 {
			t.Fatalf("%s: %q, %v", kind, want, err)
		}
		for i := range b {
			bounded(t, 2<<20, func() { flip(t, kind, parse, b, i, want) })
		}
	}
}

// flip changes byte i in several ways.
func flip(t *testing.T, kind string, parse func([]byte) ([]Package, error), b []byte, i int, want []string) {
	t.Helper()
	for _, change := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255, b[i]} {
		if change == 0 {
			continue
		}
		b[i] ^= change
		got, err := survive(t, parse, b)
		if err == nil && len(got) > 0 && len(got) != len(want) {
			t.Errorf("%s: byte %d changed by %#x: %d packages", kind, i, change, len(got))
		}
		if kind == "sqlite" && err == nil && len(got) > 0 && !slices.Equal(got, want) {
			t.Errorf("%s: byte %d changed by %#x: %q", kind, i, change, got)
		}
		b[i] ^= change
	}
}

// TestPages overwrites each page of real databases, and ends the files there.
func TestPages(t *testing.T) {
	for name, parse := range map[string]func([]byte) ([]Package, error){"alma9.sqlite.gz": parseSQLite, "rocky8.Packages.gz": parseHash} {
		good := unzip(t, name)
		want, err := survive(t, parse, good)
		if err != nil || len(want) != 16 {
			t.Fatalf("%q, %v", want, err)
		}
		const page = 4096
		for at := 0; at < len(good); at += page {
			for what, damage := range map[string]func(b []byte) []byte{
				"zero":    func(b []byte) []byte { clear(b[at : at+page]); return b },
				"ones":    func(b []byte) []byte { copy(b[at:], bytes.Repeat([]byte{0xff}, page)); return b },
				"another": func(b []byte) []byte { copy(b[at:at+page], good[(at+3*page)%len(good):]); return b },
				"end":     func(b []byte) []byte { return b[:at] },
				"half":    func(b []byte) []byte { clear(b[at+page/2 : at+page]); return b },
			} {
				got, err := survive(t, parse, damage(bytes.Clone(good)))
				if err == nil && len(got) > 0 && !slices.Equal(got, want) {
					t.Errorf("%s, page %d, %s: %q", name, at/page, what, got)
				}
			}
		}
	}
}

// record parses one header.
func record(b []byte) (Package, error) {
	h := headers{times: true, readAt: func(p []byte, off int64) error {
		if off < 0 || off+int64(len(p)) > int64(len(b)) {
			panic(off) // a test's own: the record ends there
		}
		copy(p, b[off:])
		return nil
	}}
	return h.read(int64(len(b)))
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

// TestChainOfBytes: a chain of overflow pages may not go through one page with one
// byte as often as the value is long.
func TestChainOfBytes(t *testing.T) {
	folder := t.TempDir()
	importHash(t, folder, "1234", 512, headerOf(made(6)[5], 2000))
	b, err := os.ReadFile(filepath.Join(folder, bdbName))
	if err != nil {
		t.Fatal(err)
	}
	pages := len(b) / 512
	for i := range pages {
		p := b[i*512:][:512]
		next := int(binary.LittleEndian.Uint32(p[16:]))
		if p[25] != typeOver || binary.LittleEndian.Uint32(p[12:]) != 0 || next == 0 {
			continue // it is not the first of a chain
		}
		p = b[next*512:][:512]
		binary.LittleEndian.PutUint32(p[16:], uint32(next))
		binary.LittleEndian.PutUint16(p[22:], 1)
	}
	r := &counting{ReaderAt: bytes.NewReader(b)}
	if got, err := readHash(r, int64(len(b)), true); !errors.Is(err, ErrDamaged) || r.n > 10*pages {
		t.Errorf("%d packages with %d reads of %d pages, %v", len(got), r.n, pages, err)
	}
}

// TestTextInAll: headers may be many or long, and not both.
func TestTextInAll(t *testing.T) {
	p := made(1)[0]
	p.Name, p.Version = strings.Repeat("n", maxString-1), strings.Repeat("v", maxString-1)
	b := headerOf(p, 0)
	h := headers{times: true, readAt: func(p []byte, off int64) error { copy(p, b[off:]); return nil }}
	n := 0
	for ; n < maxPackages; n++ {
		if _, err := h.read(int64(len(b))); err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Error(err)
			}
			break
		}
	}
	if want := maxText / (2 * maxString); n < want-want/10 || n > want+want/10 {
		t.Errorf("read %d headers, want about %d", n, want)
	}
}

func TestHeader(t *testing.T) {
	p := made(10)[5]
	name, version := tag{tagName, typeString, []any{"n"}}, tag{tagVersion, typeString, []any{"1"}}
	release := tag{tagRelease, typeString, []any{"2"}}
	for what, tt := range map[string]struct {
		b    []byte
		want string
	}{
		"whole":            {headerOf(p, 3), p.Name + " " + p.EVR()},
		"no epoch":         {header([]tag{name, version, release}, nil), "n 1-2"},
		"replaced":         {header([]tag{name, version, release}, []tag{{tagRelease, typeString, []any{"3"}}}), "n 1-3"},
		"several texts":    {header([]tag{name, version, release, {tagVendor, typeI18N, []any{"a", "b"}}}, nil), "n 1-2"},
		"nothing":          {nil, ""},
		"no release":       {header([]tag{name, version}, nil), ""},
		"empty name":       {header([]tag{{tagName, typeString, []any{""}}, version, release}, nil), ""},
		"number for name":  {header([]tag{{tagName, typeInt32, []any{1}}, version, release}, nil), ""},
		"text for epoch":   {header([]tag{name, version, release, {tagEpoch, typeString, []any{"1"}}}, nil), ""},
		"no values":        {header([]tag{name, version, release, {tagEpoch, typeInt32, nil}}, nil), ""},
		"text without end": {header([]tag{version, release}, []tag{name})[:0], ""},
		"long text":        {header([]tag{{tagName, typeString, []any{string(bytes.Repeat([]byte{'x'}, 1<<20))}}, version, release}, nil), ""},
	} {
		got, err := record(tt.b)
		if tt.want == "" && !errors.Is(err, ErrDamaged) || tt.want != "" && (err != nil || got.Name+" "+got.EVR() != tt.want) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	whole := headerOf(p, 0)
	for n := range whole {
		if _, err := record(whole[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	open := bytes.Clone(whole)
	copy(open[len(open)-8:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	binary.BigEndian.PutUint32(open[8+16+8:], binary.BigEndian.Uint32(open[4:])-1) // the name is the last byte
	if got, err := record(open); !errors.Is(err, ErrDamaged) {
		t.Errorf("text without end: %+v, %v", got, err)
	}
}

func FuzzHeader(f *testing.F) {
	for i, p := range made(4) {
		f.Add(headerOf(p, i))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := record(b)
		if err == nil && (p.Name == "" || p.Version == "" || p.Release == "" || p.Epoch < -1) {
			t.Errorf("%+v", p)
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	})
}

func FuzzHash(f *testing.F) {
	f.Add(smallHash(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, 2<<20+4*len(b), func() { _, _ = survive(t, parseHash, b) })
	})
}

func FuzzSQLite(f *testing.F) {
	f.Add(small(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, 2<<20+4*len(b), func() { _, _ = survive(t, parseSQLite, b) })
	})
}
