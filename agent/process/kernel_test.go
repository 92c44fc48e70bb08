package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/auditrule"
	"seawall/pkg/kaudit"
)

const inside = "SEAWALL_TEST_PID_NAMESPACE"

// TestReusedNumbers runs itself in a PID namespace with a /proc of its own, where it gives
// one number to several processes.
func TestReusedNumbers(t *testing.T) {
	if os.Getenv(inside) != "" {
		reuse(t)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestReusedNumbers$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

// child starts a program with the number pid, which waits for its input to end.
func child(t *testing.T, pid int, argv ...string) (*exec.Cmd, io.WriteCloser) {
	t.Helper()
	for range 50 {
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(argv[0], argv[1:]...)
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if cmd.Process.Pid == pid {
			return cmd, in
		}
		_ = in.Close() // a thread of ours took the number
		_ = cmd.Wait()
	}
	t.Fatalf("number %d cannot be had", pid)
	return nil, nil
}

// ran is the event that the kernel would send of an execve that was made.
func ran(t *testing.T, pid int) *audit.Event {
	t.Helper()
	name := fmt.Sprintf("/proc/%d/", pid)
	exe, err := os.Readlink(name + "exe")
	if err != nil {
		t.Fatal(err)
	}
	serials++
	e := execve(0, uint32(pid), uint32(os.Getpid()), exe, filepath.Base(exe), "x")
	e.Time = time.Now()
	return e
}

// tick waits until the clock of /proc/PID/stat has moved on by more than the slack.
func tick() {
	timer := time.NewTimer(3 * time.Duration(slack))
	<-timer.C
}

func reuse(t *testing.T) {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	table := New(Config{})
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	const number = 300
	var entries []Process
	for i, program := range []string{"cat", "sh", "cat", "cat"} {
		cmd, in := child(t, number, program)
		e := ran(t, number)
		p := table.Observe(e)
		if p.PID != number || p.Exe != string(e.Exe) || table.Parent(p) == nil || table.Parent(p).PID != uint32(os.Getpid()) {
			t.Errorf("%s: %+v", program, p)
		}
		for _, q := range entries {
			if q.slot == p.slot && q.generation == p.generation {
				t.Errorf("%s is taken for an earlier process: %+v", program, p)
			}
			if old := table.Lookup(number, q.Start.Add(time.Duration(slack))); old == nil || old.slot != q.slot || !old.dead() {
				t.Errorf("earlier process at its time: %+v", old)
			}
		}
		entries = append(entries, *p)
		// The same process again, which must stay the same: another event, and when looked at.
		e.Serial++
		e.Argc, e.Syscall = 0, 257
		if q := table.Observe(e); q != p {
			t.Errorf("second event went to %+v", q)
		}
		p.checked = 0
		if q := table.Observe(e); q != p || p.ticks == 0 {
			t.Errorf("third event went to %+v", q)
		}
		// It ends without a word; every second number passes by way of a child's parent.
		if i == 1 {
			inner(t, table, cmd, in)
		}
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Fatal(err)
		}
		tick()
	}
	if s := table.Stats(); s.Replaced != 3 {
		t.Errorf("%+v", s)
	}
}

// inner has the shell cmd start a child of its own, whose parent is found by its event
// alone.
func inner(t *testing.T, table *Table, cmd *exec.Cmd, in io.Writer) {
	t.Helper()
	if _, err := io.WriteString(in, "sleep 100 & read x <&0; kill $!; wait\n"); err != nil {
		t.Fatal(err)
	}
	sleep := 0
	deadline := time.After(10 * time.Second)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for sleep == 0 {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatal("the shell has no child")
		}
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		sleep, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	e := ran(t, sleep)
	e.PPID = uint32(cmd.Process.Pid)
	if p := table.Observe(e); table.Parent(p).PID != e.PPID || table.Parent(p).dead() {
		t.Errorf("%+v", table.Parent(p))
	}
	if _, err := io.WriteString(in, "\n"); err != nil {
		t.Fatal(err)
	}
}

// testUID is of no user: only what the tests here run has it.
const testUID = 60613

// kernelAudit takes the machine's kernel audit for the test, with rules for testUID
// alone, and puts it back. Events arrive until the test ends.
func kernelAudit(t *testing.T, calls string) <-chan func(*Table) {
	t.Helper()
	lock, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
	control, err := kaudit.OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	before, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	rule, err := auditrule.Parse("-a always,exit -F arch=b64 -S " + calls + " -F uid=" + strconv.Itoa(testUID))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(control.Delete(rule), control.SetEnabled(before.Enabled != 0), control.Close()); err != nil {
			t.Errorf("restore: %v", err)
		}
	})
	conn, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(control.Add(rule), control.SetEnabled(true)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	events, done := make(chan func(*Table), 10_000), make(chan error, 1)
	go func() {
		a := audit.NewAssembler(0, func(e *audit.Event) {
			if e.UID == testUID {
				c := *e // its texts are copied, for the table is another goroutine's
				for _, b := range []*[]byte{&c.Exe, &c.Comm, &c.TTY, &c.Proctitle} {
					*b = slices.Clone(*b)
				}
				c.Argv = nil
				for _, arg := range e.Argv {
					c.Argv = append(c.Argv, slices.Clone(arg))
				}
				c.Paths, c.Records, c.Message = nil, nil, nil
				events <- func(table *Table) { table.Observe(&c) }
			}
		})
		done <- conn.Receive(ctx, func(typ uint16, payload []byte) { a.Push(typ, payload, time.Now()) })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if err := conn.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return events
}

// asTester runs a shell as testUID in the namespaces of flags and returns what it prints.
func asTester(t *testing.T, flags uintptr, script string) []string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: testUID, Gid: testUID}, Cloneflags: flags}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for scan := bufio.NewScanner(out); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return lines
}

// feed gives the table the events that are there, until last holds.
func feed(t *testing.T, table *Table, events <-chan func(*Table), last func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !last() {
		select {
		case observe := <-events:
			observe(table)
		case <-deadline:
			t.Fatalf("the events do not come: %+v", table.Stats())
		}
	}
}

// program finds the newest process by what it was called with.
func program(table *Table, argv string) *Process {
	for _, slot := range table.index {
		for p := table.at(slot); p != nil; p = table.at(p.older) {
			if p.Argv == argv {
				return p
			}
		}
	}
	return nil
}

// TestKernel holds the table against the machine's own kernel: shells within shells,
// daemons whose parents are gone, and a PID namespace, with and without rules for fork.
func TestKernel(t *testing.T) {
	const all = "execve,execveat,fork,vfork,clone,clone3,exit_group"
	for _, calls := range []string{all, "execve,execveat"} {
		t.Run(calls, func(t *testing.T) {
			events := kernelAudit(t, calls)
			table := New(Config{})
			if err := table.Scan(); err != nil {
				t.Fatal(err)
			}
			// Each shell prints its number and that of its parent, $PPID.
			lines := asTester(t, 0, `echo $$ $PPID; sh -c 'echo $$ $PPID; sh -c "echo \$\$ \$PPID; true"; (env A=1 true; true); true'; env true last; true`)
			feed(t, table, events, func() bool { return program(table, "true\x00last") != nil })
			deepest := 0
			for _, line := range lines {
				var pid, ppid uint32
				if _, err := fmt.Sscan(line, &pid, &ppid); err != nil {
					t.Fatal(err)
				}
				p := table.Lookup(pid, time.Time{})
				if p == nil || p.PPID != ppid || p.Exe == "" || p.UID != testUID {
					t.Fatalf("%s: %+v", line, p)
				}
				q := table.Parent(p)
				if q == nil || q.PID != ppid {
					t.Errorf("%s: parent %+v", line, q)
				}
				depth := 0
				for a := range table.Ancestors(p) {
					if a.PID == uint32(os.Getpid()) {
						deepest = max(deepest, depth)
					}
					depth++
				}
			}
			if deepest != len(lines) {
				t.Errorf("deepest of %v is %d below us", lines, deepest)
			}
			if p := program(table, "true\x00last"); p.Start.Before(table.Lookup(uint32(os.Getpid()), time.Time{}).Start) {
				t.Errorf("%+v", p)
			}
			nested(t, table, events, calls == all)
			if calls == all {
				threads(t, table, events)
			}
		})
	}
}

// nested runs shells in a PID namespace: what their forks return are the namespace's
// numbers, low ones that the machine's own first processes have.
func nested(t *testing.T, table *Table, events <-chan func(*Table), forks bool) {
	before := map[uint32]string{}
	for pid := range uint32(12) {
		if p := table.Lookup(pid, time.Time{}); p != nil {
			before[pid] = fmt.Sprint(p.Comm, p.Start, p.dead())
		}
	}
	asTester(t, unix.CLONE_NEWPID, `sh -c "env true inner; true"; (true; env true outer); env true end; true`)
	feed(t, table, events, func() bool { return program(table, "true\x00end") != nil })
	for pid := range uint32(12) {
		p := table.Lookup(pid, time.Time{})
		if p == nil && before[pid] == "" {
			continue
		}
		if p == nil || fmt.Sprint(p.Comm, p.Start, p.dead()) != before[pid] {
			t.Errorf("number %d was %s and is %+v", pid, before[pid], p)
		}
	}
	p := program(table, "true\x00inner")
	if p == nil {
		t.Fatal("no inner process")
	}
	depth := 0
	for a := range table.Ancestors(p) {
		if a.PID == uint32(os.Getpid()) {
			if depth < 2 {
				t.Errorf("the inner process is %d below us: %s", depth, chain(table, p))
			}
			return
		}
		depth++
	}
	if forks {
		t.Errorf("the inner process does not come from us: %s", chain(table, p))
	}
}

// threads runs a program with threads, of which none may become a process, and sees
// that everything has ended.
func threads(t *testing.T, table *Table, events <-chan func(*Table)) {
	asTester(t, 0, "head -c 8000000 /dev/zero | xz -0 -T4 --block-size=1MiB | cat >/dev/null; (:); env true threads; true")
	feed(t, table, events, func() bool {
		p := program(table, "true\x00threads")
		return p != nil && table.Lookup(p.PPID, p.Start) != nil && table.Lookup(p.PPID, p.Start).dead()
	})
	if p := program(table, "xz\x00-0\x00-T4\x00--block-size=1MiB"); p == nil || !p.dead() {
		t.Errorf("%+v", p)
	}
	for slot := table.live.first; slot != 0; slot = table.at(slot).after {
		if p := table.at(slot); p.UID == testUID {
			t.Errorf("still lives: %+v", *p)
		}
	}
}
