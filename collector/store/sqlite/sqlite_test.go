package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"seawall/collector/db"
)

func open(t *testing.T, path string) *Database {
	t.Helper()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestOpen(t *testing.T) {
	// A path may hold what means something in a URL.
	path := filepath.Join(t.TempDir(), "a b?mode=memory&x=%20#y.db")
	d := open(t, path)
	for _, text := range []string{"CREATE TABLE a (x)", "INSERT INTO a VALUES (7)"} {
		if _, err := d.Writer.Conn.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	for pragma, want := range map[string]string{"synchronous": "1", "journal_mode": "wal", "auto_vacuum": "2", "trusted_schema": "0"} {
		var got string
		if err := d.Writer.Conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q, %v", pragma, got, want, err)
		}
	}
	var sum int
	err := db.Each(t.Context(), d.Readers, func(scan func(...any) error) error {
		var x int
		err := scan(&x)
		sum += x
		return err
	}, "SELECT x FROM a UNION ALL SELECT 1")
	if err != nil || sum != 8 {
		t.Errorf("sum %d, %v", sum, err)
	}
	stop := errors.New("stop")
	if err := db.Each(t.Context(), d.Readers, func(func(...any) error) error { return stop }, "SELECT 1"); !errors.Is(err, stop) {
		t.Errorf("error of a row: %v", err)
	}
	if err := db.Each(t.Context(), d.Readers, nil, "SELECT nonsense"); err == nil {
		t.Error("a wrong query is no error")
	}
	if _, err := d.Readers.ExecContext(t.Context(), "INSERT INTO a VALUES (8)"); err == nil {
		t.Error("a reader can write")
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
}

func TestWriter(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "x.db")).Writer
	if err := w.Exec("CREATE TABLE a (x INTEGER PRIMARY KEY, y)"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := w.Exec("INSERT INTO a (y) VALUES (?)", "y"); err != nil {
			t.Error(err)
		}
	}
	var sum int
	if ok, err := w.Row("SELECT sum(x) FROM a", nil, &sum); !ok || sum != 6 || err != nil {
		t.Errorf("sum %d, %v, %v", sum, ok, err)
	}
	if ok, err := w.Row("SELECT x FROM a WHERE x = ?", []any{99}, &sum); ok || err != nil {
		t.Errorf("no row: %v, %v", ok, err)
	}
	n := 0
	if err := w.Rows("SELECT x FROM a", nil, func(func(...any) error) error { n++; return nil }); n != 3 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	for _, err := range []error{w.Exec("nonsense"), w.Rows("nonsense", nil, nil), w.Exec("INSERT INTO a VALUES (1, 1)")} {
		if err == nil {
			t.Error("a wrong statement is no error")
		}
	}
	if _, err := w.Row("nonsense", nil); err == nil {
		t.Error("a wrong query is no error")
	}
}

// TestScan has every kind of column and of destination meet.
func TestScan(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "x.db")).Writer
	type (
		word  string
		small uint8
	)
	var (
		s    string
		n    int64
		i    int
		u    uint64
		yes  bool
		blob []byte
		text []byte
		null = []byte("not null")
		name word
		tiny small
	)
	found, err := w.Row("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?", []any{"text", int64(-5), 7, uint32(9), true, []byte{1, 0}, "bytes", []byte(nil), word("word"), small(200)},
		&s, &n, &i, &u, &yes, &blob, &text, &null, &name, &tiny)
	if !found || err != nil {
		t.Fatal(found, err)
	}
	got := fmt.Sprint(s, n, i, u, yes, blob, string(text), null == nil, name, tiny)
	if want := "text -5 7 9 true [1 0] bytes true word 200"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("%s, want %s", got, want)
	}
	for query, to := range map[string]any{
		"SELECT NULL": &s, "SELECT 'x'": &n, "SELECT 300": &tiny, "SELECT -1": &u, "SELECT 2": &yes, "SELECT 1.5": &i,
		"SELECT x'00'": &s, "SELECT 5": &blob, "SELECT 1": &name,
	} {
		if _, err := w.Row(query, nil, to); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s into a %T: %v", query, to, err)
		}
	}
	if _, err := w.Row("SELECT 1, 2", nil, &i); err == nil {
		t.Error("two columns are scanned into one")
	}
	if err := w.Exec("SELECT ?", struct{}{}); err == nil {
		t.Error("a struct is an argument")
	}
}

// TestLockEndsWithProcess holds the database in another process and kills it.
func TestLockEndsWithProcess(t *testing.T) {
	if path := os.Getenv("SQLITE_TEST_HOLD"); path != "" {
		open(t, path)
		fmt.Println("held")
		select {}
	}
	path := filepath.Join(t.TempDir(), "x.db")
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockEndsWithProcess$")
	cmd.Env = append(os.Environ(), "SQLITE_TEST_HOLD="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var word string
	if _, err := fmt.Fscan(out, &word); err != nil || word != "held" {
		t.Fatalf("other process says %q, %v", word, err)
	}
	if _, err := Open(t.Context(), path); !errors.Is(err, ErrLocked) {
		t.Errorf("while another has it: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	open(t, path)
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, put := range map[string]func(string) error{
		"link":   func(p string) error { return os.Symlink("/etc/passwd", p) },
		"folder": func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		path := filepath.Join(dir, name)
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		// The second time shows that the first gave up the lock.
		if _, err := Open(t.Context(), garbage); !errors.Is(err, ErrDamaged) {
			t.Errorf("garbage: %v", err)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "no", "such", "x.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if err := Classify(fs.ErrClosed); !errors.Is(err, fs.ErrClosed) || errors.Is(err, ErrDamaged) {
		t.Errorf("other error: %v", err)
	}
}

// A file that somebody else holds or that is no database cannot be used now; what is wrong
// with a question is the program's own fault.
func TestAway(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "x.db"))
	_, wrong := d.Readers.ExecContext(t.Context(), "SELECT nothing FROM nowhere")
	_, written := d.Readers.ExecContext(t.Context(), "CREATE TABLE x (y INTEGER)") // by one that only reads
	for want, err := range map[bool]error{false: wrong, true: written} {
		if err == nil || Away(fmt.Errorf("ask: %w", err)) != want {
			t.Errorf("%v: away is not %v", err, want)
		}
	}
	if Away(nil) || Away(sql.ErrNoRows) {
		t.Error("what is no error of the database")
	}
}
