package stage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if Place() == "" {
		os.Exit(Enter("stage", func(place string) error {
			return os.WriteFile(filepath.Join(place, "prepared"), nil, 0o600)
		}))
	}
	os.Exit(m.Run())
}

// The tests have a place that is prepared, and mounts of their own.
func TestEnter(t *testing.T) {
	if _, err := os.Stat(filepath.Join(Place(), "prepared")); err != nil {
		t.Error(err)
	}
	own, err := os.Readlink("/proc/self/ns/mnt")
	parent, parentErr := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", os.Getppid()))
	if err != nil || parentErr != nil || own == parent {
		t.Errorf("mounts: %s %v, those of the parent: %s %v", own, err, parent, parentErr)
	}
}

func shell(t *testing.T, script string) *Program {
	t.Helper()
	return &Program{Argv: []string{"sh", "-c", script}, Env: []string{"NAME=value"}, Log: filepath.Join(t.TempDir(), "log")}
}

func TestProgram(t *testing.T) {
	p := Launch(t, shell(t, `echo "$NAME"; trap 'exit 0' TERM; while :; do sleep 0.01; done`))
	Await(t, "its word", 30*time.Second, func() bool { return p.Says("value") })
	p.Alive(t)
	if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.PID())); err != nil || string(comm) != "sh\n" {
		t.Errorf("process %d is %q, %v", p.PID(), comm, err)
	}
	p.End(t)
	if err := p.Wait(); err != nil || !p.Ended() {
		t.Errorf("after the end: %v", err)
	}
}

// A program that is started again has said nothing yet, and its exit status is
// that of the last.
func TestProgramAgain(t *testing.T) {
	p := Launch(t, shell(t, "echo first; exit 3"))
	if code := p.Exit(t, 10*time.Second); code != 3 || !p.Says("first") {
		t.Errorf("%d, %q", code, p.Said())
	}
	p.Argv[2] = "exec sleep 60"
	p.Start(t)
	if p.Ended() || p.Says("first") {
		t.Errorf("started again: %q", p.Said())
	}
	p.Kill()
	if code := p.Exit(t, 0); code != -1 {
		t.Errorf("killed: %d", code)
	}
}

// What a process is run under gets the signal, too.
func TestSignalReachesChildren(t *testing.T) {
	p := Launch(t, shell(t, "(trap 'echo child; exit' USR1; echo ready; while :; do sleep 0.01; done) & trap '' USR1; wait"))
	Await(t, "the child", 30*time.Second, func() bool { return p.Says("ready") })
	p.Signal(syscall.SIGUSR1)
	Await(t, "its word", 30*time.Second, func() bool { return p.Says("child") })
}

// The audit system is read without what only counts, and a real auditd is the
// kernel's while its test runs.
func TestAudit(t *testing.T) {
	TakeAudit(t)
	state := AuditState(t)
	for _, line := range state {
		if strings.HasPrefix(line, "lost ") || strings.HasPrefix(line, "backlog ") {
			t.Errorf("what only counts is part of the state: %q", state)
		}
	}
	t.Run("auditd", func(t *testing.T) { StartAuditd(t) })
	if now := AuditState(t); strings.Join(now, "\n") != strings.Join(state, "\n") {
		t.Errorf("after auditd: %q, before: %q", now, state)
	}
}

// What is made as the owner of a folder is the owner's from the start, and the
// thread is root's again.
func TestAsOwner(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chown(dir, CollectorUser, CollectorUser)); err != nil {
		t.Fatal(err)
	}
	owner := func(name string) uint32 {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Uid
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var within uint32
	if err := AsOwner(dir, func() error { within = owner("within"); return fs.ErrClosed }); err != fs.ErrClosed {
		t.Errorf("the error is %v", err)
	}
	if after := owner("after"); within != CollectorUser || after != 0 {
		t.Errorf("owners are %d and then %d", within, after)
	}
	if err := AsOwner(filepath.Join(dir, "none"), func() error { t.Error("done for nobody"); return nil }); err == nil {
		t.Error("a path that is not there has an owner")
	}
}
