package holder

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inode returns the number of a listening socket.
func inode(t *testing.T) uint64 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &st) }); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestFind(t *testing.T) {
	mine := inode(t)
	found, limited := Find(t.Context(), []uint64{mine})
	p := found[mine]
	exe, err := os.Executable()
	if err != nil || p.PID != os.Getpid() || p.Exe != exe || p.Comm == "" || p.Deleted || limited != "" {
		t.Errorf("got %+v, %q, %v", p, limited, err)
	}
	if found, _ := Find(t.Context(), []uint64{1<<63 - 1}); len(found) != 0 {
		t.Errorf("got %+v", found)
	}
	if found, limited := Find(t.Context(), nil); len(found) != 0 || limited != "" {
		t.Errorf("got %+v, %q", found, limited)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, limited := Find(gone, []uint64{mine}); !strings.Contains(limited, "no time") {
		t.Errorf("got %q", limited)
	}
}

// TestManyDescriptors: that a process has more than are looked at is said, where one
// of the sockets could be among them.
func TestManyDescriptors(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for range maxDescriptors {
		fd, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
	}
	if _, limited := Find(t.Context(), []uint64{1<<63 - 1}); !strings.Contains(limited, "has more than") {
		t.Errorf("got %q", limited)
	}
}

// TestDeleted: a program whose file is gone.
func TestDeleted(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "cat")
	program, err := os.ReadFile("/bin/cat")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(exe); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if p := describe(number(pid)); p.Exe != exe || !p.Deleted || p.PID != pid || p.Comm != "cat" {
		t.Errorf("got %+v", p)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if p := describe(number(pid)); p.Exe != "" || p.Comm != "" {
		t.Errorf("a process that ended: %+v", p)
	}
}

func number(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return number(n/10) + number(n%10)
}

// FuzzSocket: a number that is found is written in the link.
func FuzzSocket(f *testing.F) {
	f.Add("socket:[4711]")
	f.Add("pipe:[1]")
	f.Add("socket:[-1]")
	f.Fuzz(func(t *testing.T, link string) {
		if n, ok := socket(link); ok && !strings.HasPrefix(link, "socket:[") {
			t.Errorf("got %d", n)
		}
	})
}
