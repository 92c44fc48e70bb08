// Package socket is the unix socket over which a person reaches the running
// collector: how the collector listens and how a command dials.
package socket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// File is the name of the socket in the state folder.
const File = "admin.sock"

// Listen opens the socket in the state folder, mode 0600. One that an earlier
// collector left is replaced; one that is answered is not, nor is anything that is
// not a socket. Connections of other users than root and this process's are closed.
func Listen(folder string, log *slog.Logger) (net.Listener, error) {
	name := filepath.Join(folder, File)
	if err := clear(folder); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	dir, err := openFolder(folder)
	if err != nil {
		return nil, err
	}
	// It gets its mode before it gets its name.
	fresh := File + ".new"
	if err := os.Remove(filepath.Join(folder, fresh)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, dir.Close())
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: within(dir, fresh), Net: "unix"})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), dir.Close())
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(filepath.Join(folder, fresh), 0o600)
	if err == nil {
		err = os.Rename(filepath.Join(folder, fresh), name)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close(), dir.Close())
	}
	return &listener{l, dir, name, log}, nil
}

// clear removes a socket that nobody answers.
func clear(folder string) error {
	name := filepath.Join(folder, File)
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is something that is not a socket")
	}
	c, err := Dial(context.Background(), folder)
	if err == nil {
		c.Close()
		return errors.New("another collector answers there")
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return err
	}
	return os.Remove(name)
}

// Dial connects to the socket in the state folder.
func Dial(ctx context.Context, folder string) (net.Conn, error) {
	dir, err := openFolder(folder)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return new(net.Dialer).DialContext(ctx, "unix", within(dir, File))
}

// openFolder opens a folder to name sockets in it: the path of a socket has at most
// 107 bytes, that of a folder has not.
func openFolder(folder string) (*os.File, error) {
	fd, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", folder, err)
	}
	return os.NewFile(uintptr(fd), folder), nil
}

func within(dir *os.File, name string) string {
	return "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + name
}

// listener accepts connections of those who may administer.
type listener struct {
	*net.UnixListener
	folder *os.File
	name   string
	log    *slog.Logger
}

// Accept returns the next connection of root or of this process's user.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := userOf(c)
		if err == nil && (uid == 0 || uid == os.Getuid()) {
			return &conn{c, user(uid)}, nil
		}
		l.log.Warn("connection of another user to the administrator's socket", "uid", uid, "err", err)
		_ = c.Close()
	}
}

// Close stops listening and removes the socket.
func (l *listener) Close() error {
	err := l.UnixListener.Close()
	if !errors.Is(err, net.ErrClosed) {
		_ = os.Remove(l.name)
		_ = l.folder.Close()
	}
	return err
}

// userOf returns the user at the other end, as the kernel saw it connect.
func userOf(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, failed); err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}

// conn is a connection whose remote address is the user there.
type conn struct {
	*net.UnixConn
	user user
}

// RemoteAddr is the user.
func (c *conn) RemoteAddr() net.Addr { return c.user }

type user int

// Network is "unix".
func (user) Network() string { return "unix" }

// String is "uid N".
func (u user) String() string { return "uid " + strconv.Itoa(int(u)) }
