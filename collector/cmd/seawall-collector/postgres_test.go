package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"seawall/scripts/pgtest"
)

// TestOnPostgres runs the collector on a server, killed once, and refuses a second one
// on the same database.
func TestOnPostgres(t *testing.T) {
	url := pgtest.Start(t).New()
	folder := t.TempDir()
	startProgram(t, folder, "--store", url).kill()
	p := startProgram(t, folder, "--store", url)
	if _, err := os.Stat(filepath.Join(folder, databaseFile)); err == nil {
		t.Error("there is a file of SQLite")
	}
	var said strings.Builder
	code := execute(t.Context(), []string{"--state-dir", t.TempDir(), "--store", url, "--ingest", "127.0.0.1:0", "--dashboard", "127.0.0.1:0"}, io.Discard, &said)
	if code != 1 || !strings.Contains(said.String(), "another collector") {
		t.Errorf("a second collector: code %d, %s", code, said.String())
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}
