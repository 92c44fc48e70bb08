package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"seawall/scripts/pgtest"
)

// A server that is down, or says that it cannot now, is away; what is wrong with a
// question is the program's own fault.
func TestAway(t *testing.T) {
	cluster := pgtest.Start(t)
	d, err := Open(t.Context(), cluster.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	ask := func(text string) error {
		var n int
		return fmt.Errorf("ask: %w", d.Readers.QueryRowContext(t.Context(), text).Scan(&n))
	}
	if err := ask("SELECT 1/0"); Away(err) {
		t.Errorf("a wrong question: %v", err)
	}
	cluster.Down()
	if err := ask("SELECT 1"); !Away(err) || errors.Is(err, fs.ErrNotExist) { // its socket is not there: no row that is missing
		t.Errorf("a server that is down: %v", err)
	}
	for _, err := range []error{fs.ErrNotExist, fs.ErrPermission} {
		if got := opaque(fmt.Errorf("dial: %w", err)); errors.Is(got, err) || !Away(got) || got.Error() != "dial: "+err.Error() {
			t.Errorf("%v is told as %v", err, got)
		}
	}
	if err := errors.New("x"); opaque(err) != err {
		t.Error("another error is hidden")
	}
	for code, want := range map[string]bool{"57P03": true, "53300": true, "53100": true, "08006": true, "25006": true, "58030": true, "42P01": false, "23505": false} {
		if Away(fmt.Errorf("ask: %w", &pgconn.PgError{Code: code})) != want {
			t.Errorf("SQLSTATE %s: not %v", code, want)
		}
	}
	for _, err := range []error{nil, sql.ErrNoRows, context.Canceled, errors.New("x")} {
		if Away(err) {
			t.Errorf("%v", err)
		}
	}
	if !Away(errors.Join(errors.New("x"), driver.ErrBadConn)) {
		t.Error("a bad connection")
	}
}
