package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"seawall/collector/config"
	"seawall/scripts/pgtest"
)

// TestMigrate takes a collector from a file to a server and back, and restores a backup of
// each: tokens are known everywhere, and hosts see the same authority.
func TestMigrate(t *testing.T) {
	url := pgtest.Start(t).New()
	first, second := t.TempDir(), t.TempDir()
	file, back := filepath.Join(first, config.DatabaseFile), filepath.Join(second, config.DatabaseFile)
	kept, sealed := filepath.Join(t.TempDir(), "kept"), filepath.Join(t.TempDir(), "kept")

	p := startProgram(t, first)
	pin := p.at.Pin
	command(t, 0, "shown once", "--state-dir", first, "token", "create", "--label", "before")
	command(t, 0, "read back, and are the same", "--state-dir", first, "backup", kept)
	command(t, 1, "is there already", "--state-dir", first, "backup", kept)
	command(t, 1, "a collector uses it", "--state-dir", first, "migrate", file, url)
	stop(t, p)
	command(t, 1, "a password does not belong", "migrate", file, "postgres://u:secret@/x")
	command(t, 0, "read back, and are the same", "migrate", file, url)
	command(t, 1, "not empty", "migrate", file, url)

	// Nobody goes on where it was by mistake.
	command(t, 1, "copied to another database", "--state-dir", first, "--ingest", "127.0.0.1:0", "--dashboard", "127.0.0.1:0")
	command(t, 1, "no such file", "migrate", "--back", file+".not")

	p = startProgram(t, first, "--store", url)
	known(t, p, pin, first)
	command(t, 1, "a collector uses it", "migrate", url, back)
	command(t, 0, "keep seal.key elsewhere", "--state-dir", first, "--store", url, "backup", sealed)
	stop(t, p)
	command(t, 0, "read back, and are the same", "migrate", url, back)
	command(t, 1, "copied to another database", "--state-dir", first, "--store", url, "--ingest", "127.0.0.1:0", "--dashboard", "127.0.0.1:0")
	command(t, 0, "", "migrate", "--back", url)
	p = startProgram(t, first, "--store", url)
	known(t, p, pin, first)
	stop(t, p)
	again := filepath.Join(t.TempDir(), config.DatabaseFile)
	command(t, 0, "read back, and are the same", "migrate", file, again)
	command(t, 0, "", "migrate", "--back", file)

	key, err := os.ReadFile(filepath.Join(first, "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	third, fourth := t.TempDir(), t.TempDir()
	for _, folder := range []string{second, fourth} {
		if err := os.WriteFile(filepath.Join(folder, "seal.key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command(t, 0, "read back, and are the same", "--state-dir", third, "restore", kept)
	command(t, 0, "read back, and are the same", "--state-dir", fourth, "restore", sealed)
	for _, folder := range []string{second, third, fourth, first} {
		p := startProgram(t, folder)
		known(t, p, pin, folder)
		stop(t, p)
	}
	// A copy of what was moved before has no mark.
	if err := os.Rename(again, file); err != nil {
		t.Fatal(err)
	}
	p = startProgram(t, first)
	known(t, p, pin, first)
	stop(t, p)
}

// command runs a command and wants its exit code, and something that it says.
func command(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	if got := execute(t.Context(), args, &said, &said); got != code || !strings.Contains(said.String(), says) || strings.Contains(said.String(), "secret") {
		t.Fatalf("%q: code %d, want %d and %q:\n%s", args, got, code, says, said.String())
	}
}

// known wants a collector to be what hosts know, and to know the token.
func known(t *testing.T, p *program, pin, folder string) {
	t.Helper()
	if p.at.Pin != pin {
		t.Errorf("hosts see the authority %s, and know %s", p.at.Pin, pin)
	}
	command(t, 0, "before", "--state-dir", folder, "token", "list")
}

func stop(t *testing.T, p *program) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		data, _ := os.ReadFile(p.log)
		t.Fatalf("SIGTERM: %v\n%s", err, data[max(0, len(data)-32<<10):])
	}
}
