package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSweep: what tests that are gone have left is removed, and nothing else.
func TestSweep(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, stays := range map[string]bool{
		fmt.Sprintf("pg%d-1", gone.Process.Pid): false, fmt.Sprintf("pg%d-1", os.Getpid()): true,
		"pg-1": true, "pg": true, "other": true, fmt.Sprintf("pg%d", gone.Process.Pid): true,
	} {
		if err := os.MkdirAll(filepath.Join(folder, name, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
		sweep(folder)
		if _, err := os.Stat(filepath.Join(folder, name)); (err == nil) != stays {
			t.Errorf("%s: %v, stays: %v", name, err, stays)
		}
	}
}

func TestAvailable(t *testing.T) {
	for text, want := range map[string]uint64{
		"MemTotal:       24000000 kB\nMemAvailable:   23000000 kB\n": 23000000 << 10,
		"MemTotal: 1 kB\n": 0, "": 0, "MemAvailable: 1 kB": 1 << 10, "MemAvailable: -1 kB\n": 0, "MemAvailable: 99999999999999 kB\n": 0,
	} {
		if got := available([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	// As this machine says it.
	if text, err := os.ReadFile("/proc/meminfo"); err != nil || available(text) == 0 {
		t.Errorf("%v, of\n%s", err, text)
	}
}
