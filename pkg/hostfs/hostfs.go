// Package hostfs reads the files of a host under examination without trusting
// them.
//
// A [Root] is the directory that stands for the host's "/": the running system,
// or an image mounted elsewhere. Names given to it are the host's own absolute
// names. Below a root other than "/" symbolic links are followed as the host
// would follow them, never out of the root (openat2(2), RESOLVE_IN_ROOT).
//
// A service whose sandbox hides directories of the running system at their own names, and
// shows them at others, is told so ([Placed]). Names stay the host's own then, too, in
// errors as well; only opening goes elsewhere.
//
// Nothing read here can hang or exhaust the reader: files are opened without
// blocking, must be regular, and are read to a limit. A FIFO, a device, a
// directory in place of a file, or a file beyond the limit is an error that says
// so.
package hostfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultLimit bounds a file where the reader names no limit of its own.
const DefaultLimit = 1 << 20

// ErrNotRegular is returned for anything that is not a regular file.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge is returned for a file beyond the limit.
var ErrTooLarge = errors.New("file is larger than the limit")

// Root is the directory that stands for a host's "/". The zero Root is the
// running system.
type Root struct {
	dir    string
	places *places // nil where all is at its own name, as in an image
}

// Open checks that dir is a directory and returns it as a root.
func Open(dir string) (Root, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Root{}, fmt.Errorf("open root %q: %w", dir, err)
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return Root{}, fmt.Errorf("open root: %w", err)
	}
	if !fi.IsDir() {
		return Root{}, fmt.Errorf("open root %q: not a directory", dir)
	}
	if abs == "/" {
		abs = ""
	}
	return Root{dir: abs}, nil
}

// Live reports whether the root is the running system, so that commands, the
// kernel and D-Bus may be asked about it too.
func (r Root) Live() bool { return r.dir == "" }

// Path returns name as this process would have to open it. For messages and
// commands only: opening it does not keep links inside the root.
func (r Root) Path(name string) string { return r.dir + r.at(clean(name)) }

func clean(name string) string { return path.Clean("/" + name) }

// open opens name below the root with the given flags, without blocking.
func (r Root) open(name string, flags int) (*os.File, error) {
	name = clean(name)
	flags |= unix.O_CLOEXEC
	if flags&unix.O_PATH == 0 { // openat2(2) refuses the others beside O_PATH
		flags |= unix.O_NONBLOCK | unix.O_NOCTTY
	}
	var fd int
	var err error
	if r.Live() {
		fd, err = retry(func() (int, error) { return unix.Open(r.at(name), flags, 0) })
	} else {
		fd, err = r.openBelow(name, flags)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (r Root) openBelow(name string, flags int) (int, error) {
	dir, err := unix.Open(r.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	how := unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	rel := strings.TrimPrefix(name, "/")
	if rel == "" {
		rel = "."
	}
	return retry(func() (int, error) { return unix.Openat2(dir, rel, &how) })
}

// retry opens again while a rename elsewhere disturbs the walk (openat2(2)
// answers EAGAIN then), but not for ever.
func retry(open func() (int, error)) (fd int, err error) {
	for range 64 {
		fd, err = open()
		if err != unix.EINTR && err != unix.EAGAIN {
			break
		}
	}
	return fd, err
}

// ReadFile reads the regular file name, at most limit bytes (DefaultLimit when
// limit is 0). More is ErrTooLarge, and nothing is returned of it.
func (r Root) ReadFile(name string, limit int64) ([]byte, error) {
	f, fi, err := r.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if limit == 0 {
		limit = DefaultLimit
	}
	if fi.Size() > limit {
		return nil, &fs.PathError{Op: "read", Path: clean(name), Err: fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)}
	}
	// Files of /proc and /sys have size 0 and more to give.
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, &fs.PathError{Op: "read", Path: clean(name), Err: fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)}
	}
	return b, nil
}

// OpenFile opens the regular file name for reading; the caller closes it and
// bounds what it reads.
func (r Root) OpenFile(name string) (*os.File, fs.FileInfo, error) {
	// To open a device can already do something (a watchdog starts), and a socket
	// cannot be opened at all.
	if fi, err := r.Stat(name); err == nil && !fi.Mode().IsRegular() {
		return nil, nil, notRegular(name, fi)
	}
	f, err := r.open(name, unix.O_RDONLY)
	if err != nil {
		return nil, nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() { // it was changed in between
		err = notRegular(name, fi)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	// Some files of /proc (kmsg) wait for more; others answer that they have no
	// deadline, since they never wait.
	if err := f.SetReadDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
		f.Close()
		return nil, nil, err
	}
	return f, fi, nil
}

// patience bounds how long a file may keep its reader waiting.
const patience = time.Second

func notRegular(name string, fi fs.FileInfo) error {
	return &fs.PathError{Op: "open", Path: clean(name), Err: fmt.Errorf("%w but %s", ErrNotRegular, kind(fi.Mode()))}
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return m.Type().String()
}

// Stat describes name, links followed.
func (r Root) Stat(name string) (fs.FileInfo, error) { return r.stat(name, 0) }

// Lstat describes name itself, even if it is a link.
func (r Root) Lstat(name string) (fs.FileInfo, error) { return r.stat(name, unix.O_NOFOLLOW) }

func (r Root) stat(name string, flags int) (fs.FileInfo, error) {
	if r.Live() {
		look := os.Stat
		if flags&unix.O_NOFOLLOW != 0 {
			look = os.Lstat
		}
		fi, err := look(r.at(clean(name)))
		return fi, named(err, clean(name))
	}
	f, err := r.open(name, unix.O_PATH|flags)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// Null reports whether fi, of Stat, is the device /dev/null. A name that is linked to it
// was masked, or is to stay empty: what stands there is nobody's file, and everybody may
// write it.
func Null(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && fi.Mode()&fs.ModeCharDevice != 0 && st.Rdev == unix.Mkdev(1, 3)
}

// Readlink returns where the link name points, as it is written.
func (r Root) Readlink(name string) (string, error) {
	f, err := r.open(name, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	defer f.Close()
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(f.Fd()), "", buf)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: clean(name), Err: err}
	}
	return string(buf[:n]), nil
}

// MaxEntries bounds a directory listing.
const MaxEntries = 100_000

// ReadDir lists the names in the directory name, sorted bytewise. More than
// MaxEntries is an error.
func (r Root) ReadDir(name string) ([]string, error) {
	f, err := r.open(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(MaxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > MaxEntries {
		return nil, &fs.PathError{Op: "readdir", Path: clean(name), Err: fmt.Errorf("more than %d entries", MaxEntries)}
	}
	slices.Sort(names)
	return names, nil
}

// Exists reports whether name is there. An error other than absence counts as
// being there, so that the reader that opens it reports the error.
func (r Root) Exists(name string) bool {
	_, err := r.Stat(name)
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}
