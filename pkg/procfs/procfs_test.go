package procfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"seawall/pkg/hostfs"
)

// TestOwn reads this process, of which the rest of the system says the same.
func TestOwn(t *testing.T) {
	r := Reader{}
	pid := uint32(os.Getpid())
	st, ok := r.Stat(pid)
	if !ok || st.PPID != uint32(os.Getppid()) || st.Kernel || time.Since(st.Start) < 0 || time.Since(st.Start) > 10*time.Minute {
		t.Errorf("%+v", st)
	}
	status, ok := r.Status(pid)
	if !ok || int(status.UID) != os.Getuid() || int(status.EUID) != os.Geteuid() || int(status.GID) != os.Getgid() || status.Namespaces < 1 {
		t.Errorf("%+v", status)
	}
	if got := string(r.Arguments(pid)); got != strings.Join(os.Args, "\x00") {
		t.Errorf("arguments %q", got)
	}
	if exe, err := os.Executable(); err != nil || r.Exe(pid) != exe {
		t.Errorf("%s, want %s, %v", r.Exe(pid), exe, err)
	}
	if text, ok := r.Cgroup(pid); !ok || !strings.Contains(text, ":") {
		t.Errorf("%q", text)
	}
	b, err := os.ReadFile("/proc/self/loginuid")
	if auid, _ := r.Login(pid); err != nil || auid != number(b) {
		t.Errorf("login user %d, %s, %v", auid, b, err)
	}
	pids, hidden, err := r.Processes()
	if err != nil || hidden || pids[0] != 1 || len(pids) < 2 {
		t.Errorf("%d processes, %v", len(pids), err)
	}
	if r.Unread != 0 || r.Reads != 8 {
		t.Errorf("%d reads, %d without an answer", r.Reads, r.Unread)
	}
	if st, ok := r.Stat(2); ok && string(st.Comm) == "kthreadd" && !st.Kernel {
		t.Errorf("%+v", st)
	}
}

// TestStart holds the start of a process against the clock.
func TestStart(t *testing.T) {
	before := time.Now()
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	r := Reader{}
	st, ok := r.Stat(uint32(cmd.Process.Pid))
	const grain = 20 * time.Millisecond
	if !ok || st.Start.Before(before.Add(-grain)) || st.Start.After(after.Add(grain)) || string(st.Comm) != "cat" {
		t.Errorf("%+v, want between %v and %v", st, before, after)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Stat(uint32(cmd.Process.Pid)); ok || r.Unread != 1 {
		t.Errorf("it is gone: %d unread", r.Unread)
	}
	if auid, session := r.Login(uint32(cmd.Process.Pid)); auid != Unset || session != Unset {
		t.Errorf("%d, %d", auid, session)
	}
}

func TestTree(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"stat":    "cpu  1\nbtime 1790000000\n",
		"10/stat": "10 (a) (b) S 1 10 10 1025 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 250 0 0",
		"11/stat": "12 (x) S 1 10 10 1025 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 250 0 0",
	} {
		name = filepath.Join(dir, "proc", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := Reader{Root: root}
	st, ok := r.Stat(10)
	if !ok || string(st.Comm) != "a) (b" || st.TTY != "tty1" || !st.Start.Equal(time.Unix(1_790_000_002, 500_000_000)) {
		t.Errorf("%+v", st)
	}
	if st, ok := r.Stat(11); ok {
		t.Errorf("of another number: %+v", st)
	}
	if pids, hidden, err := r.Processes(); err != nil || !hidden || len(pids) != 2 {
		t.Errorf("%v, %v, %v", pids, hidden, err)
	}
}

func TestTTY(t *testing.T) {
	for dev, want := range map[uint32]string{0: "", 0x8800: "pts0", 0x8805: "pts5", 0x1088ff: "pts511", 0x401: "tty1", 0x440: "ttyS0", 0x501: ""} {
		if got := ttyName(dev); got != want {
			t.Errorf("%#x: %q, want %q", dev, got, want)
		}
	}
}

// FuzzStat holds that a process is found whatever it calls itself, and that no text of
// /proc/PID/stat and status does harm.
func FuzzStat(f *testing.F) {
	f.Add("sh", uint32(10), uint32(1), uint64(500), "")
	f.Add("a) S 1 (b", uint32(1), uint32(0), uint64(0), "10 (x) S 1 2 3 4 5 6 7 8 9 1 1 1 1 1 1 1 1 1 1")
	f.Add("\xff\n", uint32(4194304), uint32(1<<31), uint64(1)<<60, "Uid:\t1\nNSpid:\t1\t2\nGid:")
	f.Fuzz(func(t *testing.T, comm string, pid, ppid uint32, ticks uint64, other string) {
		text := strconv.Itoa(int(pid)) + " (" + comm + ") R " + strconv.Itoa(int(ppid)) +
			" 1 1 -1 1 2097152 1 2 3 4 5 6 7 8 20 0 1 0 " + strconv.FormatUint(ticks, 10) + " 9 9\n"
		st, err := ParseStat([]byte(text))
		if fits := ticks < 1<<63/uint64(time.Second/userHZ)-1; (err == nil) != fits && fits {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && (st.PID != pid || st.PPID != ppid || st.Ticks != ticks+1 || string(st.Comm) != comm || !st.Kernel) {
			t.Errorf("%q: %+v", text, st)
		}
		if _, err := ParseStat([]byte(other)); err == nil && !strings.Contains(other, ")") {
			t.Errorf("%q was read", other)
		}
		if s := ParseStatus([]byte(other)); s.Namespaces > len(other) {
			t.Errorf("%q: %+v", other, s)
		}
	})
}
