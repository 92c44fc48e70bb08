package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Called by another name, in a root of its own, it says and leaves that name.
func TestRan(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a root of its own needs root")
	}
	root := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(root, "ran-of-ours"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // there is no library in that root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Link(filepath.Join(root, "ran-of-ours"), filepath.Join(root, "rpm")); err != nil {
		t.Fatal(err)
	}
	run := func() (string, error) {
		cmd := exec.Command("/rpm", "--eval", "%{x}")
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		cmd.Dir = "/"
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err == nil {
		t.Errorf("without a place to say so it ended well: %q", out)
	}
	if err := os.Mkdir(filepath.Join(root, "ran"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := run(); err != nil || out != "rpm ran\n" {
		t.Errorf("%v: said %q", err, out)
	}
	entries, err := os.ReadDir(filepath.Join(root, "ran"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "rpm" {
		t.Errorf("%v: left %v", err, entries)
	}
}
