package move_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"seawall/collector/store/move"
	"seawall/collector/store/postgres"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/scripts/pgtest"
)

// filled makes a database of SQLite with rows in each table of the schema, and returns
// its path.
func filled(t *testing.T, rows int) string {
	t.Helper()
	newest, err := schema.Version()
	if err != nil {
		t.Fatal(err)
	}
	return filledAt(t, newest, rows)
}

// filledAt is filled for a schema's version.
func filledAt(t *testing.T, version, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "collector.db")
	d, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := schema.Make(t.Context(), d.Writer.Conn, version); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, table := range tables(t, d.Writer.Conn) {
		types := strs(t, d.Writer.Conn, "SELECT type FROM pragma_table_info('"+table+"') ORDER BY cid")
		if err := d.Writer.Exec("BEGIN"); err != nil {
			t.Fatal(err)
		}
		for range rows {
			args := make([]any, len(types))
			for i, typ := range types {
				args[i] = some(random, typ)
			}
			if err := d.Writer.Exec("INSERT INTO "+table+" VALUES (?"+strings.Repeat(", ?", len(types)-1)+")", args...); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Writer.Exec("COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// some is a value of a type, of the kinds that are easily spoilt on the way.
func some(random *rand.Rand, typ string) any {
	n := random.Uint64()
	switch typ {
	case "INTEGER":
		return int64(n) >> (n % 30)
	case "TEXT":
		return []string{"", "a", "Ä", "a\tb\n\\N\"'", "\U0001F600\u202e", "\x7f\u0080"}[n%6] + fmt.Sprint(random.Uint64())
	}
	b := make([]byte, n%40, 48)
	for i := range b {
		b[i] = byte(random.Uint64())
	}
	return append(b, fmt.Sprint(n)...)
}

func tables(t *testing.T, db *sql.Conn) []string {
	return strs(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('migration', 'sqlite_sequence', 'sqlite_stat1') ORDER BY name")
}

func strs(t *testing.T, db *sql.Conn, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// alter runs statements on a file.
func alter(t *testing.T, path string, texts ...string) {
	t.Helper()
	d, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, text := range texts {
		if err := d.Writer.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
}

// differences asks SQLite itself which rows of either file are not in the other.
func differences(t *testing.T, a, b string) {
	t.Helper()
	d, err := sqlite.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Writer.Exec("ATTACH ? AS other", b); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables(t, d.Writer.Conn) {
		var here, there, n int
		_, err := d.Writer.Row(fmt.Sprintf(`SELECT (SELECT count(*) FROM main.%[1]s), (SELECT count(*) FROM other.%[1]s),
			(SELECT count(*) FROM (SELECT * FROM main.%[1]s EXCEPT SELECT * FROM other.%[1]s))`, table), nil, &here, &there, &n)
		if err != nil {
			t.Fatal(err)
		}
		if here == 0 || here != there || n != 0 {
			t.Errorf("%s: %d rows here, %d there, %d differ", table, here, there, n)
		}
	}
}

// left is what is in the folder of a file beside it and its lock.
func left(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return names
}

func copied(t *testing.T, from, to string) []move.Table {
	t.Helper()
	var told []move.Table
	tables, err := move.Copy(t.Context(), from, to, move.Config{Copied: func(t move.Table) { told = append(told, t) }})
	if err != nil {
		t.Fatalf("from %s to %s: %v", from, to, err)
	}
	if diff := cmp.Diff(tables, told); diff != "" || len(tables) < 30 {
		t.Errorf("%d tables, told of others (-got +told):\n%s", len(tables), diff)
	}
	return tables
}

// TestThereAndBack: rows in each table go from a file to a server, to another server, and
// back to a file, and are what they were.
func TestThereAndBack(t *testing.T) {
	server := pgtest.Start(t)
	names := []string{filled(t, 300), server.New(), server.New(), filepath.Join(t.TempDir(), "x.db"), filepath.Join(t.TempDir(), "y.db")}
	first := copied(t, names[0], names[1])
	for i := 2; i < len(names); i++ {
		if diff := cmp.Diff(first, copied(t, names[i-1], names[i])); diff != "" {
			t.Errorf("from %s to %s (-first +this):\n%s", names[i-1], names[i], diff)
		}
	}
	differences(t, names[0], names[4])
	if got := left(t, names[4]); len(got) != 1 {
		t.Errorf("left beside the copy: %q", got)
	}
	info, err := os.Stat(names[4])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy's mode is %v, %v", info.Mode(), err)
	}
	// A collector would go on with it.
	d, err := postgres.Open(t.Context(), names[1])
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Do(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := schema.Postgres(ctx, conn, postgres.LockKey)
		return err
	}); err != nil {
		t.Errorf("a copy is not migrated: %v", err)
	}
}

// TestOlder: what an older program has left is copied as it is, and a collector migrates
// the copy as it would the source.
func TestOlder(t *testing.T) {
	server := pgtest.Start(t)
	for version := 1; version <= 9; version += 4 {
		from, url, back := filledAt(t, version, 20), server.New(), filepath.Join(t.TempDir(), "x.db")
		for _, way := range [][2]string{{from, url}, {url, back}} {
			if _, err := move.Copy(t.Context(), way[0], way[1], move.Config{}); err != nil {
				t.Fatalf("version %d: %v", version, err)
			}
		}
		d, err := sqlite.Open(t.Context(), back)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := schema.Applied(t.Context(), d.Writer.Conn); got != version || err != nil {
			t.Errorf("the copy of version %d is of version %d, %v", version, got, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		differences(t, from, back)
	}
}

// TestMended: what PostgreSQL does not take as text is altered and counted, on both ways.
func TestMended(t *testing.T) {
	from := filled(t, 1)
	alter(t, from, "DELETE FROM meta",
		// Three names that are one when they are altered, one that already is what they become, and text of no key.
		"INSERT INTO meta VALUES ('a' || char(0), 1), (CAST(x'61ff' AS TEXT), 2), (CAST(x'61fe' AS TEXT), 3), ('a\uFFFD', 4), ('fine', 5)",
		"UPDATE waiver SET reason = 'x' || char(0)")
	for name, to := range map[string]string{"server": pgtest.Start(t).New(), "file": filepath.Join(t.TempDir(), "x.db")} {
		for _, table := range copied(t, from, to) {
			want := map[string]int64{"meta": 3, "waiver": 1}[table.Name]
			if table.Mended != want {
				t.Errorf("%s: %d rows of %s were mended, want %d", name, table.Mended, table.Name, want)
			}
		}
	}
}

// TestRefused: what must not be copied is refused before anything is written, and the
// target stays as it was.
func TestRefused(t *testing.T) {
	server := pgtest.Start(t)
	from, used, away := filled(t, 2), server.New(), t.TempDir()
	copied(t, from, used)
	busy := filled(t, 1)
	d, err := sqlite.Open(t.Context(), busy)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	serving := server.New()
	copied(t, from, serving)
	p, err := postgres.Open(t.Context(), serving)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	foreign := server.New()
	execute(t, foreign, "CREATE TABLE theirs (x bigint)")
	newer, altered := filled(t, 1), filled(t, 1)
	alter(t, newer, "INSERT INTO migration VALUES (9999, 'x', 'x', 1)")
	alter(t, altered, "ALTER TABLE day ADD COLUMN more INTEGER")
	damaged := filled(t, 1)
	alter(t, damaged, "UPDATE meta SET value = 'text'")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(away, "x.db")
	for name, c := range map[string]struct {
		from, to string
		want     error
		says     string
	}{
		"a server that is not empty":   {from, used, move.ErrNotEmpty, ""},
		"a file that is there":         {from, busy, move.ErrNotEmpty, ""},
		"somebody else's tables":       {from, foreign, schema.ErrForeign, ""},
		"no file":                      {filepath.Join(away, "none"), fresh, fs.ErrNotExist, ""},
		"a folder":                     {away, fresh, nil, "is no file"},
		"no database":                  {text, fresh, sqlite.ErrDamaged, ""},
		"an empty server":              {server.New(), fresh, nil, "is empty"},
		"a file that is used":          {busy, fresh, move.ErrBusy, ""},
		"a server that is used":        {serving, fresh, move.ErrBusy, ""},
		"a newer version":              {newer, fresh, schema.ErrNewer, ""},
		"another schema":               {altered, fresh, nil, `table "day"`},
		"a value of another type":      {damaged, fresh, nil, "column value holds a string"},
		"a password":                   {from, "postgres://u:secret@127.0.0.1/x", nil, "password"},
		"a server that is not there":   {from, "postgres://u@127.0.0.1:1/x", nil, "connect"},
		"a folder that is not there":   {from, filepath.Join(away, "no", "x.db"), fs.ErrNotExist, ""},
		"one database from and to":     {from, from, move.ErrNotEmpty, ""},
		"a server from and to itself":  {used, used, move.ErrBusy, ""},
		"a server's database nowhere":  {server.URL("nowhere"), fresh, nil, "connect"},
		"what was copied is not right": {from, fresh, errUnwanted, ""},
	} {
		_, err := move.Copy(t.Context(), c.from, c.to, move.Config{Check: func([]move.Table) error { return errUnwanted }})
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %v %q", name, err, c.want, c.says)
		}
		if got := left(t, fresh); len(got) != 0 {
			t.Errorf("%s left %q", name, got)
		}
	}
	// Nothing of the databases that were refused has changed.
	copied(t, used, filepath.Join(t.TempDir(), "x.db"))
	differences(t, from, from)
}

var errUnwanted = errors.New("unwanted")

func execute(t *testing.T, url, text string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// TestLive: a database is copied while others use it, as it was at one moment.
func TestLive(t *testing.T) {
	server := pgtest.Start(t)
	from, url := filled(t, 5), server.New()
	copied(t, from, url)
	d, err := sqlite.Open(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	p, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for name, c := range map[string]struct {
		from string
		add  func(text string) error
	}{
		"file":   {from, func(text string) error { return d.Writer.Exec(text) }},
		"server": {url, func(text string) error { execute(t, url, text); return nil }},
	} {
		rows := make(map[string]int64)
		_, err := move.Copy(t.Context(), c.from, filepath.Join(t.TempDir(), "x.db"), move.Config{Live: true, Copied: func(table move.Table) {
			if len(rows) == 0 { // before the others are read
				if err := c.add("INSERT INTO waiver VALUES ('new', '', '', '', '', '', '', '', 1, 1, 0, '')"); err != nil {
					t.Error(err)
				}
			}
			rows[table.Name] = table.Rows
		}})
		if err != nil || rows["waiver"] != 5 {
			t.Errorf("%s: %d waivers, want the 5 of the moment it began: %v", name, rows["waiver"], err)
		}
	}
}

// TestCanceled: a copy that is called off leaves nothing.
func TestCanceled(t *testing.T) {
	server := pgtest.Start(t)
	from, url, path := filled(t, 50), server.New(), filepath.Join(t.TempDir(), "x.db")
	for _, to := range []string{url, path} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		_, err := move.Copy(ctx, from, to, move.Config{Copied: func(move.Table) {
			if n++; n == 3 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("to %s: %v", to, err)
		}
		copied(t, from, to)
	}
}
