package view

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"seawall/collector/store/postgres"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/scripts/pgtest"
)

// serverVariable names the server on which tests make their databases. Without it they
// make files of SQLite.
const serverVariable = "VIEW_TEST_SERVER"

// TestOnPostgres runs the other tests of this package once more, on PostgreSQL, but for
// those that ask SQLite how it will find rows.
func TestOnPostgres(t *testing.T) {
	server := pgtest.Start(t)
	cmd := exec.Command(os.Args[0], "-test.run=^Test", "-test.skip=^TestOnPostgres$|Plans?$", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), serverVariable+"="+server.URL("postgres"))
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

var databases atomic.Int64

// empty makes a database with the tables alone.
func empty(t *testing.T) (*sql.DB, func(text string, args ...any) error) {
	t.Helper()
	server := os.Getenv(serverVariable)
	if server == "" {
		d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
			t.Fatal(err)
		}
		return d.Readers, d.Writer.Exec
	}
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	name := fmt.Sprintf("view%d", databases.Add(1))
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	d, err := postgres.Open(t.Context(), strings.Replace(server, "/postgres?", "/"+name+"?", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Do(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := schema.Postgres(ctx, conn, postgres.LockKey)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return d.Readers, func(text string, args ...any) error {
		_, err := d.Writer.Change(text, args...)
		return err
	}
}
