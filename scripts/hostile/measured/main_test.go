package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What the test itself has in memory does not count for what it runs.
func TestMeasured(t *testing.T) {
	program := filepath.Join(t.TempDir(), "measured")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	large := bytes.Repeat([]byte{1}, 200<<20)
	for _, c := range []struct {
		args        []string
		code        int
		least, most int // KiB
	}{
		{[]string{"true"}, 0, 100, 50 << 10},
		{[]string{"sh", "-c", "exit 2"}, 2, 100, 50 << 10},
		{[]string{"dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1", "status=none"}, 0, 64 << 10, 100 << 10},
		{[]string{"sh", "-c", "kill -9 $$"}, 126, 100, 50 << 10},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, c.args...)
		cmd.ExtraFiles = []*os.File{w}
		_ = cmd.Run() // judged by its code
		w.Close()
		said, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		used, err := strconv.Atoi(strings.TrimSpace(string(said)))
		if err != nil || cmd.ProcessState.ExitCode() != c.code || used < c.least || used > c.most {
			t.Errorf("%q: %d KiB (%v), %v", c.args, used, err, cmd.ProcessState)
		}
	}
	if large[len(large)-1] != 1 {
		t.Error("the test's own memory is gone")
	}
}
