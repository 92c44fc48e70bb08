package process

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const stage = "SEAWALL_TEST_HIDDEN"

// TestHidden runs itself without privileges where /proc is mounted with hidepid: the
// processes of others are not seen, and must not be taken for gone.
func TestHidden(t *testing.T) {
	switch os.Getenv(stage) {
	case "":
		again(t, "mount", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL})
	case "mount":
		if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("proc", "/proc", "proc", 0, "hidepid=2"); err != nil {
			t.Fatal(err)
		}
		again(t, "look", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: testUID, Gid: testUID}})
	case "look":
		look(t)
	}
}

func again(t *testing.T, next string, how *syscall.SysProcAttr) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestHidden$", "-test.v")
	cmd.Env = append(os.Environ(), stage+"="+next)
	cmd.SysProcAttr = how
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%s: %v\n%s", next, err, out)
	}
}

func look(t *testing.T) {
	table := New(Config{})
	own, above := uint32(os.Getpid()), uint32(os.Getppid())
	ms := func(e int) time.Time { return time.Now().Add(time.Duration(e) * time.Millisecond) }
	e := execve(0, above, 1, "/usr/bin/parent")
	e.Time = ms(-1000)
	table.Observe(e) // an event told of it, /proc does not
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	if s := table.Stats(); !s.Hidden || s.Live != 2 {
		t.Fatalf("%+v", s)
	}
	p := table.Lookup(own, time.Time{})
	if p == nil || p.UID != testUID || p.Argv == "" {
		t.Fatalf("this process: %+v", p)
	}
	if q := table.Parent(p); q == nil || q.PID != above || q.dead() {
		t.Errorf("its parent: %+v", q)
	}
	// Other programs of the hidden process are told by events alone.
	e = execve(0, above, 1, "/usr/bin/other")
	e.Time = ms(0)
	if q := table.Observe(e); q.Exe != "/usr/bin/other" || table.Stats().Replaced != 0 {
		t.Errorf("%+v", q)
	}
	e = execve(0, above, 77, "/usr/bin/third")
	e.Time = ms(0)
	if q := table.Observe(e); q.PPID != 77 || table.Stats().Replaced != 1 {
		t.Errorf("another parent is another process where nothing else is known: %+v", q)
	}
	if q := table.Lookup(above, ms(0)); table.Contained(q) != true {
		t.Error("nobody knows where it runs")
	}
}
