package store

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/pkg/finding"
)

// TestDiskRefuses has the disk refuse the log of a running store: what was not
// acknowledged by then never is, and the store says that it cannot go on.
func TestDiskRefuses(t *testing.T) {
	if path := os.Getenv("STORE_TEST_REFUSED"); path != "" {
		writeUntilRefused(t, path)
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatalf("this test has strace refuse a system call; install it: %v", err)
	}
	path := filepath.Join(t.TempDir(), "collector.db")
	cmd := exec.Command(strace, "-f", "-qq", "-o", filepath.Join(t.TempDir(), "calls"),
		"-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=20", os.Args[0], "-test.run=^TestDiskRefuses$", "-test.v")
	cmd.Env = append(os.Environ(), "STORE_TEST_REFUSED="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "input/output error") {
		t.Fatalf("%v\n%s", err, out)
	}
	s := reopen(t, path, Config{})
	defer s.Close()
	verifyRollups(t, s)
}

// writeUntilRefused is the process whose disk refuses.
func writeUntilRefused(t *testing.T, path string) {
	s := reopen(t, path, Config{})
	defer s.Close()
	enrol(t, s, hostID(0))
	for seq := uint64(1); seq < 1000; seq++ {
		err := s.Apply(t.Context(), hostID(0), deliver(seq, changed(result("ssh-a", "", finding.Status(seq%2+1)))), nil)
		if err == nil {
			continue
		}
		t.Logf("record %d: %v", seq, err)
		if err := s.Apply(t.Context(), hostID(0), deliver(seq, changed(result("ssh-a", "", finding.StatusPass))), nil); err == nil {
			t.Error("a record is acknowledged after the disk refused one")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.Run(ctx); err == nil {
			t.Error("the store goes on")
		}
		return
	}
	t.Error("the disk refused nothing")
}
