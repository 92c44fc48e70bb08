package socket

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// lines is a log to look at.
type lines struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestSocket holds its mode, and replaces what an earlier collector left, and
// nothing else.
func TestSocket(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	// A path that is too long for a socket's name.
	folder := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, File)
	if _, err := Dial(t.Context(), folder); err == nil {
		t.Error("nobody answers")
	}
	first, err := Listen(folder, log)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(name); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if l, err := Listen(folder, log); err == nil {
		l.Close()
		t.Error("a second collector takes the socket of the first")
	}
	// The first dies, and leaves its socket.
	if err := first.(*listener).UnixListener.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Listen(folder, log)
	if err != nil {
		t.Fatalf("after the death of the first: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(name); err == nil {
		t.Error("the socket is left")
	}
	for what, make := range map[string]func() error{
		"file":    func() error { return os.WriteFile(name, []byte("mine"), 0o600) },
		"symlink": func() error { return os.Symlink("/etc/passwd", name) },
		"folder":  func() error { return os.Mkdir(name, 0o700) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if l, err := Listen(folder, log); err == nil {
			l.Close()
			t.Errorf("a %s is replaced", what)
		}
		if err := os.Remove(name); err != nil {
			t.Fatalf("the %s is gone: %v", what, err)
		}
	}
}

// TestOtherUser connects as nobody to a socket that was opened to all.
func TestOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("this test needs root, to become another user")
	}
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	l, err := Listen(folder, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(folder, File), 0o666); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 2)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	closed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		closed <- connectAs(65534, filepath.Join(folder, File))
	}()
	if err := <-closed; err != nil {
		t.Errorf("nobody: %v", err)
	}
	c, err := Dial(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	got := <-accepted
	if got.RemoteAddr().String() != "uid 0" || got.RemoteAddr().Network() != "unix" {
		t.Errorf("accepted %v", got.RemoteAddr())
	}
	got.Close()
	l.Close()
	if more := <-accepted; more != nil {
		t.Errorf("accepted %v, too", more.RemoteAddr())
	}
	if !strings.Contains(log.String(), "uid=65534") {
		t.Errorf("the log says %s", log)
	}
}

// connectAs has this thread alone become another user, connect, and wait until the
// other side closes the connection.
func connectAs(uid int, name string) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
		return errno
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		return err
	}
	if n, err := unix.Read(fd, make([]byte, 1)); n != 0 || err != nil {
		return fmt.Errorf("read %d bytes, %w", n, err)
	}
	return nil
}
