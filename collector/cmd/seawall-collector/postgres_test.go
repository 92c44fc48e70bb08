package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"seawall/collector/admit"
	"seawall/collector/config"
	"seawall/collector/contact"
	"seawall/scripts/pgtest"
)

// TestOnPostgres runs two collectors on a server, the first of which was killed once:
// the second needs the key of the first, and has its authority then.
func TestOnPostgres(t *testing.T) {
	url := pgtest.Start(t).New()
	one, two := t.TempDir(), t.TempDir()
	startProgram(t, one, "--store", url).kill()
	first := startProgram(t, one, "--store", url)
	for _, name := range []string{config.DatabaseFile, "ca"} {
		if _, err := os.Stat(filepath.Join(one, name)); err == nil {
			t.Errorf("there is %s in the folder", name)
		}
	}
	var said strings.Builder
	code := execute(t.Context(), []string{"--state-dir", two, "--store", url, "--ingest", "127.0.0.1:0", "--dashboard", "127.0.0.1:0"}, io.Discard, &said)
	if code != 1 || !strings.Contains(said.String(), "copy the file with the key") {
		t.Errorf("a second collector without the key: code %d, %s", code, said.String())
	}
	key, err := os.ReadFile(filepath.Join(one, admit.KeyFile))
	copied := filepath.Join(t.TempDir(), "copied")
	if err = errors.Join(err, os.WriteFile(copied, key, 0o600)); err != nil {
		t.Fatal(err)
	}
	second := startProgram(t, two, "--store", url, "--seal-key", copied)
	if second.at.Pin != first.at.Pin {
		t.Errorf("pins %s and %s", first.at.Pin, second.at.Pin)
	}
	// What one does to the authority the other follows.
	said.Reset()
	if code := execute(t.Context(), []string{"--state-dir", one, "ca", "rotate"}, io.Discard, &said); code != 0 {
		t.Fatalf("rotate: %s", said.String())
	}
	var at contact.Contact
	if !poll(func() bool {
		data, err := os.ReadFile(filepath.Join(two, contact.File))
		return err == nil && json.Unmarshal(data, &at) == nil && at.Pin != first.at.Pin
	}) {
		t.Error("the second collector does not follow a rotation")
	}
	for _, p := range []*program{first, second} {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
	}
}
