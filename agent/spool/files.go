package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

var (
	// ErrLocked is returned by Open when another process writes the spool.
	ErrLocked = errors.New("spool is locked by another writer")

	errNotPlain = errors.New("not a plain file with one link")
)

const (
	lockName    = "lock"
	durableName = "durable"
	badSuffix   = ".bad"
	maxBad      = 3
	maxEntries  = 1 << 16 // names of a directory that are looked at
)

// ops are the calls that change the disk. Tests put faults in their place.
type ops struct {
	create   func(dir *os.File, name string) (*os.File, error)
	write    func(f *os.File, b []byte, off int64) error
	sync     func(f *os.File) error
	syncDir  func(dir *os.File) error
	truncate func(f *os.File, size int64) error
	unlink   func(dir *os.File, name string) error
}

func diskOps() ops {
	return ops{
		create: func(dir *os.File, name string) (*os.File, error) {
			return openAt(dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
		},
		write: func(f *os.File, b []byte, off int64) error {
			_, err := f.WriteAt(b, off)
			return err
		},
		sync: func(f *os.File) error {
			return pathErr("fdatasync", f.Name(), retry(func() error { return unix.Fdatasync(int(f.Fd())) }))
		},
		syncDir: func(dir *os.File) error {
			return pathErr("fsync", dir.Name(), retry(func() error { return unix.Fsync(int(dir.Fd())) }))
		},
		truncate: func(f *os.File, size int64) error { return f.Truncate(size) },
		unlink: func(dir *os.File, name string) error {
			return pathErr("unlink", name, unix.Unlinkat(int(dir.Fd()), name, 0))
		},
	}
}

func pathErr(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// openAt opens a file of dir without following a link or blocking on a FIFO.
func openAt(dir *os.File, name string, flags int) (*os.File, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Openat(int(dir.Fd()), name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o640)
		return err
	})
	if err != nil {
		return nil, pathErr("open", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// openPlain opens an existing file of dir that must be a plain file with no other
// name, so that nobody can make a reader of one file read another.
func openPlain(dir *os.File, name string, flags int) (*os.File, error) {
	f, err := openAt(dir, name, flags)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		f.Close()
		return nil, pathErr("stat", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 {
		f.Close()
		return nil, pathErr("open", name, errNotPlain)
	}
	return f, nil
}

// openDir opens a directory, not a link to one.
func openDir(dir *os.File, name string) (*os.File, error) {
	return openAt(dir, name, unix.O_RDONLY|unix.O_DIRECTORY)
}

// own gives a new file or directory its mode and, when wanted, its group,
// whatever the umask says.
func own(f *os.File, mode fs.FileMode, group int) error {
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if group > 0 {
		return f.Chown(-1, group)
	}
	return nil
}

// names lists a directory, at most maxEntries of it.
func names(dir *os.File) ([]string, error) {
	d, err := openDir(dir, ".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	list, err := d.Readdirnames(maxEntries)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return list, nil
}

// segments lists the segments of a lane's directory, oldest first, and the
// segment names that are something else.
func segments(dir *os.File) (segs []segment, foreign []string, err error) {
	list, err := names(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("list segments: %w", err)
	}
	for _, name := range list {
		s, ok := parseSegment(name)
		if !ok {
			continue
		}
		var st unix.Stat_t
		err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == unix.ENOENT {
			continue // evicted meanwhile
		}
		if err != nil {
			return nil, nil, pathErr("stat", name, err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 {
			foreign = append(foreign, name)
			continue
		}
		s.size = st.Size
		segs = append(segs, s)
	}
	slices.SortFunc(segs, func(a, b segment) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.epoch, b.epoch))
	})
	return segs, foreign, nil
}

// setAside renames what only looks like a segment, and keeps a few of them for
// whoever wants to know how it came there.
func setAside(dir *os.File, foreign []string) error {
	for _, name := range foreign {
		fd := int(dir.Fd())
		if err := unix.Renameat(fd, name, fd, name+badSuffix); err != nil {
			return pathErr("rename", name, err)
		}
	}
	list, err := names(dir)
	if err != nil {
		return err
	}
	bad := slices.DeleteFunc(list, func(n string) bool {
		_, ok := parseSegment(strings.TrimSuffix(n, badSuffix))
		return !ok || !strings.HasSuffix(n, badSuffix)
	})
	slices.Sort(bad)
	for len(bad) > maxBad {
		// A directory cannot be unlinked and stays: it is not ours.
		_ = unix.Unlinkat(int(dir.Fd()), bad[0], 0)
		bad = bad[1:]
	}
	return nil
}

// lock takes the writer's lock.
func lock(dir *os.File, group int) (*os.File, error) {
	f, err := openAt(dir, lockName, unix.O_RDWR|unix.O_CREAT)
	if err != nil {
		return nil, fmt.Errorf("lock spool: %w", err)
	}
	if err := own(f, 0o640, group); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock spool: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if err == unix.EWOULDBLOCK {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock spool: %w", err)
	}
	return f, nil
}
