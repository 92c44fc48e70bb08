package store

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"seawall/collector/store/postgres"
	"seawall/scripts/pgtest"
)

// serverVariable names the server on which the tests of this package make their
// databases. Without it they make files of SQLite.
const serverVariable = "STORE_TEST_SERVER"

// ofFiles are the tests of what only a file can suffer: a full disk, a damaged page, a
// copied log; and those that start a server of their own.
const ofFiles = "^(TestOnPostgres|TestSecondProcessIsRefused|TestDamagedDatabase|TestFullDisk|TestKilledWriter|TestDiskRefuses|TestUnsynced|TestCollectors|TestPromoted)$"

// TestOnPostgres runs the other tests of this package once more, on PostgreSQL.
func TestOnPostgres(t *testing.T) {
	server := pgtest.Start(t)
	cmd := exec.Command(os.Args[0], "-test.run=^(Test|Fuzz)", "-test.skip="+ofFiles, "-test.timeout=5m", "-test.count=1", "-rapid.checks=10")
	cmd.Env = append(os.Environ(), serverVariable+"="+server.URL("postgres"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

var databases atomic.Int64

// newName is the name of a store that is not there yet.
func newName(t testing.TB) string {
	t.Helper()
	server := os.Getenv(serverVariable)
	if server == "" {
		return filepath.Join(t.TempDir(), "collector.db")
	}
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	name := fmt.Sprintf("store%d", databases.Add(1))
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(server, "/postgres?", "/"+name+"?", 1)
}

// tablesQuery gives the names of all tables.
func tablesQuery() string {
	if os.Getenv(serverVariable) != "" {
		return "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	return "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
}

func TestShown(t *testing.T) {
	for name, want := range map[string]string{
		"/var/lib/x.db": "/var/lib/x.db",
		"postgres://seawall:secret@db.example:5432/seawall?password=secret": "postgres://db.example:5432/seawall",
		"postgres://%zz:secret@": "postgres://…",
	} {
		if got := Shown(name); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
	if !postgres.Is("postgresql:///x") || postgres.Is("/postgres:/x") {
		t.Error("what is a URL")
	}
}
