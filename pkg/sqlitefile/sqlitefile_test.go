package sqlitefile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sqlite runs the sqlite3 program on a database and returns what it prints.
func sqlite(t testing.TB, db, script string) string {
	t.Helper()
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Fatalf("this test needs the sqlite3 program (Debian package sqlite3): %v", err)
	}
	cmd := exec.Command(tool, "-batch", "-bail", db)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return string(out)
}

// keepLog makes sqlite3 leave its log where it is when it ends.
const keepLog = ".dbconfig no_ckpt_on_close on\nPRAGMA wal_autocheckpoint = 0;\n"

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}

// load opens the bytes of a database and of its log.
func load(db, wal []byte) (*File, error) {
	return Open(bytes.NewReader(db), bytes.NewReader(wal), int64(len(db)), int64(len(wal)))
}

// dump returns rows of t, whose columns are those of rowsSQL, in the form in which
// sqlite3 prints them.
func dump(db, wal []byte) ([]string, error) {
	f, err := load(db, wal)
	if err != nil {
		return nil, err
	}
	table, err := f.Table("T")
	if err != nil {
		return nil, err
	}
	var rows []string
	err = table.Scan([]string{"B", "id", "c", "n"}, func(r Row) error {
		rows = append(rows, fmt.Sprintf("%d|%d|%X|%d|%s", r.Int(1), r.Int(3), r.Blob(0), r.Size(0), r.Text(2)))
		return nil
	})
	return rows, err
}

const rowsSQL = "SELECT id || '|' || CAST(coalesce(n, 0) AS INTEGER) || '|' || coalesce(hex(b), '') || '|' || coalesce(length(b), 0) || '|' || coalesce(c, '') FROM t ORDER BY id;"

func truth(t testing.TB, db string) []string {
	t.Helper()
	out := strings.TrimSuffix(sqlite(t, db, rowsSQL), "\n")
	if out == "" {
		return nil
	}
	return strings.Split(out, "\n")
}

// fillSQL has rows of all serial types, and values up to several pages long.
func fillSQL(rows, step int) string {
	return fmt.Sprintf(`CREATE TABLE other(x);
CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, n, b BLOB NOT NULL, c TEXT);
CREATE INDEX tb ON t(b);
WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < %d)
INSERT INTO t SELECT i * 3, CASE i %% 4 WHEN 0 THEN NULL WHEN 1 THEN i %% 2 ELSE (1 << (i %% 63)) * (1 - i %% 5) + i END,
	randomblob(1 + i * %d), CASE i %% 3 WHEN 0 THEN NULL ELSE 'text ' || i END FROM i;
DELETE FROM t WHERE id %% 7 = 0;
INSERT INTO t VALUES (-5, 2.75, x'', 'last'), (-4, -1e300, x'', NULL), (-3, 1e300, x'', NULL), (9007199254740993, -9223372036854775808, x'00', 'żółw');
`, rows, step)
}

func TestAgainstSQLite(t *testing.T) {
	for _, tt := range []struct{ page, rows, step int }{
		{512, 400, 5}, {512, 3000, 0}, {1024, 300, 20}, {4096, 300, 100}, {4096, 3000, 1}, {32768, 100, 1000}, {65536, 100, 2000},
	} {
		db := filepath.Join(t.TempDir(), "db")
		sqlite(t, db, fmt.Sprintf("PRAGMA page_size = %d;\n%s", tt.page, fillSQL(tt.rows, tt.step)))
		got, err := dump(readFile(t, db), nil)
		if err != nil {
			t.Errorf("pages of %d bytes: %v", tt.page, err)
		}
		if diff := cmp.Diff(truth(t, db), got); diff != "" {
			t.Errorf("pages of %d bytes (-sqlite3 +ours):\n%.2000s", tt.page, diff)
		}
	}
}

// TestReadAt reads values in pieces, forwards and backwards.
func TestReadAt(t *testing.T) {
	db := filepath.Join(t.TempDir(), "db")
	sqlite(t, db, "PRAGMA page_size = 512;\n"+fillSQL(50, 97))
	f, err := load(readFile(t, db), nil)
	if err != nil {
		t.Fatal(err)
	}
	table, err := f.Table("t")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := table.Columns(), []string{"id", "n", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("columns %q, want %q", got, want)
	}
	err = table.Scan([]string{"b"}, func(r Row) error {
		whole := bytes.Clone(r.Blob(0))
		for _, step := range []int{1, 7, 300, 512, 1000} {
			for off := 0; off < len(whole); off += step {
				for _, at := range []int{off, len(whole) - 1 - off} {
					p := make([]byte, min(step, len(whole)-at))
					if err := r.ReadAt(0, p, int64(at)); err != nil || !bytes.Equal(p, whole[at:at+len(p)]) {
						return fmt.Errorf("%d bytes from %d on of %d: %x, %w", len(p), at, len(whole), p, err)
					}
				}
			}
		}
		for _, off := range []int64{-1, int64(len(whole)), 1<<63 - 1} {
			if err := r.ReadAt(0, make([]byte, 1), off); !errors.Is(err, ErrDamaged) {
				return fmt.Errorf("read at %d of %d: %w", off, len(whole), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	db := filepath.Join(t.TempDir(), "db")
	sqlite(t, db, `CREATE TABLE plain(a, b); INSERT INTO plain VALUES (1, 2); ALTER TABLE plain ADD COLUMN c DEFAULT 7;
INSERT INTO plain VALUES (4, 5, 6);
CREATE VIEW seen AS SELECT 1;
CREATE TABLE bare(a PRIMARY KEY, b) WITHOUT ROWID;
CREATE TABLE made(a, b AS (a + 1));
CREATE TABLE "a ""quoted"" name"(x);`)
	f, err := load(readFile(t, db), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"PLAIN": nil, `a "quoted" name`: nil, "none": ErrNoTable, "seen": ErrNoTable, "bare": ErrUnsupported, "made": ErrUnsupported,
	} {
		if _, err := f.Table(name); !errors.Is(err, want) {
			t.Errorf("table %s: got %v, want %v", name, err, want)
		}
	}
	table, err := f.Table("plain")
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	stop := errors.New("stop")
	err = table.Scan([]string{"a", "c"}, func(r Row) error {
		if got = append(got, r.Int(0), r.Int(1)); r.Int(1) == 6 {
			return stop
		}
		return nil
	})
	if want := []int64{1, 0, 4, 6}; !errors.Is(err, stop) || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v and the error of the call", got, err, want)
	}
	if err := table.Scan([]string{"d"}, nil); !errors.Is(err, ErrNoTable) {
		t.Errorf("unknown column: %v", err)
	}
}

// TestParseTable compares column names and the row number's column with what
// sqlite3 makes of the same statement.
func TestParseTable(t *testing.T) {
	for _, sql := range []string{
		"CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
		"CREATE TABLE t(a INT PRIMARY KEY, b)",
		"CREATE TABLE t(a INTEGER PRIMARY KEY DESC, b)",
		"CREATE TABLE t(a INTEGER, b TEXT, PRIMARY KEY(a))",
		"CREATE TABLE t(a INTEGER, b TEXT, PRIMARY KEY(a, b))",
		"CREATE TABLE t(a INTEGER, b 'INTEGER', CONSTRAINT p PRIMARY KEY(\"b\" ASC))",
		"CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)",
		"CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))",
		"CREATE TABLE t /* (x) */ ( -- a, b\n[a b] VARCHAR(10, 2) DEFAULT ('),('), `c,``d` DECIMAL, \"prim\"\"ary\" integer UNIQUE CHECK (e > 1), e)",
		"CREATE TABLE t(\"primary\" INTEGER NOT NULL PRIMARY KEY ON CONFLICT REPLACE, \"check\" TEXT, x COLLATE NOCASE)",
		"CREATE TABLE t(a)",
	} {
		db := filepath.Join(t.TempDir(), "db")
		name, _, _ := strings.Cut(strings.TrimPrefix(sql, "CREATE TABLE "), "(")
		name = strings.Trim(strings.Fields(name)[0], "'")
		out := sqlite(t, db, sql+";\n.mode list\nSELECT name FROM pragma_table_info('"+name+"');\n")
		want := strings.Split(strings.TrimSpace(out), "\n")
		columns, rowid, err := parseTable(sql)
		if err != nil || !slices.EqualFunc(columns, want, strings.EqualFold) {
			t.Errorf("%s: columns %q, %v, want %q", sql, columns, err, want)
		}
		// A column that is the row number follows it.
		wantRow := -1
		for i, c := range want {
			c = strings.ReplaceAll(c, `"`, `""`)
			check := fmt.Sprintf(`INSERT INTO %[1]s(rowid) VALUES (77); SELECT count(*) FROM %[1]s WHERE "%[2]s" IS 77 AND typeof("%[2]s") = 'integer';`, "tt", c)
			copied := "CREATE TABLE tt" + sql[strings.Index(sql, "("):]
			if strings.Contains(sql, "NOT NULL") && !strings.Contains(sql, "PRIMARY") || strings.Contains(sql, "/*") || strings.Contains(sql, "blob") {
				break // rows need more columns
			}
			if strings.TrimSpace(sqlite(t, filepath.Join(t.TempDir(), "db"), copied+";\n"+check)) == "1" {
				wantRow = i
			}
		}
		if strings.Contains(sql, "AUTOINCREMENT") {
			wantRow = 0
		}
		if rowid != wantRow {
			t.Errorf("%s: the row number is column %d, want %d", sql, rowid, wantRow)
		}
	}
	for _, sql := range []string{"", "CREATE TABLE t", "CREATE TABLE t(", "CREATE TABLE t()", ")))", "CREATE TABLE t(,,"} {
		if columns, _, err := parseTable(sql); err == nil {
			t.Errorf("%q: got %q, want an error", sql, columns)
		}
	}
}

func TestEmpty(t *testing.T) {
	db := filepath.Join(t.TempDir(), "db")
	sqlite(t, db, "CREATE TABLE t(id INTEGER PRIMARY KEY, n, b, c);")
	if rows, err := dump(readFile(t, db), nil); err != nil || rows != nil {
		t.Errorf("table without rows: %q, %v", rows, err)
	}
	if _, err := dump(nil, nil); !errors.Is(err, ErrNoTable) {
		t.Errorf("empty file: %v", err)
	}
	utf16 := filepath.Join(t.TempDir(), "db")
	sqlite(t, utf16, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(id INTEGER PRIMARY KEY, n, b, c);")
	if _, err := dump(readFile(t, utf16), nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("UTF-16: %v", err)
	}
}
