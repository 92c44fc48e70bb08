package postgres_test

import (
	"errors"
	"testing"

	"seawall/collector/db"
	"seawall/collector/store/postgres"
	"seawall/scripts/pgtest"
)

// TestAppend: rows that were added, few or many, are there for each statement that names
// their table and for the commit, in the order of things; an error of theirs undoes the
// transaction; and what is rolled back does not come with the next.
func TestAppend(t *testing.T) {
	server := pgtest.Start(t)
	pool := server.Bouncer()
	t.Run("direct", func(t *testing.T) { testAppend(t, server.New()) })
	t.Run("pool", func(t *testing.T) { testAppend(t, pool.URL(server.New())) })
}

func testAppend(t *testing.T, url string) {
	d, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w := d.Writer
	if !db.Appends(w) {
		t.Fatal("rows are added one by one")
	}
	begin := func() {
		t.Helper()
		if _, err := w.Begin(""); err != nil {
			t.Fatal(err)
		}
	}
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	add := func(from, to int) error {
		for i := from; i < to; i++ {
			if err := db.Append(w, "x", "a, b, c", i, "it's \x00", []byte{1, 0}); err != nil {
				return err
			}
		}
		return nil
	}
	begin()
	must(w.Exec("CREATE TABLE x (a bigint PRIMARY KEY, c bytea, b text)"), w.Exec("CREATE TABLE other (a bigint)"), w.Commit())
	for _, many := range []int{3, 100, 10_000} {
		begin()
		must(add(0, many), w.Exec("INSERT INTO other VALUES (1)"))
		var n int
		if found, err := w.Row("SELECT count(*) FROM x WHERE b = ? AND c = ?", []any{"it's \uFFFD", []byte{1, 0}}, &n); !found || err != nil || n != many {
			t.Fatalf("%d of %d rows are seen, %v", n, many, err)
		}
		must(add(many, 2*many))
		if n, err := w.Change("DELETE FROM x WHERE a >= ?", many); int(n) != many || err != nil {
			t.Errorf("%d of %d added rows deleted, %v", n, many, err)
		}
		must(add(many, 2*many), w.Exec("DELETE FROM x WHERE a < ?", many), add(0, many))
		for range 2 {
			must(add(2*many, 3*many), w.Exec("DELETE FROM x WHERE a >= ?", 2*many))
		}
		var asked int
		must(db.Ask(w, []db.Question{{Text: "SELECT count(*) FROM x", Row: func(scan func(...any) error) error { return scan(&asked) }}}))
		if asked != 2*many {
			t.Errorf("%d rows, want %d", asked, 2*many)
		}
		must(w.Exec("DELETE FROM x"), add(0, many), w.Commit())
		begin()
		must(add(many, 2*many))
		w.Rollback()
		begin()
		must(w.Commit())
		if err := d.Readers.QueryRowContext(t.Context(), "SELECT count(*) FROM x").Scan(&n); err != nil || n != many {
			t.Errorf("%d rows are kept, want %d, %v", n, many, err)
		}
		begin() // a key twice
		if err := errors.Join(add(many, 2*many), add(many, 2*many), w.Commit()); err == nil {
			t.Error("rows twice: no error")
		}
		w.Rollback()
		begin()
		if rows, err := w.Change("DELETE FROM x"); int(rows) != many || err != nil {
			t.Errorf("%d rows were kept, want %d, %v", rows, many, err)
		}
		must(w.Commit())
	}
	begin()
	if err := db.Append(w, "x", "a, b", struct{}{}, ""); err == nil {
		t.Error("a value that no column has is taken")
	}
	w.Rollback()
}
