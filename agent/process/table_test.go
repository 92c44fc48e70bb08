package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"seawall/agent/process/calls"
	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
)

var boot = time.Unix(1_790_000_000, 0)

// after is a moment so many milliseconds after boot.
func after(ms int) time.Time { return boot.Add(time.Duration(ms) * time.Millisecond) }

var serials uint32

// event is a call that says nothing of processes.
func event(ms int, pid, ppid uint32, exe string) *audit.Event {
	serials++
	return &audit.Event{
		Serial: serials, Time: after(ms), HasSyscall: true, Success: true, Arch: calls.X8664, Syscall: 257,
		PID: pid, PPID: ppid, AUID: audit.Unset, Session: audit.Unset,
		Exe: []byte(exe), Comm: []byte(filepath.Base(exe)),
	}
}

func execve(ms int, pid, ppid uint32, exe string, argv ...string) *audit.Event {
	e := event(ms, pid, ppid, exe)
	e.Syscall = 59
	if len(argv) == 0 {
		argv = []string{exe}
	}
	for _, a := range argv {
		e.Argv = append(e.Argv, []byte(a))
	}
	e.Argc = len(argv)
	return e
}

func call4(ms int, pid, ppid uint32, exe string, nr int, exit int64, args ...uint64) *audit.Event {
	e := event(ms, pid, ppid, exe)
	e.Syscall, e.Exit = nr, exit
	copy(e.Args[:], args)
	return e
}

// tree is a /proc made by hand.
type tree struct {
	t   testing.TB
	dir string
}

func newTree(t testing.TB) tree {
	t.Helper()
	return treeIn(t, t.TempDir())
}

// treeIn empties dir and makes a tree there.
func treeIn(t testing.TB, dir string) tree {
	t.Helper()
	tr := tree{t, dir}
	if err := os.RemoveAll(filepath.Join(dir, "proc")); err != nil {
		t.Fatal(err)
	}
	tr.write("stat", fmt.Sprintf("cpu 1 2\nbtime %d\nprocesses 1\n", boot.Unix()))
	tr.process(1, 0, 0, "systemd")
	return tr
}

func (tr tree) write(name, data string) {
	name = filepath.Join(tr.dir, "proc", name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

// process puts a process into the tree.
func (tr tree) process(pid, ppid uint32, startMS int, comm string) {
	tr.write(fmt.Sprintf("%d/stat", pid), fmt.Sprintf(
		"%d (%s) S %d 1 1 34816 1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 %d 1000 200 18446744073709551615", pid, comm, ppid, startMS/10))
	tr.write(fmt.Sprintf("%d/status", pid), "Name:\tx\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nNSpid:\t"+fmt.Sprint(pid)+"\n")
}

func (tr tree) kill(pid uint32) {
	if err := os.RemoveAll(filepath.Join(tr.dir, "proc", fmt.Sprint(pid))); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) table() *Table {
	tr.t.Helper()
	root, err := hostfs.Open(tr.dir)
	if err != nil {
		tr.t.Fatal(err)
	}
	t := New(Config{Root: root})
	t.clock = func() time.Time { return time.Unix(0, max(t.now, after(1000).UnixNano())) }
	return t
}

// chain is p and its ancestors for people.
func chain(t *Table, p *Process) string {
	var words []string
	for a := range t.Ancestors(p) {
		words = append(words, fmt.Sprintf("%s:%d", a.Exe[strings.LastIndexByte(a.Exe, '/')+1:], a.PID))
	}
	return strings.Join(words, " ")
}

func TestCallsOfEachMachine(t *testing.T) {
	for _, tt := range []struct {
		arch                                uint32
		exec, fork, vfork, clone, exitGroup int
	}{
		{calls.X8664, 59, 57, 58, 56, 231},
		{calls.I386, 11, 2, 190, 120, 252},
		{calls.ARM64, 221, 220, 220, 220, 94},
		{calls.ARM, 11, 2, 190, 120, 248},
	} {
		for _, fork := range []int{tt.fork, tt.vfork, tt.clone, 435} {
			table := newTree(t).table()
			on := func(e *audit.Event) *Process { e.Arch = tt.arch; return table.Observe(e) }
			on(execve(1000, 10, 1, "/bin/sh")).namespace = nsFirst
			on(call4(1100, 10, 1, "/bin/sh", fork, 11, 0x1200011))
			if p := table.Lookup(11, after(1200)); (p != nil) != (fork != 435) {
				t.Errorf("%#x: call %d: %+v", tt.arch, fork, p)
			}
			e := execve(1200, 11, 10, "/bin/ls", "ls", "-l")
			e.Syscall = tt.exec
			p := on(e)
			if got := chain(table, p); got != "ls:11 sh:10 :1" || p.Argv != "ls\x00-l" {
				t.Errorf("%#x: call %d: %s, %q", tt.arch, fork, got, p.Argv)
			}
			end := call4(1300, 11, 10, "/bin/ls", tt.exitGroup, 0)
			end.Success = false // the kernel has no result of it
			if on(end); p.End != after(1300) {
				t.Errorf("%#x: ended %v", tt.arch, p.End)
			}
		}
	}
	table := New(Config{Offline: true})
	table.Observe(event(0, 5, 1, "/bin/sh"))
	e := execve(1, 5, 1, "/bin/x")
	e.Syscall = 520 | 0x40000000
	if p := table.Observe(e); p.Argv != "/bin/x" {
		t.Errorf("x32: %q", p.Argv)
	}
}

func TestThreadsAreNoProcesses(t *testing.T) {
	table := newTree(t).table()
	table.Observe(execve(1000, 10, 1, "/bin/java")).namespace = nsFirst
	table.Observe(call4(1100, 10, 1, "/bin/java", 56, 11, 0x3d0f00))
	table.Observe(call4(1100, 10, 1, "/bin/java", 435, 12, 0x7f0000))
	for _, tid := range []uint32{11, 12} {
		if p := table.Lookup(tid, time.Time{}); p != nil {
			t.Errorf("%d: %+v", tid, p)
		}
	}
	table.Observe(call4(1200, 10, 1, "/bin/java", 60, 0)) // a thread's exit
	if p := table.Lookup(10, after(1300)); p == nil || p.dead() {
		t.Errorf("after the exit of a thread: %+v", p)
	}
	// A number that clone3 returned and that is a process, whose parent is gone: a daemon.
	table.Observe(call4(1400, 10, 1, "/bin/java", 435, 13, 0x7f0000))
	table.Observe(call4(1410, 10, 1, "/bin/java", 231, 0))
	if got := chain(table, table.Observe(execve(1500, 13, 1, "/bin/daemon"))); got != "daemon:13 java:10 :1" {
		t.Error(got)
	}
}

// TestExecOnly: of shells that only fork there is no event, and their parents are found.
func TestExecOnly(t *testing.T) {
	tr := newTree(t)
	tr.process(10, 1, 500, "bash")
	table := tr.table()
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	tr.process(11, 10, 5000, "bash") // ( … )
	tr.process(12, 11, 5100, "bash")
	p := table.Observe(execve(5200, 13, 12, "/bin/cat"))
	if got := chain(table, p); got != "cat:13 :12 :11 :10 :1" {
		t.Error(got)
	}
	for _, pid := range []uint32{11, 12, 13} {
		tr.kill(pid)
	}
	// Nobody tells that they ended, nor that 11 and 12 are others now.
	tr.process(12, 1, 9000, "nginx")
	p = table.Observe(execve(9500, 14, 12, "/bin/id"))
	if got := chain(table, p); got != "id:14 :12 :1" || table.Parent(p).Comm != "nginx" {
		t.Errorf("%s, %+v", got, table.Parent(p))
	}
	if old := table.Lookup(12, after(5200)); old == nil || old.Comm != "bash" || !old.dead() {
		t.Errorf("the earlier 12: %+v", old)
	}
	// A parent that is gone before it could be read is its number and no more.
	p = table.Observe(execve(9600, 15, 999, "/bin/id"))
	if p.PPID != 999 || table.Parent(p) != nil {
		t.Errorf("%+v", p)
	}
	if s := table.Stats(); s.Replaced != 1 {
		t.Errorf("%+v", s)
	}
}

func TestReparented(t *testing.T) {
	tr := newTree(t)
	table := tr.table()
	tr.process(10, 1, 500, "sh")
	tr.process(11, 10, 900, "worker")
	table.Observe(execve(600, 10, 1, "/bin/sh"))
	table.Observe(execve(1000, 11, 10, "/bin/worker"))
	tr.kill(10)
	tr.process(11, 1, 900, "worker")
	p := table.Observe(event(2000, 11, 1, "/bin/worker"))
	if got := chain(table, p); got != "worker:11 sh:10 :1" || p.PPID != 1 {
		t.Errorf("%s of %d", got, p.PPID)
	}
	if s := table.Stats(); s.Replaced != 0 {
		t.Errorf("%+v", s)
	}
}

// TestOutOfOrder: serials say what is newer, times which process it was.
func TestOutOfOrder(t *testing.T) {
	tr := newTree(t)
	table := tr.table()
	tr.process(10, 1, 900, "sh")
	first := execve(1000, 10, 1, "/bin/sh", "sh")
	second := execve(1500, 10, 1, "/bin/cat", "cat")
	third := event(1600, 10, 1, "/bin/cat")
	table.Observe(second)
	p := table.Observe(first)
	if p.Exe != "/bin/cat" || p.Argv != "cat" || !p.Start.Equal(after(900)) || table.Stats().Late != 0 {
		t.Errorf("%+v", p)
	}
	late := execve(1700, 10, 1, "/bin/dog")
	tr.kill(10)
	table.Observe(call4(1800, 10, 1, "/bin/dog", 231, 0))
	if q := table.Observe(late); q != p || !q.dead() {
		t.Errorf("%+v", q)
	}
	tr.process(10, 1, 2000, "new")
	fresh := table.Observe(execve(2100, 10, 1, "/bin/new"))
	if fresh == p || fresh.dead() {
		t.Errorf("%+v", fresh)
	}
	if q := table.Observe(third); q != p || q.Exe == "/bin/new" {
		t.Errorf("late event went to %+v", q)
	}
	// An event of a holder that nobody knew of.
	old := table.Observe(execve(100, 10, 1, "/bin/old"))
	if old == p || old == fresh || old.Exe != "/bin/old" || !old.dead() {
		t.Errorf("%+v", old)
	}
	for at, want := range map[int]string{150: "/bin/old", 1200: "/bin/dog", 2500: "/bin/new"} {
		if q := table.Lookup(10, after(at)); q == nil || q.Exe != want {
			t.Errorf("at %d: %+v, want %s", at, q, want)
		}
	}
	if q := table.Lookup(10, after(1950)); q != nil {
		t.Errorf("between two holders: %+v", q)
	}
}

// TestVeryLate: several holders of a number, of which events come in the worst order, and
// so late that the dead are forgotten.
func TestVeryLate(t *testing.T) {
	tr := newTree(t)
	table := tr.table()
	hour := int(time.Hour / time.Millisecond)
	tr.process(10, 1, 5*hour, "e")
	table.Observe(execve(5*hour, 10, 1, "/bin/e"))
	for _, at := range []int{2, 4, 1, 3} {
		p := table.Observe(execve(at*hour, 10, 1, fmt.Sprint("/bin/", at)))
		if p.PID != 10 || p.Exe != fmt.Sprint("/bin/", at) || !p.dead() {
			t.Errorf("%d: %+v", at, p)
		}
		check(t, table)
	}
	end := call4(hour, 11, 1, "/bin/x", 231, 0)
	if p := table.Observe(end); p.PID != 11 || !p.dead() {
		t.Errorf("%+v", p)
	}
	check(t, table)
	full := tr.table()
	full.maxLive = 2
	for i := range 50 {
		full.Observe(execve(5*hour+i, uint32(10+i%3), 1, "/bin/new"))
		full.Observe(execve(hour+i*60_000, uint32(10+i%3), 99, "/bin/old"))
		check(t, full)
	}
}

// TestNestedNumbers: a container's fork returns the container's number.
func TestNestedNumbers(t *testing.T) {
	tr := newTree(t)
	tr.process(7, 1, 100, "dbus-daemon")
	tr.process(500, 1, 4000, "sh")
	tr.write("500/status", "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nNSpid:\t500\t1\n")
	table := tr.table()
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	table.Observe(call4(5000, 500, 1, "/bin/sh", 57, 7))
	if p := table.Lookup(7, time.Time{}); p == nil || p.Comm != "dbus-daemon" || p.dead() {
		t.Errorf("%+v", p)
	}
	tr.process(501, 500, 5000, "ls")
	if got := chain(table, table.Observe(execve(5100, 501, 500, "/bin/ls"))); got != "ls:501 sh:500 :1" {
		t.Error(got)
	}
	// A caller that is taken for one of the first namespace, wrongly.
	p := table.Observe(event(5200, 600, 1, "/bin/sh"))
	p.namespace = nsFirst
	table.Observe(call4(5300, 600, 1, "/bin/sh", 57, 7))
	if q := table.Lookup(7, time.Time{}); q == nil || q.Comm != "dbus-daemon" || p.namespace != nsNested {
		t.Errorf("%+v", q)
	}
}

func TestBefore(t *testing.T) {
	table := newTree(t).table()
	e := execve(1000, 10, 1, "/usr/bin/doas", "doas", "id")
	e.UID, e.EUID = 1000, 0
	table.Observe(e)
	p := table.Observe(execve(1010, 10, 1, "/usr/bin/id", "id"))
	if p.Before != "/usr/bin/doas" || p.Exe != "/usr/bin/id" {
		t.Errorf("%+v", p)
	}
	if steps := table.Steps(p); len(steps) != 2 || steps[0].Before != "/usr/bin/doas" || steps[1].PID != 1 {
		t.Errorf("%+v", steps)
	}
}

func TestLoginRefused(t *testing.T) {
	table := newTree(t).table()
	e := &audit.Event{Serial: 1, Time: after(10), PID: 10, AUID: 0, Session: 3, UID: 1000,
		Records: []audit.Record{{Type: unix.AUDIT_LOGIN, Text: []byte("pid=10 uid=1000 old-auid=1000 auid=0 ses=3 res=0")}}}
	if p := table.Observe(e); p != nil {
		t.Errorf("%+v", p)
	}
	e.Records[0].Text = []byte("pid=10 uid=0 old-auid=4294967295 auid=1000 ses=3 res=1")
	e.AUID = 1000
	if p := table.Observe(e); p == nil || p.AUID != 1000 || p.Session != 3 {
		t.Errorf("%+v", p)
	}
}

func TestLocate(t *testing.T) {
	tr := newTree(t)
	id := strings.Repeat("0123456789abcdef", 4)
	tr.process(10, 1, 500, "nginx")
	tr.process(20, 1, 600, "containerd-shim")
	tr.process(21, 20, 700, "sh")
	tr.write("10/cgroup", "0::/system.slice/nginx.service\n")
	tr.write("21/cgroup", "0::/system.slice/docker-"+id+".scope\n")
	table := tr.table()
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	p := table.Lookup(10, time.Time{})
	reads := table.Stats().Reads
	table.Locate(p)
	table.Locate(p)
	if p.Unit != "nginx.service" || p.Container != "" || table.Stats().Reads != reads+2 {
		t.Errorf("%+v, %d reads", p, table.Stats().Reads-reads)
	}
	// Gone before anybody asked.
	gone := table.Observe(execve(1000, 22, 21, "/bin/curl"))
	table.Locate(gone)
	if gone.Container != id || gone.Runtime != "docker" || !gone.Inherited || gone.Unit == "" {
		t.Errorf("%+v", gone)
	}
	orphan := table.Observe(execve(1000, 30, 1, "/bin/x"))
	if table.Locate(orphan); orphan.Unit != "" || orphan.Inherited {
		t.Errorf("%+v", orphan)
	}
}

func TestScan(t *testing.T) {
	tr := newTree(t)
	tr.process(2, 0, 0, "kthreadd")
	tr.process(50, 9, 700, "a) S 1 (b")
	tr.process(9, 1, 500, "sshd")
	tr.write("50/cmdline", "sshd: alice [priv]\x00-x\x00\x00")
	tr.write("50/status", "Uid:\t1000\t0\t0\t0\nGid:\t100\t0\t0\t0\nNSpid:\t50\n")
	tr.write("50/loginuid", "1000")
	tr.write("50/sessionid", "3\n")
	if err := os.Symlink("/usr/sbin/sshd", filepath.Join(tr.dir, "proc/50/exe")); err != nil {
		t.Fatal(err)
	}
	table := tr.table()
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	p := *table.Lookup(50, time.Time{})
	want := Process{
		PID: 50, PPID: 9, Start: after(700), Exe: "/usr/sbin/sshd", Comm: "a) S 1 (b", Argv: "sshd: alice [priv]\x00-x",
		TTY: "pts0", UID: 1000, EUID: 0, GID: 100, AUID: 1000, Session: 3,
	}
	if diff := cmp.Diff(want, Process{
		PID: p.PID, PPID: p.PPID, Start: p.Start, Exe: p.Exe, Comm: p.Comm, Argv: p.Argv,
		TTY: p.TTY, UID: p.UID, EUID: p.EUID, GID: p.GID, AUID: p.AUID, Session: p.Session,
	}, cmpopts.IgnoreUnexported(Process{})); diff != "" {
		t.Error(diff)
	}
	tr.kill(50)
	tr.process(51, 9, 800, "new")
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	if s := table.Stats(); s.Live != 4 || s.Dead != 1 || s.Hidden || table.Lookup(51, time.Time{}) == nil {
		t.Errorf("%+v", s)
	}
	if err := os.RemoveAll(filepath.Join(tr.dir, "proc/1")); err != nil {
		t.Fatal(err)
	}
	tr.kill(9)
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	if s := table.Stats(); !s.Hidden || s.Live != 4 {
		t.Errorf("nothing may be ended by a /proc that hides: %+v", s)
	}
	if err := os.RemoveAll(tr.dir); err != nil {
		t.Fatal(err)
	}
	if err := table.Scan(); err == nil {
		t.Error("no /proc, and no error")
	}
}

// TestBounds floods a small table.
func TestBounds(t *testing.T) {
	tr := newTree(t)
	table := tr.table()
	table.maxLive, table.maxDead, table.maxText = 100, 50, 20_000
	long := strings.Repeat("x", 3000)
	for i := range uint32(5000) {
		p := table.Observe(execve(1000+int(i), 2+i, 1+i, "/bin/"+long, "a", long, long))
		if len(p.Argv) > maxArgv || len(p.Exe) > maxPath || !p.ArgvCut {
			t.Fatalf("%d bytes of arguments, %d of path", len(p.Argv), len(p.Exe))
		}
		if i%3 == 0 {
			table.Observe(call4(1000+int(i), 2+i, 1+i, "/bin/"+long, 231, 0))
		}
		if s := table.Stats(); s.Live > 100 || s.Dead > 50 || s.Text > 20_000+2*(maxArgv+2*maxPath) {
			t.Fatalf("%+v", s)
		}
	}
	if table.Stats().Evicted == 0 || len(table.index) > 150 || len(table.pages) > 2 {
		t.Errorf("%+v, %d numbers, %d pages", table.Stats(), len(table.index), len(table.pages))
	}
	check(t, table)
}

// check holds the table's own order.
func check(t interface{ Errorf(string, ...any) }, table *Table) {
	text, n := 0, 0
	children := map[ref]int32{}
	for pid, slot := range table.index {
		for p := table.at(slot); p != nil; p = table.at(p.older) {
			n++
			text += p.textSize()
			if p.PID != pid || p.older != 0 && table.at(p.older).newer != p.slot || p.older != 0 && !table.at(p.older).dead() {
				t.Errorf("holders of %d are out of order", pid)
			}
			if q := table.deref(p.parent); q != nil {
				children[p.parent]++
			}
		}
	}
	for r, n := range children {
		if table.deref(r).children != n {
			t.Errorf("%d children, counted %d", n, table.deref(r).children)
		}
	}
	if s := table.Stats(); s.Live+s.Dead != n || s.Text != text {
		t.Errorf("%+v, found %d entries with %d bytes", s, n, text)
	}
	for _, l := range []list{table.live, table.dead} {
		var slots []uint32
		for slot := l.first; slot != 0; slot = table.at(slot).after {
			slots = append(slots, slot)
		}
		if len(slots) != l.n || l.n > 0 && slots[len(slots)-1] != l.last {
			t.Errorf("list of %d has %d", l.n, len(slots))
		}
		if slices.Sort(slots); len(slices.Compact(slots)) != l.n {
			t.Errorf("list has a slot twice")
		}
	}
}

// TestReadsAreBounded: a flood of unknown parents.
func TestReadsAreBounded(t *testing.T) {
	table := newTree(t).table()
	for i := range uint32(10_000) {
		table.Observe(execve(1000, 10+i*2, 11+i*2, "/bin/x"))
	}
	if s := table.Stats(); s.Reads > readsPerSec+10 || s.Skipped == 0 {
		t.Errorf("%+v", s)
	}
	offline := New(Config{Offline: true})
	offline.Observe(execve(1000, 10, 11, "/bin/x"))
	if s := offline.Stats(); s.Reads != 0 || offline.Scan() != nil {
		t.Errorf("%+v", s)
	}
}

// TestEndsAreFound: without events of exit the table follows /proc.
func TestEndsAreFound(t *testing.T) {
	table := newTree(t).table()
	for i := range uint32(20_000) {
		table.Observe(execve(1000+int(i)*10, 10+i, 1, "/bin/x"))
	}
	if s := table.Stats(); s.Live > 2000 || s.Evicted != 0 {
		t.Errorf("%+v", s)
	}
	check(t, table)
}
