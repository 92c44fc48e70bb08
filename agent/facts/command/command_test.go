package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Programs that stand in for a listed one. They are shell scripts; the runner
// itself knows no shell.
const (
	sayHello = "echo hello; echo problem >&2; exit 7"
	sayArgs  = `for a; do printf '<%s>' "$a"; done`
	sayPlace = `pwd; [ /proc/self/fd/0 -ef /dev/null ] && echo "stdin is null"; cat`
	sayGroup = `read -r pid comm state ppid pgrp rest < /proc/self/stat; [ "$pid" = "$pgrp" ] && echo leader`
	talk     = "exec cat /dev/zero"
	hang     = "sleep 1000"
	die      = "kill -9 $$"
)

// place writes a program and returns a runner that finds it as sshd.
func place(t *testing.T, script string) (*Runner, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sshd")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return at(path), path
}

func at(paths ...string) *Runner { return &Runner{places: map[Program][]string{SSHD: paths}} }

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		script string
		args   []string
		stdout string
		stderr string
		exit   int
	}{
		{sayHello, nil, "hello\n", "problem\n", 7},
		{sayArgs, []string{"-T", "a b", "", "$(id)", "`id`", "x\ny", "*", "; id"}, "<-T><a b><><$(id)><`id`><x\ny><*><; id>", "", 0},
		{sayPlace, nil, "/\nstdin is null\n", "", 0},
		{sayGroup, nil, "leader\n", "", 0},
		{die, nil, "", "", -1},
		{"exit 0", nil, "", "", 0},
	} {
		r, path := place(t, tt.script)
		out, err := r.Run(t.Context(), SSHD, tt.args...)
		if err != nil {
			t.Errorf("%s: %v", tt.script, err)
			continue
		}
		if string(out.Stdout) != tt.stdout || string(out.Stderr) != tt.stderr || out.Exit != tt.exit || out.Path != path {
			t.Errorf("%s: got %q, %q, exit %d of %s", tt.script, out.Stdout, out.Stderr, out.Exit, out.Path)
		}
	}
}

// TestEnvironment: nothing of the caller's environment arrives.
func TestEnvironment(t *testing.T) {
	t.Setenv("LD_PRELOAD", "/none")
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	r := at("/usr/bin/env")
	out, err := r.Run(t.Context(), SSHD)
	if err != nil || string(out.Stdout) != "LC_ALL=C\n" {
		t.Errorf("got %q, %v", out.Stdout, err)
	}
}

// TestRealSSHD: the listed program itself.
func TestRealSSHD(t *testing.T) {
	var r Runner
	out, err := r.Run(t.Context(), SSHD, "-V")
	if err != nil || !slices.Contains(Allowed()[SSHD], out.Path) || !bytes.Contains(append(out.Stdout, out.Stderr...), []byte("OpenSSH")) {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestOutputLimit(t *testing.T) {
	for _, tt := range []struct {
		script string
		over   bool
	}{
		{fmt.Sprintf("head -c %d /dev/zero", MaxOutput), false},
		{fmt.Sprintf("head -c %d /dev/zero", MaxOutput+1), true},
		{fmt.Sprintf("head -c %d /dev/zero >&2", MaxOutput+1), true},
		{talk, true}, // ended by what it prints, long before its time
		{talk + " >&2", true},
	} {
		r, _ := place(t, tt.script)
		r.Timeout = time.Hour
		out, err := r.Run(t.Context(), SSHD)
		if over := err != nil && strings.HasSuffix(err.Error(), "output is larger than 262144 bytes"); over != tt.over || !over && err != nil {
			t.Errorf("%s: %v", tt.script, err)
		}
		if len(out.Stdout) > MaxOutput || len(out.Stderr) > MaxOutput || len(out.Stdout)+len(out.Stderr) != MaxOutput {
			t.Errorf("%s: kept %d and %d bytes", tt.script, len(out.Stdout), len(out.Stderr))
		}
	}
}

func TestTimeout(t *testing.T) {
	r, path := place(t, "echo begun; "+hang)
	r.Timeout = 200 * time.Millisecond
	out, err := r.Run(t.Context(), SSHD)
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "run "+path+": no answer within 200ms: context deadline exceeded" {
		t.Errorf("got %v", err)
	}
	if string(out.Stdout) != "begun\n" || out.Exit != -1 {
		t.Errorf("got %+v", out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Run(ctx, SSHD); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "no answer") {
		t.Errorf("ended by the caller: %v", err)
	}
}

// TestGroupDies: what a program started ends with it, however it ends.
func TestGroupDies(t *testing.T) {
	for name, script := range map[string]string{
		"killed for its time":             "sleep 1000 & echo $!; (sleep 1001 & echo $!; wait) & echo $!; wait",
		"killed for its output":           "sleep 1000 & echo $!; cat /dev/zero >&2",
		"exits and leaves others running": "sleep 1000 & echo $!; exit 0",
		"others hide from its output":     "sleep 1000 >/dev/null 2>&1 & echo $!; exit 3",
		"others ignore signals":           "trap '' TERM HUP INT; sleep 1000 & echo $!; wait",
	} {
		r, _ := place(t, script)
		r.Timeout = 500 * time.Millisecond
		begin := time.Now()
		out, err := r.Run(t.Context(), SSHD)
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if exits := strings.Contains(script, "exit"); exits != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		pids := strings.Fields(string(out.Stdout))
		if len(pids) == 0 {
			t.Errorf("%s: started nothing", name)
		}
		for _, pid := range pids {
			gone(t, name, pid)
		}
	}
}

// gone waits until a process is no more, or only waits to be reaped.
func gone(t *testing.T, name, pid string) {
	t.Helper()
	if _, err := strconv.Atoi(pid); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: process %s is still there: %s", name, pid, stat)
		case <-tick.C:
		}
	}
}

// TestLeftGroup: a process that left the group and keeps the output open delays
// the answer for a moment only.
func TestLeftGroup(t *testing.T) {
	r, _ := place(t, "setsid sleep 1000 & echo $!; while ! [ -e /proc/$!/stat ] || ! grep -q 'sleep' /proc/$!/comm; do :; done")
	begin := time.Now()
	out, err := r.Run(t.Context(), SSHD)
	if pid, convErr := strconv.Atoi(strings.TrimSpace(string(out.Stdout))); convErr != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Errorf("got %q, %v", out.Stdout, err)
	}
	if err == nil || time.Since(begin) > 20*time.Second {
		t.Errorf("took %v: %v", time.Since(begin), err)
	}
}

func TestNotInstalled(t *testing.T) {
	dir := t.TempDir()
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink("/none", dangling); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Runner{at(dangling, filepath.Join(dir, "none")), {places: map[Program][]string{}}} {
		if _, err := r.Find(SSHD); !errors.Is(err, ErrNotInstalled) {
			t.Errorf("find: got %v", err)
		}
		if out, err := r.Run(t.Context(), SSHD); !errors.Is(err, ErrNotInstalled) || out.Path != "" {
			t.Errorf("run: got %+v, %v", out, err)
		}
	}
	if _, err := (&Runner{}).Find("sh"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("what is not listed: %v", err)
	}
	_, second := place(t, "exit 0")
	if got, err := at(dangling, second).Find(SSHD); err != nil || got != second {
		t.Errorf("the first that exists: got %q, %v", got, err)
	}
}

func TestCannotStart(t *testing.T) {
	r, path := place(t, "")
	for content, mode := range map[string]os.FileMode{"#!/bin/sh\n": 0o644, "no program": 0o755, "#!/none\n": 0o755} {
		if err := errors.Join(os.WriteFile(path, []byte(content), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if out, err := r.Run(t.Context(), SSHD); err == nil || !strings.Contains(err.Error(), path) || out.Exit != -1 {
			t.Errorf("%q: got %+v, %v", content, out, err)
		}
	}
}

// TestUnsafePath: a program that another user can change or replace is not run.
func TestUnsafePath(t *testing.T) {
	const nobody = 65534
	// dir/a/b/sshd, with dir/link to dir/a/b, and dir/other/link to dir/link.
	for name, tt := range map[string]struct {
		change func(dir string) error
		path   string
		bad    string // where it is refused; empty when it is not
	}{
		"root's own":         {func(string) error { return nil }, "a/b/sshd", ""},
		"over a link":        {func(string) error { return nil }, "link/sshd", ""},
		"over two links":     {func(string) error { return nil }, "other/link/sshd", ""},
		"sticky directory":   {func(d string) error { return os.Chmod(d+"/a", os.ModeSticky|0o777) }, "a/b/sshd", ""},
		"writable by group":  {func(d string) error { return os.Chmod(d+"/a/b/sshd", 0o775) }, "a/b/sshd", "a/b/sshd"},
		"writable by all":    {func(d string) error { return os.Chmod(d+"/a/b/sshd", 0o757) }, "a/b/sshd", "a/b/sshd"},
		"another's program":  {func(d string) error { return os.Chown(d+"/a/b/sshd", nobody, 0) }, "a/b/sshd", "a/b/sshd"},
		"another's folder":   {func(d string) error { return os.Chown(d+"/a", nobody, 0) }, "a/b/sshd", "a"},
		"group's folder":     {func(d string) error { return os.Chmod(d+"/a", 0o775) }, "a/b/sshd", "a"},
		"folder of a target": {func(d string) error { return os.Chmod(d+"/a", 0o777) }, "link/sshd", "a"},
		"folder of a link":   {func(d string) error { return os.Chmod(d+"/other", 0o777) }, "other/link/sshd", "other"},
		"another's link":     {func(d string) error { return os.Lchown(d+"/link", nobody, 0) }, "other/link/sshd", "link"},
	} {
		dir := t.TempDir()
		program := filepath.Join(dir, "a/b/sshd")
		err := errors.Join(os.MkdirAll(dir+"/a/b", 0o755), os.Mkdir(dir+"/other", 0o755), os.Symlink("a/b", dir+"/link"),
			os.Symlink("../link", dir+"/other/link"), os.WriteFile(program, []byte("#!/bin/sh\necho ran\n"), 0o755), tt.change(dir))
		if err != nil {
			t.Fatal(err)
		}
		out, err := at(filepath.Join(dir, tt.path)).Run(t.Context(), SSHD)
		if tt.bad == "" {
			if err != nil || string(out.Stdout) != "ran\n" {
				t.Errorf("%s: got %q, %v", name, out.Stdout, err)
			}
			continue
		}
		if !errors.Is(err, ErrUnsafePath) || !strings.Contains(err.Error(), filepath.Join(dir, tt.bad)+" has owner") || out.Stdout != nil {
			t.Errorf("%s: got %q, %v", name, out.Stdout, err)
		}
	}
	loop := filepath.Join(t.TempDir(), "sshd")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if _, err := at(loop).Find(SSHD); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
}
