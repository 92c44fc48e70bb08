package engine

import (
	"errors"
	"path/filepath"
	"testing"

	"seawall/collector/store/turn"
	"seawall/scripts/pgtest"
)

// TestTransactions: on both databases what was committed is read, what was rolled back is not,
// and a second opening finds the schema that the first one made.
func TestTransactions(t *testing.T) {
	for name, at := range map[string]string{"SQLite": filepath.Join(t.TempDir(), "x.db"), "PostgreSQL": pgtest.Start(t).New()} {
		var versions []int
		for range 2 {
			e, version, err := Open(t.Context(), at)
			if err != nil {
				t.Fatal(name, err)
			}
			versions = append(versions, version)
			for value, end := range map[int]func() error{
				len(versions): func() error { return e.Commit(turn.Change{}) },
				100:           func() error { e.Rollback(); return nil },
			} {
				if _, err := e.Begin(); err != nil {
					t.Fatal(name, err)
				}
				if err := e.Writer.Exec("INSERT INTO meta VALUES ('of a test', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", value); err != nil {
					t.Fatal(name, err)
				}
				if err := end(); err != nil {
					t.Fatal(name, err)
				}
			}
			if err := errors.Join(e.Sync(), e.Tend(t.Context()), e.Calm(), e.Tidy()); err != nil {
				t.Error(name, err)
			}
			var got int
			if err := e.Readers.QueryRowContext(t.Context(), "SELECT value FROM meta WHERE name = 'of a test'").Scan(&got); err != nil || got != len(versions) {
				t.Errorf("%s has %d, %v", name, got, err)
			}
			if of := e.Weeks && e.Shared != nil; of != (name == "PostgreSQL") {
				t.Errorf("%s: weeks %v, shared %v", name, e.Weeks, e.Shared)
			}
			why := errors.New("why it ended")
			if err := e.Leave(why); !errors.Is(err, why) {
				t.Errorf("%s: %v", name, err)
			}
			if err := e.Readers.PingContext(t.Context()); err == nil {
				t.Errorf("%s is still open", name)
			}
		}
		if versions[0] != versions[1] || versions[0] == 0 {
			t.Errorf("%s has the versions %v", name, versions)
		}
	}
}
