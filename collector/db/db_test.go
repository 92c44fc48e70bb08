package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"

	_ "modernc.org/sqlite"
)

func open(t *testing.T) *sql.DB {
	t.Helper()
	d, err := sql.Open("sqlite", "file:"+t.TempDir()+"/x.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := d.ExecContext(t.Context(), "CREATE TABLE word (n INTEGER, text TEXT); INSERT INTO word VALUES (1, 'one'), (2, 'two'), (3, 'three')"); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestEach: each row comes once, in order, until one is not wanted, and no connection is
// kept.
func TestEach(t *testing.T) {
	d := open(t)
	d.SetMaxOpenConns(1) // a query whose rows stay open would have the next one wait for ever
	enough := errors.New("enough")
	for _, test := range []struct {
		stop int
		want []string
		err  error
	}{{0, []string{"2 two", "3 three"}, nil}, {1, []string{"2 two"}, enough}} {
		var got []string
		err := Each(t.Context(), d, func(scan func(...any) error) error {
			var n int
			var text string
			if err := scan(&n, &text); err != nil {
				return err
			}
			got = append(got, fmt.Sprint(n, " ", text))
			if len(got) == test.stop {
				return enough
			}
			return nil
		}, "SELECT n, text FROM word WHERE n > ? ORDER BY n", 1)
		if !errors.Is(err, test.err) || !slices.Equal(got, test.want) {
			t.Errorf("stopped after %d: %q, %v; want %q, %v", test.stop, got, err, test.want, test.err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	none := func(func(...any) error) error { t.Error("there is a row"); return nil }
	if err := Each(ctx, d, none, "SELECT n FROM word"); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody asks any more: %v", err)
	}
	if err := Each(t.Context(), d, none, "SELECT n FROM nowhere"); err == nil {
		t.Error("there is no such table, and no error")
	}
}

// TestOne: no row is no error, and one that cannot be read is.
func TestOne(t *testing.T) {
	d := open(t)
	d.SetMaxOpenConns(1)
	for _, test := range []struct {
		query string
		found bool
		want  int
		fails bool
	}{
		{"SELECT n FROM word WHERE n >= ? ORDER BY n", true, 2, false},
		{"SELECT n FROM word WHERE n > ? + 1", false, 0, false},
		{"SELECT text FROM word WHERE n = ?", false, 0, true},
		{"SELECT n, text FROM word WHERE n = ?", false, 0, true},
		{"SELECT n FROM nowhere WHERE n = ?", false, 0, true},
	} {
		n := 0
		found, err := One(t.Context(), d, test.query, []any{2}, &n)
		if found != test.found || n != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %v, %d, %v", test.query, found, n, err)
		}
	}
}

// silent is a transaction of a database that nobody else has open.
type silent struct{ Writer }

type telling struct {
	Writer
	told []string
}

func (w *telling) Tell(topic string) { w.told = append(w.told, topic) }

func TestTell(t *testing.T) {
	w := &telling{}
	for _, one := range []Writer{w, silent{}} { // which would panic
		Tell(one, "rules")
	}
	if !slices.Equal(w.told, []string{"rules"}) {
		t.Errorf("told of %q", w.told)
	}
}

// TestInsert: the statement of a row that is added where rows are not collected.
func TestInsert(t *testing.T) {
	got := []string{Insert("x", "a"), Insert("x", "a, b, c")}
	if want := []string{"INSERT INTO x (a) VALUES (?)", "INSERT INTO x (a, b, c) VALUES (?, ?, ?)"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
