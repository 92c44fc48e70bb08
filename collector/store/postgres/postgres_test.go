package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"seawall/collector/db"
	"seawall/collector/store/postgres"
	"seawall/pkg/finding"
	"seawall/scripts/pgtest"
)

func TestWriter(t *testing.T) {
	url := pgtest.Start(t).New()
	d, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w := d.Writer
	var three int
	if fresh, err := w.Begin("SELECT 1 + 2", &three); fresh || err != nil || three != 3 {
		t.Fatalf("begin: %v, %d, %v", fresh, three, err)
	}
	if _, err := w.Change("CREATE TABLE x (a bigint PRIMARY KEY, b text, c bytea)"); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := w.Exec("INSERT INTO x VALUES (?, ?, ?)", i, "it's ?\x00", []byte{1, 0}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.Change("UPDATE x SET b = 'what?' WHERE a < ?2 OR b = ?1", "none", 10); n != 10 || err != nil {
		t.Errorf("%d rows changed, %v", n, err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	var n int
	var b string
	var c []byte
	var odd bool
	if err := d.Readers.QueryRowContext(t.Context(), "SELECT count(*) OVER (), b, c, a % 2 FROM x WHERE a > ? ORDER BY a", 98).Scan(&n, &b, &c, &odd); err != nil ||
		n != 901 || b != "it's ?\uFFFD" || len(c) != 2 || !odd {
		t.Errorf("read %d, %q, %v, %v, %v", n, b, c, odd, err)
	}
	// What fails is told with the next answer, or with the commit, and nothing is kept.
	if _, err := w.Begin(""); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Exec("INSERT INTO x VALUES (2000, '', '')"), w.Exec("INSERT INTO x VALUES (1, '', '')"), w.Commit()); err == nil {
		t.Error("a key twice: no error")
	}
	w.Rollback()
	if _, err := w.Begin(""); err != nil {
		t.Fatal(err)
	}
	found, err := w.Row("SELECT b FROM x WHERE a = ?", []any{2000}, &b)
	if found || err != nil {
		t.Errorf("what was rolled back is there: %v, %v", found, err)
	}
	w.Rollback()
}

// TestAsk: each of many questions has its own answer, in order, what was written before
// them is in it, and one that fails has the transaction fail.
func TestAsk(t *testing.T) {
	d, err := postgres.Open(t.Context(), pgtest.Start(t).New())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w := d.Writer
	if _, err := w.Begin(""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Change("CREATE TABLE x (a bigint PRIMARY KEY, b text)"); err != nil {
		t.Fatal(err)
	}
	var questions []db.Question
	var got, want []string
	for i := range 600 {
		if i%3 == 0 { // the others have no row
			want = append(want, fmt.Sprint(i, " word ", i))
			if err := w.Exec("INSERT INTO x VALUES (?, ?)", i, fmt.Sprint("word ", i)); err != nil {
				t.Fatal(err)
			}
		}
		questions = append(questions, db.Question{Text: "SELECT a, b FROM x WHERE a = ?", Args: []any{i}, Row: func(scan func(...any) error) error {
			var n int
			var b string
			err := scan(&n, &b)
			got = append(got, fmt.Sprint(n, " ", b))
			return err
		}})
	}
	if !db.Asks(w) {
		t.Error("the writer does not ask many at once")
	}
	if err := db.Ask(w, questions); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%d answers, want %d, %v", len(got), len(want), err)
	}
	var verdict finding.Status // a number of a type of its own
	one := db.Question{Text: "SELECT a FROM x WHERE a = 3", Row: func(scan func(...any) error) error { return scan(&verdict) }}
	if err := db.Ask(w, []db.Question{one}); err != nil || verdict != 3 {
		t.Errorf("verdict %d, %v", verdict, err)
	}
	if err := db.Ask(w, nil); err != nil {
		t.Error(err)
	}
	if err := db.Ask(w, []db.Question{one, {Text: "SELECT 1 / (a - 3) FROM x WHERE a = 3"}, one}); err == nil {
		t.Error("a question that fails has an answer")
	}
	w.Rollback()
	enough := errors.New("enough")
	if err := db.Ask(w, []db.Question{{Text: "SELECT 1", Row: func(func(...any) error) error { return enough }}}); !errors.Is(err, enough) {
		t.Errorf("an answer that is not wanted: %v", err)
	}
}

// TestReconnect: a server that was away is found again, and the writer says that it is.
func TestReconnect(t *testing.T) {
	server := pgtest.Start(t)
	d, err := postgres.Open(t.Context(), server.New())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w := d.Writer
	if _, err := w.Begin(""); err != nil {
		t.Fatal(err)
	}
	server.Down()
	if err := errors.Join(w.Exec("CREATE TABLE lost ()"), w.Commit()); err == nil {
		t.Error("a commit without a server")
	}
	w.Rollback()
	if _, err := w.Begin(""); err == nil {
		t.Error("began without a server")
	}
	server.Up()
	if fresh, err := w.Begin(""); !fresh || err != nil {
		t.Fatalf("begin again: fresh %v, %v", fresh, err)
	}
	if err := errors.Join(w.Exec("CREATE TABLE kept ()"), w.Commit()); err != nil {
		t.Error(err)
	}
}

// TestOneMoment reads twice in a transaction, between which something is written.
func TestOneMoment(t *testing.T) {
	d, err := postgres.Open(t.Context(), pgtest.Start(t).New())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Writer.Change("CREATE TABLE x (a bigint)"); err != nil {
		t.Fatal(err)
	}
	tx, err := d.Readers.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for range 2 {
		var n int
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM x").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows, %v", n, err)
		}
		if _, err := d.Writer.Change("INSERT INTO x VALUES (1)"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO x VALUES (2)"); err == nil {
		t.Error("a transaction that reads has written")
	}
}

func TestBusy(t *testing.T) {
	server := pgtest.Start(t)
	pool := server.Bouncer().URL
	for way, name := range map[string]func(string) string{"direct": func(url string) string { return url }, "through pgbouncer": pool} {
		url := server.New()
		d, err := postgres.Open(t.Context(), name(url)+"&application_name=one")
		if err != nil {
			t.Fatal(err)
		}
		if busy, err := postgres.Busy(t.Context(), url); !busy || err != nil {
			t.Errorf("%s: with a collector: %v, %v", way, busy, err)
		}
		if busy, err := postgres.Busy(t.Context(), server.New()); busy || err != nil {
			t.Errorf("%s: with a collector on another database: %v, %v", way, busy, err)
		}
		if d.Listens() == (way != "direct") {
			t.Errorf("%s: listens: %v", way, d.Listens())
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if way != "direct" {
			continue // the pool keeps the connection for a while
		}
		server.Until("the server knows that it is gone", func(ctx context.Context) error {
			if busy, err := postgres.Busy(ctx, url); busy || err != nil {
				return fmt.Errorf("busy: %v, %w", busy, err)
			}
			return nil
		})
	}
}

func TestCheck(t *testing.T) {
	for name, ok := range map[string]bool{
		"postgres:///seawall?host=/run/postgresql": true, "postgresql://seawall@db/seawall?passfile=/etc/x": true,
		"postgres://seawall:secret@db/seawall": false, "postgres://db/seawall?password=x": false,
		"/var/lib/x.db": false, "postgres://%zz": false, "": false,
	} {
		if err := postgres.Check(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// FuzzRewrite has no statement make the rewriting fail, and what needs none stays as it is.
func FuzzRewrite(f *testing.F) {
	for _, text := range []string{"SELECT ?, ?2, 'it''s ?'", "'", "/*postgres x */ /*postgres", "a CROSS JOIN b ON ?"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := postgres.Rewrite(text)
		if !strings.ContainsAny(text, "?(/") && !strings.Contains(text, "CROSS JOIN") && !strings.Contains(text, "BEGIN") && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
