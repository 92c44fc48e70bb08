// Package door is the unix socket between the collector and the process that delivers
// messages: how the one listens and the other dials.
package door

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Listen opens the socket at a path: mode 0660, so its folder and its group say who may
// connect. A socket that an earlier collector left is replaced.
func Listen(path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s: there is something that is not a socket", path)
	}
	// It gets its mode before it gets its name.
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen for deliveries: %w", err)
	}
	folder, name, err := within(fresh)
	if err != nil {
		return nil, fmt.Errorf("listen for deliveries: %w", err)
	}
	defer folder.Close()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for deliveries at %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(fresh, 0o660)
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for deliveries: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

// Dial connects to the socket at a path.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	folder, name, err := within(path)
	if err != nil {
		return nil, fmt.Errorf("connect to the collector: %w", err)
	}
	defer folder.Close()
	c, err := new(net.Dialer).DialContext(ctx, "unix", name)
	if err != nil {
		return nil, fmt.Errorf("connect to the collector: %w", err)
	}
	return c, nil
}

// within names a socket by its open folder: the path of a socket has at most 107 bytes,
// that of a folder has not.
func within(path string) (folder *os.File, name string, err error) {
	fd, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", fmt.Errorf("open %s: %w", filepath.Dir(path), err)
	}
	return os.NewFile(uintptr(fd), filepath.Dir(path)), "/proc/self/fd/" + strconv.Itoa(fd) + "/" + filepath.Base(path), nil
}
