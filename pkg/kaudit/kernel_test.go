package kaudit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/auditrule"
	"seawall/pkg/effect"
)

// Tests in this file use the machine's own kernel. It has one audit system, so
// they take a lock that every such test on the machine takes, and put everything
// back.
const lockFile = "/tmp/seawall-audit.lock"

const testUID, testGID = 5, 60 // games: no other process runs as it

// kernel locks the audit system and returns a control connection to it.
func kernel(t *testing.T) *Control {
	t.Helper()
	if err := Support(); errors.Is(err, ErrUnsupported) || errors.Is(err, ErrNamespace) || errors.Is(err, ErrPermission) {
		t.Fatalf("needs the kernel's audit system and root: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(lockFile, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	c, err := OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	before := state(t, c)
	t.Cleanup(func() {
		for _, r := range rules(t, c) {
			if !slices.Contains(before.rules, string(r.Wire)) {
				// A rule of a directory that is gone goes by itself, some time later.
				if err := c.Delete(r); err != nil && !errors.Is(err, ErrNoRule) {
					t.Errorf("restore: %v", err)
				}
			}
		}
		if err := c.SetEnabled(before.enabled != 0); err != nil {
			t.Errorf("restore: %v", err)
		}
		if diff := cmp.Diff(before, state(t, c), cmp.AllowUnexported(kernelState{})); diff != "" {
			t.Errorf("the audit system is not as it was: %s", diff)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// kernelState is what a test must not leave changed.
type kernelState struct {
	enabled, pid, backlogLimit uint32
	rules                      []string
}

func state(t *testing.T, c *Control) kernelState {
	t.Helper()
	s, err := c.Status()
	if err != nil {
		t.Fatal(err)
	}
	k := kernelState{enabled: s.Enabled, pid: s.PID, backlogLimit: s.BacklogLimit}
	if _, why := Choose(s); strings.Contains(why, "is gone") {
		k.pid = 0 // a daemon that was killed; the kernel forgets it at its next record
	}
	for _, r := range rules(t, c) {
		k.rules = append(k.rules, string(r.Wire))
	}
	return k
}

func rules(t *testing.T, c *Control) []auditrule.Rule {
	t.Helper()
	rules, err := c.Rules()
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// publicDir is a directory in which every user may write.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs a shell command as the test user.
func run(t *testing.T, command string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: testUID, Gid: testGID}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}

// change is what a test looks for.
type change struct {
	uid  uint32
	comm string
	effect.Change
}

// changes receives on c until the test ends and returns what changed.
func changes(t *testing.T, c *Conn) <-chan change {
	t.Helper()
	out := make(chan change, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		a := audit.NewAssembler(0, func(e *audit.Event) {
			for _, ch := range effect.Changes(e) {
				if e.HasKey("seawall-test") {
					out <- change{e.UID, string(e.Comm), ch}
				}
			}
		})
		done <- c.Receive(ctx, func(typ uint16, payload []byte) { a.Push(typ, payload, time.Now()) })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
			t.Errorf("receive ended with %v", err)
		}
	})
	return out
}

// wait returns the first change of path.
func wait(t *testing.T, from <-chan change, path string) change {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case c := <-from:
			if c.Path == path {
				return c
			}
		case <-deadline:
			t.Fatalf("no event for %s", path)
		}
	}
}

func open(t *testing.T, mode Mode) *Conn {
	t.Helper()
	c, err := Open(mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// watch has the kernel report what is written below directories, until the test ends.
func watch(t *testing.T, c *Control, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		rules, err := auditrule.WatchDir(strings.TrimSuffix(dir, "/"), "seawall-test")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rules {
			if err := c.Add(r); err != nil && !errors.Is(err, ErrExists) {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Delete(r) })
		}
	}
	if err := c.SetEnabled(true); err != nil {
		t.Fatal(err)
	}
}

func TestUnicast(t *testing.T) {
	control := kernel(t)
	conn := open(t, Unicast)
	dir := publicDir(t)
	got := changes(t, conn)
	watch(t, control, dir+"/", dir+"/")

	run(t, "umask 0; echo a >"+dir+"/new && mkdir "+dir+"/sub && echo b >"+dir+"/sub/deep && mv "+dir+"/new "+dir+"/old")
	want := change{uid: testUID, comm: "sh", Change: effect.Change{Path: dir + "/new", Operation: effect.Create}}
	c := wait(t, got, dir+"/new")
	c.Inode, c.Dir, c.Dev, c.DirDev = 0, 0, [2]uint32{}, [2]uint32{}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(change{})); diff != "" {
		t.Error(diff)
	}
	if c := wait(t, got, dir+"/sub/deep"); c.Operation != effect.Create {
		t.Errorf("%+v", c)
	}
	if c := wait(t, got, dir+"/old"); c.Operation != effect.Rename || c.comm != "mv" {
		t.Errorf("%+v", c)
	}

	status, err := control.Status()
	if err != nil || int(status.PID) != os.Getpid() {
		t.Errorf("registered: %+v, %v", status, err)
	}
	if mode, why := Choose(status); mode != Unicast || !strings.Contains(why, "this process") {
		t.Errorf("choose: %v, %s", mode, why)
	}
	var held *HeldError
	if _, err := Open(Unicast); !errors.As(err, &held) || int(held.PID) != os.Getpid() {
		t.Errorf("a second registration: %v", err)
	}
}

// TestMulticastBesideAuditd runs the real daemon with a configuration of its own.
func TestMulticastBesideAuditd(t *testing.T) {
	control := kernel(t)
	daemon := startAuditd(t, control)
	status, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	if mode, why := Choose(status); mode != Multicast || !strings.Contains(why, fmt.Sprint(daemon)) {
		t.Errorf("choose: %v, %s", mode, why)
	}
	var held *HeldError
	if _, err := Open(Unicast); !errors.As(err, &held) || int(held.PID) != daemon {
		t.Errorf("registering beside auditd: %v", err)
	}
	conn := open(t, Multicast)
	got := changes(t, conn)
	dir := publicDir(t)
	watch(t, control, dir+"/")
	run(t, "echo a >"+dir+"/new")
	if c := wait(t, got, dir+"/new"); c.uid != testUID || c.Operation != effect.Create {
		t.Errorf("%+v", c)
	}
}

// startAuditd runs auditd until the test ends and returns its process id.
func startAuditd(t *testing.T, control *Control) int {
	t.Helper()
	dir := t.TempDir()
	conf := "local_events = yes\nwrite_logs = yes\nlog_file = " + dir + "/audit.log\nlog_format = RAW\nflush = NONE\n" +
		"max_log_file = 8\nnum_logs = 2\nmax_log_file_action = ROTATE\nspace_left = 2\nspace_left_action = IGNORE\n" +
		"admin_space_left = 1\nadmin_space_left_action = IGNORE\ndisk_full_action = IGNORE\ndisk_error_action = IGNORE\n"
	if err := errors.Join(os.WriteFile(dir+"/auditd.conf", []byte(conf), 0o640), os.Mkdir(dir+"/plugins.d", 0o750)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/sbin/auditd", "-n", "-s", "nochange", "-c", dir)
	if err := cmd.Start(); errors.Is(err, os.ErrNotExist) {
		t.Fatalf("needs auditd: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(cmd) })
	until(t, "auditd registers", func() bool {
		s, err := control.Status()
		return err == nil && int(s.PID) == cmd.Process.Pid
	})
	return cmd.Process.Pid
}

// stop ends auditd, which ignores the signal until it has started up, and stays
// registered when a second one cuts its leaving short.
func stop(cmd *exec.Cmd) {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for range 10 {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
			return
		case <-again.C:
		}
	}
	_ = cmd.Process.Kill()
	<-done
}

// until asks again until what holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// TestRestart leaves the socket to the next process, as with systemd's store.
func TestRestart(t *testing.T) {
	control := kernel(t)
	first, err := Open(Unicast)
	if err != nil {
		t.Fatal(err)
	}
	dir := publicDir(t)
	watch(t, control, dir+"/")
	kept, err := first.File()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Leave(); err != nil {
		t.Fatal(err)
	}
	run(t, "echo a >"+dir+"/meanwhile")
	fd, err := unix.Dup(int(kept.Fd())) // as systemd hands it over
	if err := errors.Join(err, kept.Close()); err != nil {
		t.Fatal(err)
	}
	second, err := FromFile(uintptr(fd), Unicast)
	if err != nil {
		t.Fatal(err)
	}
	got := changes(t, second)
	if c := wait(t, got, dir+"/meanwhile"); c.uid != testUID {
		t.Errorf("%+v", c)
	}
	// The kernel forgets a daemon whose socket is gone when it next has a record.
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the kernel forgets the closed socket", func() bool {
		run(t, "echo a >"+dir+"/again")
		s, err := control.Status()
		return err == nil && s.PID == 0
	})
}

// TestOverrun fills a small multicast buffer: the loss is counted and reading
// goes on.
func TestOverrun(t *testing.T) {
	control := kernel(t)
	unicast := open(t, Unicast) // keeps the records out of the kernel's log
	_ = changes(t, unicast)
	conn := open(t, Multicast)
	setSmall(t, conn)
	dir := publicDir(t)
	watch(t, control, dir+"/")
	run(t, "i=0; while [ $i -lt 300 ]; do echo a >"+dir+"/f$i; i=$((i+1)); done")
	got := changes(t, conn)
	until(t, "an overrun is counted", func() bool { return conn.Overruns() > 0 })
	run(t, "echo a >"+dir+"/after")
	wait(t, got, dir+"/after")
}

func setSmall(t *testing.T, c *Conn) {
	t.Helper()
	f, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.SetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(int(f.Fd()), true); err != nil {
		t.Fatal(err)
	}
}

// TestStopStart registers and leaves many times while records flow; nobody may
// be left waiting.
func TestStopStart(t *testing.T) {
	control := kernel(t)
	dir := publicDir(t)
	watch(t, control, dir+"/")
	load := exec.Command("/bin/sh", "-c", "while :; do echo a >"+dir+"/f; done")
	load.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: testUID, Gid: testGID}}
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = load.Process.Kill()
		_ = load.Wait()
	})
	worst := time.Duration(0)
	for range 50 {
		conn, err := Open(Unicast)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		records := 0
		go func() {
			done <- conn.Receive(ctx, func(uint16, []byte) {
				if records++; records == 200 {
					cancel()
				}
			})
		}()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("receive: %v", err)
		}
		cancel()
		start := time.Now()
		if err := conn.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		worst = max(worst, time.Since(start))
	}
	t.Logf("worst close %v", worst)
	if worst > 3*time.Second {
		t.Errorf("a close took %v", worst)
	}
	if s, err := control.Status(); err != nil || s.PID != 0 {
		t.Errorf("registered after the last close: %+v, %v", s, err)
	}
}

// TestFinish gives the audit daemon's place up while records come, to a connection that
// listens: each record is given by one of the two or by both.
func TestFinish(t *testing.T) {
	control := kernel(t)
	conn, err := Open(Unicast)
	if err != nil {
		t.Fatal(err)
	}
	dir := publicDir(t)
	watch(t, control, dir+"/")
	run(t, "for i in $(seq 100); do echo a >"+dir+"/$i; done")
	next, err := Open(Multicast)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Close() })
	given := map[string]bool{}
	asm := audit.NewAssembler(0, func(e *audit.Event) {
		for _, c := range effect.Changes(e) {
			given[c.Path] = true
		}
	})
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(t, "for i in $(seq 101 400); do echo a >"+dir+"/$i; done")
		close(stop)
	}()
	if err := conn.Finish(func(typ uint16, payload []byte) { asm.Push(typ, payload, time.Now()) }); err != nil {
		t.Fatal(err)
	}
	if s, err := control.Status(); err != nil || s.PID != 0 {
		t.Errorf("registered after the end: %+v, %v", s, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = next.ReceiveBatches(ctx, func(typ uint16, payload []byte) { asm.Push(typ, payload, time.Now()) }, func() {
		if given[dir+"/400"] {
			cancel()
		}
	})
	<-done
	<-stop
	if !errors.Is(err, context.Canceled) {
		t.Errorf("receive: %v", err)
	}
	for i := range 400 {
		if name := fmt.Sprintf("%s/%d", dir, i+1); !given[name] {
			t.Errorf("%s was given by neither", name)
		}
	}
}

// TestBuffer: what was asked for is what there is, doubled by the kernel.
func TestBuffer(t *testing.T) {
	conn, err := Open(Multicast)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.Buffer(); got != 2*DefaultBuffer {
		t.Errorf("%d bytes", got)
	}
}
