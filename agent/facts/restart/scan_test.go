package restart

import (
	"bufio"
	"context"
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
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// folder makes a folder where packages put programs.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/usr/local/lib", "seawall-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func copyFile(t testing.TB, from, to string) string {
	t.Helper()
	data, err := os.ReadFile(from)
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	must(t, os.WriteFile(to, data, 0o755))
	return to
}

// replace puts another file with the same content in a file's place, as dpkg does.
func replace(t testing.TB, name string) {
	t.Helper()
	must(t, os.Rename(copyFile(t, name, name+".dpkg-new"), name))
}

// library is a small shared library of this system.
func library(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/*/libz.so.1", "/usr/lib64/libz.so.1", "/usr/lib/libz.so.1"} {
		if names, err := filepath.Glob(pattern); err == nil && len(names) > 0 {
			return names[0]
		}
	}
	t.Fatal("this system has no libz")
	return ""
}

// start runs a program until the test ends.
func start(t testing.TB, cmd *exec.Cmd) int {
	t.Helper()
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// sleeper runs program, which sleeps, with a library loaded.
func sleeper(t testing.TB, program, preload string, attr *syscall.SysProcAttr) int {
	t.Helper()
	cmd := exec.Command(program, "600")
	cmd.SysProcAttr = attr
	wait := program
	if preload != "" {
		cmd.Env = []string{"LD_PRELOAD=" + preload}
		wait = preload
	}
	return mapper(t, cmd, wait)
}

// mapper runs a program and waits until it maps the file name.
func mapper(t testing.TB, cmd *exec.Cmd, name string) int {
	t.Helper()
	pid := start(t, cmd)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		must(t, err)
		if strings.Contains(string(maps), " "+name+"\n") {
			return pid
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d does not map %s:\n%s", pid, name, maps)
		}
	}
}

// holder runs this test's program once more, which maps what kind says of the file
// name and then waits.
func holder(t testing.TB, kind, name string) int {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{"RESTART_TEST=hold", "RESTART_KIND=" + kind, "RESTART_NAME=" + name}
	out, err := cmd.StdoutPipe()
	must(t, err)
	pid := start(t, cmd)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%s: %q, %v", kind, line, err)
	}
	return pid
}

// hold maps a file, or something that is none, and waits for its end.
func hold(kind, name string) error {
	prot, flags, fd := unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE, -1
	l, err := listenAt(kind)
	if err != nil {
		return err
	}
	defer l.Close()
	switch kind {
	case "memfd":
		if fd, err = unix.MemfdCreate("/usr/lib/x.so", 0); err == nil {
			err = unix.Ftruncate(fd, 4096)
		}
	case "jit":
		flags |= unix.MAP_ANON
	case "shared memory":
		flags = unix.MAP_ANON | unix.MAP_SHARED
	case "data":
		prot = unix.PROT_READ
		fallthrough
	default:
		fd, err = unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if _, err := unix.Mmap(fd, 0, 4096, prot, flags); err != nil {
		return fmt.Errorf("map %s: %w", kind, err)
	}
	if kind == "sysv" {
		id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, 0o600)
		if err == nil {
			const shmExec = 0o100000
			_, err = unix.SysvShmAttach(id, 0, shmExec)
		}
		if err == nil {
			_, err = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
		}
		if err != nil {
			return fmt.Errorf("shared memory: %w", err)
		}
	}
	if kind == "many" {
		for range 45_000 { // that do not merge: each is the file's first page
			if _, err := unix.Mmap(fd, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
				return fmt.Errorf("map many: %w", err)
			}
		}
	}
	fmt.Println("ready")
	_, err = l.Accept() // the test kills it
	return err
}

// looked is what one look says of the given processes: "NAME: FILES", sorted.
func looked(t testing.TB, f Facts, pids map[int]string, dir string) []string {
	t.Helper()
	var got []string
	for _, p := range f.Processes {
		if name, ok := pids[p.PID]; ok {
			got = append(got, strings.ReplaceAll(name+": "+strings.Join(p.Files, " "), dir+"/", ""))
		}
	}
	slices.Sort(got)
	return got
}

func scanNow(t testing.TB) Facts {
	t.Helper()
	f, err := Scan(context.Background())
	must(t, err)
	return f
}

// TestReplaced is the corpus of processes that run replaced files, and of those that
// only look like it.
func TestReplaced(t *testing.T) {
	dir := folder(t)
	lib := copyFile(t, library(t), dir+"/libz.so.1")
	marked := copyFile(t, lib, dir+"/really (deleted)")
	program := copyFile(t, "/bin/sleep", dir+"/sleep")
	removed := copyFile(t, lib, dir+"/removed.so")
	newline := copyFile(t, lib, dir+"/new\nline.so")
	again := copyFile(t, lib, dir+"/again.so")
	newlineAgain := copyFile(t, lib, dir+"/again\n.so")
	unpacked := copyFile(t, lib, dir+"/tmp/unpacked.so")
	data := copyFile(t, lib, dir+"/data.so")
	outside := copyFile(t, lib, filepath.Join(t.TempDir(), "outside.so"))
	sleep := "/bin/sleep"
	pids := map[int]string{
		sleeper(t, sleep, lib, nil):      "library",
		sleeper(t, program, "", nil):     "program",
		sleeper(t, program, lib, nil):    "both",
		sleeper(t, sleep, removed, nil):  "removed",
		holder(t, "newline", newline):    "newline",
		holder(t, "marked", marked):      "a real name",
		holder(t, "again", again):        "the same file again",
		holder(t, "again", newlineAgain): "the same file again, with a newline",
		holder(t, "unpacked", unpacked):  "unpacked",
		holder(t, "data", data):          "data",
		holder(t, "outside", outside):    "outside",
		holder(t, "memfd", ""):           "memfd",
		holder(t, "jit", ""):             "jit",
		holder(t, "shared memory", ""):   "shared memory",
		holder(t, "sysv", sleep):         "System V shared memory",
		sleeper(t, sleep, lib, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}): "another mount namespace",
	}
	if got := looked(t, scanNow(t), pids, dir); len(got) > 0 {
		t.Errorf("before anything is replaced: %v", got)
	}
	for _, name := range []string{lib, program, newline, data, outside} {
		replace(t, name)
	}
	for _, name := range []string{removed, unpacked} {
		must(t, os.Remove(name))
	}
	for _, name := range []string{again, newlineAgain} {
		must(t, os.Link(name, name+".kept"))
		must(t, os.Remove(name))
		must(t, os.Rename(name+".kept", name))
	}
	want := []string{
		"both: libz.so.1 sleep", "library: libz.so.1", `newline: new\012line.so`, "program: sleep", "removed: removed.so",
	}
	f := scanNow(t)
	got := looked(t, f, pids, dir)
	for i := range got { // in the order of the addresses
		got[i] = strings.Replace(got[i], "sleep libz.so.1", "libz.so.1 sleep", 1)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if f.Scanned < len(pids) || f.Partial != 0 || f.More != 0 {
		t.Errorf("scanned %d, partial %d, more %d", f.Scanned, f.Partial, f.More)
	}
	for _, p := range f.Processes {
		if pids[p.PID] == "both" && (p.Comm != "sleep" || p.Exe != program || p.User != "root" || p.Unit == "") {
			t.Errorf("got %+v", p)
		}
	}
}

// control makes a control group of systemd's naming, and returns its folder.
func control(t testing.TB, name string) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); strings.Contains(line, " - cgroup2 ") {
			dir := filepath.Join(fields[4], name)
			must(t, os.MkdirAll(dir, 0o755))
			t.Cleanup(func() { removeControl(t, fields[4], name) })
			return dir
		}
	}
	t.Fatal("this system has no cgroup v2")
	return ""
}

// removeControl removes a control group and those above it that are empty.
func removeControl(t testing.TB, top, name string) {
	for ; name != "."; name = filepath.Dir(name) {
		if err := os.Remove(filepath.Join(top, name)); err != nil {
			return // of others, too
		}
	}
}

// TestUnits: a service is named with its command, even from inside the mount
// namespace that its sandbox is; a container is not.
func TestUnits(t *testing.T) {
	dir := folder(t)
	lib := copyFile(t, library(t), dir+"/libz.so.1")
	private := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	pids := map[int]string{}
	move := func(name, cgroup string, pid int) {
		must(t, os.WriteFile(filepath.Join(control(t, cgroup), "cgroup.procs"), fmt.Append(nil, pid), 0o644))
		pids[pid] = name
	}
	in := func(name, cgroup string, attr *syscall.SysProcAttr) {
		move(name, cgroup, sleeper(t, "/bin/sleep", lib, attr))
	}
	in("service", "system.slice/seawall-test-a.service", nil)
	in("sandboxed", "system.slice/seawall-test-b.service", private)
	in("container", "system.slice/seawall-test-c.scope", private)
	in("user's service", "user.slice/user-4242.slice/user@4242.service/seawall-test-e.service", nil)
	in("user's container", "user.slice/user-4242.slice/user@4242.service/seawall-test-f.service", private)
	move("another root", "system.slice/seawall-test-d.service", pivoted(t, lib))
	move("a file bound over another", "system.slice/seawall-test-g.service", bound(t, copyFile(t, lib, dir+"/bound.so"), copyFile(t, lib, dir+"/other.so")))
	replace(t, lib)
	f := scanNow(t)
	want := []string{"sandboxed: libz.so.1", "service: libz.so.1", "user's service: libz.so.1"}
	if diff := cmp.Diff(want, looked(t, f, pids, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var units []string
	for _, u := range f.Units {
		if slices.Contains(u.Files, lib) {
			units = append(units, fmt.Sprintf("%s|%s|%d|%s", u.Name, u.Kind, u.Processes, u.Command))
		}
	}
	if diff := cmp.Diff([]string{
		"seawall-test-a.service|service|1|systemctl restart seawall-test-a.service",
		"seawall-test-b.service|service|1|systemctl restart seawall-test-b.service", "user 4242|session|1|",
	}, units); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// unshared runs a shell script in a mount namespace of its own, which ends as a
// program that maps the file name.
func unshared(t testing.TB, script, name string) int {
	t.Helper()
	return mapper(t, exec.Command("unshare", "-m", "sh", "-ec", script), name)
}

// pivoted runs a program as containers do: with another root, in which the same
// library is.
func pivoted(t testing.TB, lib string) int {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"usr", "old"} {
		must(t, os.Mkdir(filepath.Join(root, dir), 0o755))
	}
	for _, link := range []string{"bin", "lib", "lib64"} {
		must(t, os.Symlink("usr/"+link, filepath.Join(root, link)))
	}
	return unshared(t, fmt.Sprintf("mount --bind %[1]s %[1]s; mount --bind /usr %[1]s/usr; cd %[1]s; pivot_root . old\n"+
		"exec env LD_PRELOAD=%[2]s sleep 600", root, lib), lib)
}

// bound runs a program for which another file is mounted over the library lib.
func bound(t testing.TB, lib, other string) int {
	t.Helper()
	return unshared(t, fmt.Sprintf("mount --bind %[2]s %[1]s; exec env LD_PRELOAD=%[1]s sleep 600", lib, other), lib)
}

// TestBoundOver: a file that another one was mounted over is not what its name says.
func TestBoundOver(t *testing.T) {
	dir := folder(t)
	lib := copyFile(t, library(t), dir+"/libz.so.1")
	pids := map[int]string{sleeper(t, "/bin/sleep", lib, nil): "process"}
	must(t, unix.Mount(copyFile(t, lib, dir+"/new.so"), lib, "", unix.MS_BIND, ""))
	t.Cleanup(func() { must(t, unix.Unmount(lib, unix.MNT_DETACH)) })
	var want []string
	var st unix.Stat_t
	must(t, unix.Stat(dir, &st))
	if unix.Major(st.Dev) != 0 {
		want = []string{"process: libz.so.1"}
	}
	if diff := cmp.Diff(want, looked(t, scanNow(t), pids, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestExe: the executable is judged by itself, too.
func TestExe(t *testing.T) {
	program := copyFile(t, "/bin/sleep", folder(t)+"/sleep")
	before := lookup(program)
	pid := sleeper(t, program, "", nil)
	replace(t, program)
	p, err := openProc()
	must(t, err)
	defer p.close()
	one, err := p.open(fmt.Sprint(pid))
	must(t, err)
	defer one.close()
	found := 0
	name := one.exe(func(m mapping) {
		found++
		if m.inode != before.inode || m.dev != before.dev || string(m.path) != program+" (deleted)" {
			t.Errorf("got %+v, want %+v", m, before)
		}
	})
	if name != program || found != 1 {
		t.Errorf("got %s, %d times", name, found)
	}
}

// TestPartial: a process with more mappings than are read is counted.
func TestPartial(t *testing.T) {
	name := copyFile(t, "/bin/sleep", filepath.Join(t.TempDir(), strings.Repeat("x", 200)))
	holder(t, "many", name)
	if f := scanNow(t); f.Partial != 1 {
		t.Errorf("got %d", f.Partial)
	}
}

// TestNoTime: who was not looked at is denied, and why is said.
func TestNoTime(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f, err := Scan(ctx)
	if err != nil || f.Scanned > 0 || f.Denied < 2 || !strings.Contains(f.Limited, "no time for all") {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestUnread: whoever cannot be looked at, for whatever reason, is counted, and one
// that ended is not.
func TestUnread(t *testing.T) {
	for err, want := range map[error]string{unix.ESRCH: "0 ", unix.ENOENT: "0 ", unix.EACCES: "1 ", unix.EPERM: "1 ", unix.EMFILE: "1 too many open files", unix.ENOMEM: "1 cannot allocate memory"} {
		s := &scan{facts: empty()}
		s.unread(fmt.Errorf("read: %w", err))
		if got := fmt.Sprint(s.facts.Denied, " ", strings.TrimPrefix(s.facts.Limited, "read: ")); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}

// TestUnplaced: where it cannot be read which namespaces are the host's, nobody is
// said to be outside of it.
func TestUnplaced(t *testing.T) {
	p, err := openProc()
	must(t, err)
	defer p.close()
	one, err := p.open("self")
	must(t, err)
	defer one.close()
	for _, tt := range []struct {
		m    mounts
		want belongs
	}{
		{mounts{}, unplaced}, {mounts{own: "mnt:[1]"}, unplaced}, {mounts{own: "mnt:[1]", root: "1:1 /"}, unplaced},
		{mounts{own: "mnt:[1]", root: "1:1 /", others: elsewhere}, elsewhere}, {mounts{own: one.link("ns/mnt")}, here},
	} {
		if got := tt.m.of(&one, "/user.slice/x.scope"); got != tt.want {
			t.Errorf("%+v: got %d, want %d", tt.m, got, tt.want)
		}
	}
	if one.ended() {
		t.Error("this process has not ended")
	}
}

// TestOrder: what a user runs waits until the system's services were looked at.
func TestOrder(t *testing.T) {
	program, err := filepath.EvalSymlinks("/bin/sleep")
	must(t, err)
	place := func(cgroup string) string {
		pid := sleeper(t, program, "", nil)
		must(t, os.WriteFile(filepath.Join(control(t, cgroup), "cgroup.procs"), fmt.Append(nil, pid), 0o644))
		return fmt.Sprint(pid)
	}
	user, scope, service := place("user.slice/user-4242.slice/session-1.scope"), place("system.slice/seawall-test-h.scope"), place("system.slice/seawall-test-i.service")
	p, err := openProc()
	must(t, err)
	defer p.close()
	got := (&scan{proc: p}).order([]string{user, scope, service, "0"})
	if diff := cmp.Diff([]string{service, user, scope, "0"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestLimits: more than is listed is counted, and the names kept do not depend on
// the order.
func TestLimits(t *testing.T) {
	for _, step := range []int{1, -1} {
		s := &scan{units: map[string]*Unit{}, facts: empty()}
		for i := range maxUnits + 2 {
			s.count(Unit{Name: fmt.Sprint("unit ", i)}, i, []hit{{name: "/usr/lib/x", standing: replaced}})
		}
		for i := range 30 {
			s.count(Unit{Name: "unit 0"}, i, []hit{{name: fmt.Sprintf("/usr/lib/%03d", 100+step*i)}})
		}
		s.list()
		u := s.facts.Units[0]
		lowest := map[int]string{1: "/usr/lib/100", -1: "/usr/lib/071"}
		if len(s.facts.Units) != maxUnits || s.facts.MoreUnits != 2 || u.Name != "unit 0" || u.Processes != 31 ||
			len(u.Files) != maxFiles || len(u.PIDs) != maxPIDs || u.Files[0] != lowest[step] {
			t.Errorf("%d units, more %d: %+v", len(s.facts.Units), s.facts.MoreUnits, u)
		}
	}
}

// BenchmarkScan looks at 130 processes more than there are.
func BenchmarkScan(b *testing.B) {
	for range 130 {
		cmd := exec.Command("/bin/sleep", "600")
		start(b, cmd)
	}
	scanned := 0
	b.ReportAllocs()
	for b.Loop() {
		f := scanNow(b)
		scanned = f.Scanned
	}
	b.ReportMetric(float64(scanned), "processes")
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)*130/float64(scanned), "ms/130")
}

// TestMain is also the program that tests start: whoever holds a file, listens,
// asks or answers.
func TestMain(m *testing.M) {
	var err error
	switch kind := os.Getenv("RESTART_TEST"); kind {
	case "":
		os.Exit(m.Run())
	case "hold":
		err = hold(os.Getenv("RESTART_KIND"), os.Getenv("RESTART_NAME"))
	case "serve":
		err = Serve(context.Background(), os.Stdout)
	case "ask":
		err = printFacts(os.Getenv("RESTART_NAME"))
	default:
		err = fmt.Errorf("no such part: %s", kind)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
