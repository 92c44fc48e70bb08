package roomy

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// listen serves one who asks, as systemd and the helper do, and returns the socket and
// what Serve says.
func listen(t *testing.T) (string, <-chan error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "buffer.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	said := make(chan error, 1)
	go func() {
		conn, err := l.AcceptUnix()
		if err != nil {
			said <- err
			return
		}
		defer conn.Close()
		f, err := conn.File() // blocking, as systemd's is
		if err == nil {
			err = serve(f)
		}
		said <- err
	}()
	return name, said
}

func serve(f *os.File) error {
	defer f.Close()
	return Serve(int(f.Fd()))
}

func netlink(t *testing.T, protocol int) *os.File {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "netlink")
	t.Cleanup(func() { f.Close() })
	return f
}

func TestAsk(t *testing.T) {
	socket, said := listen(t)
	f := netlink(t, unix.NETLINK_AUDIT)
	if large(int(f.Fd())) {
		t.Fatal("it is large from the start")
	}
	if err := Ask(socket, f); err != nil {
		t.Fatal(err)
	}
	if err := <-said; err != nil || !large(int(f.Fd())) {
		t.Errorf("%v, large %v", err, large(int(f.Fd())))
	}
	if err := Ask(socket+"-gone", f); err != nil {
		t.Errorf("a large one is asked for again: %v", err)
	}
}

// TestRefuses: nothing but an audit socket is touched, and the sensor hears of it.
func TestRefuses(t *testing.T) {
	socket, said := listen(t)
	other := netlink(t, unix.NETLINK_ROUTE)
	before, err := unix.GetsockoptInt(int(other.Fd()), unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		t.Fatal(err)
	}
	if err := Ask(socket, other); !errors.Is(err, errSmall) {
		t.Errorf("asked: %v", err)
	}
	if err := <-said; !errors.Is(err, errAsked) {
		t.Errorf("served: %v", err)
	}
	if after, err := unix.GetsockoptInt(int(other.Fd()), unix.SOL_SOCKET, unix.SO_RCVBUF); err != nil || after != before {
		t.Errorf("%d became %d, %v", before, after, err)
	}
}

// TestServeBad gives the helper everything but one descriptor.
func TestServeBad(t *testing.T) {
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd := int(file.Fd())
	for name, rights := range map[string][]byte{
		"no descriptor": nil, "a file": unix.UnixRights(fd), "two": unix.UnixRights(fd, fd), "many": unix.UnixRights(fd, fd, fd, fd, fd, fd),
		"something else": unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid())}),
	} {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Sendmsg(pair[0], []byte("x"), rights, nil, 0); err != nil {
			t.Fatal(err)
		}
		if err := Serve(pair[1]); !errors.Is(err, errAsked) {
			t.Errorf("%s: %v", name, err)
		}
		_ = unix.Close(pair[0])
		_ = unix.Close(pair[1])
	}
	if err := Serve(fd); !errors.Is(err, syscall.ENOTSOCK) {
		t.Errorf("no connection: %v", err)
	}
}

// TestBefore: the socket is left with systemd also where nobody can enlarge its buffer.
func TestBefore(t *testing.T) {
	var log bytes.Buffer
	var stored []string
	store := Before(slog.New(slog.NewTextHandler(&log, nil)), func(name string, f *os.File) error {
		stored = append(stored, name)
		if f == nil {
			stored = append(stored, "taken back")
		}
		return os.ErrInvalid
	})
	closed := netlink(t, unix.NETLINK_ROUTE)
	for _, f := range []*os.File{closed, nil} {
		if err := store("x", f); !errors.Is(err, os.ErrInvalid) {
			t.Error(err)
		}
	}
	if got := strings.Join(stored, " "); got != "x x taken back" {
		t.Error(got)
	}
	if strings.Count(log.String(), "small") != 1 {
		t.Errorf("logged: %s", &log)
	}
}

func TestCommand(t *testing.T) {
	cmd := Command()
	cmd.SetArgs(nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "enlarge") {
		t.Errorf("without its flag: %v", err)
	}
}
