package store

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"seawall/collector/fleet"
)

func hostID(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n+1)) }

// openTest opens a store in a folder of the test and returns its path, too.
func openTest(t testing.TB, cfg Config) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "collector.db")
	return reopen(t, path, cfg), path
}

func reopen(t testing.TB, path string, cfg Config) *Store {
	t.Helper()
	cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Unix(1_800_000_100, 0).UTC() }
	}
	s, err := Open(t.Context(), path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
