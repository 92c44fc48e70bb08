package folder

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/segment"
)

var (
	// ErrNotPlain is returned for what cannot be a file of a spool.
	ErrNotPlain = errors.New("not a plain file with one link")
	// ErrNoLane is returned for a name that cannot be a lane's.
	ErrNoLane = errors.New("no such lane")
	// ErrLocked is returned when another process writes the spool.
	ErrLocked = errors.New("spool is locked by another writer")
)

// WatermarkName is the name of the watermark in a lane's directory.
const WatermarkName = "durable"

const (
	lockName   = "lock"
	badSuffix  = ".bad"
	maxBad     = 3
	maxEntries = 1 << 16 // names of a directory that are looked at
)

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

// OpenAt opens a file of dir without following a link or blocking on a FIFO.
func OpenAt(dir *os.File, name string, flags int) (*os.File, error) {
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

// OpenPlain opens an existing file of dir that must be a plain file with no other
// name, so that nobody can make a reader of one file read another.
func OpenPlain(dir *os.File, name string, flags int) (*os.File, error) {
	f, err := OpenAt(dir, name, flags)
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
		return nil, pathErr("open", name, ErrNotPlain)
	}
	return f, nil
}

// IsForeign reports whether an error of OpenPlain or OpenDir says that something
// else stands under the name.
func IsForeign(err error) bool {
	for _, e := range []error{ErrNotPlain, unix.ELOOP, unix.ENXIO, unix.EISDIR, unix.ENOTDIR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// OpenDir opens a directory, not a link to one.
func OpenDir(dir *os.File, name string) (*os.File, error) {
	return OpenAt(dir, name, unix.O_RDONLY|unix.O_DIRECTORY)
}

// MakeDir opens a directory and makes it when there is none. What stands in its
// place is set aside.
func MakeDir(dir *os.File, name string) (*os.File, error) {
	for range 2 {
		if err := unix.Mkdirat(int(dir.Fd()), name, 0o750); err != nil && err != unix.EEXIST {
			return nil, pathErr("mkdir", name, err)
		}
		d, err := OpenDir(dir, name)
		if !IsForeign(err) {
			return d, err
		}
		if err := SetAside(dir, name); err != nil {
			return nil, err
		}
	}
	return nil, pathErr("mkdir", name, unix.EEXIST)
}

// Lanes lists the lanes of the spool in dir, by name.
func Lanes(dir string) ([]string, error) {
	d, err := os.OpenFile(dir, unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("list lanes: %w", err)
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("list lanes: %w", err)
	}
	var lanes []string
	for _, e := range entries {
		if e.IsDir() && segment.ValidLane(e.Name()) {
			lanes = append(lanes, e.Name())
		}
	}
	slices.Sort(lanes)
	return lanes, nil
}

// OpenLane opens the directory of a lane of the spool in dir.
func OpenLane(dir, lane string) (*os.File, error) {
	if !segment.ValidLane(lane) {
		return nil, ErrNoLane
	}
	d, err := os.OpenFile(dir, unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return OpenDir(d, lane)
}

// Own gives a new file or directory its mode and, when wanted, its group,
// whatever the umask says.
func Own(f *os.File, mode fs.FileMode, group int) error {
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
	d, err := OpenDir(dir, ".")
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

// List lists the segments of a lane's directory, oldest first, and the
// segment names that are something else.
func List(dir *os.File) (segs []segment.File, foreign []string, err error) {
	list, err := names(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("list segments: %w", err)
	}
	for _, name := range list {
		s, ok := segment.ParseName(name)
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
		s.Size = st.Size
		segs = append(segs, s)
	}
	slices.SortFunc(segs, func(a, b segment.File) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Epoch, b.Epoch))
	})
	return segs, foreign, nil
}

// SetAside renames what stands under a name of the spool and is something else, and
// keeps a few of them for whoever wants to know how it came there.
func SetAside(dir *os.File, foreign ...string) error {
	fd := int(dir.Fd())
	for _, name := range foreign {
		err := unix.Renameat(fd, name, fd, name+badSuffix)
		if err == unix.ENOTEMPTY || err == unix.EEXIST || err == unix.EISDIR || err == unix.ENOTDIR {
			// One of before is in the way, and one of them is a directory.
			err = unix.Renameat2(fd, name, fd, name+badSuffix, unix.RENAME_EXCHANGE)
			if err == nil {
				err = unix.Renameat2(fd, name, fd, fmt.Sprintf("%s.%x%s", name, time.Now().UnixNano(), badSuffix), unix.RENAME_NOREPLACE)
			}
		}
		if err != nil {
			return pathErr("rename", name, err)
		}
	}
	bad, err := Aside(dir)
	if err != nil {
		return err
	}
	for len(bad) > maxBad {
		// A directory cannot be unlinked and stays: it is not ours.
		_ = unix.Unlinkat(fd, bad[0], 0)
		bad = bad[1:]
	}
	return nil
}

// Aside lists what SetAside renamed, by name.
func Aside(dir *os.File) ([]string, error) {
	list, err := names(dir)
	if err != nil {
		return nil, err
	}
	bad := slices.DeleteFunc(list, func(n string) bool { return !strings.HasSuffix(n, badSuffix) })
	slices.Sort(bad)
	return bad, nil
}

// Lock takes the writer's lock.
func Lock(dir *os.File, group int) (*os.File, error) {
	f, err := OpenAt(dir, lockName, unix.O_RDWR|unix.O_CREAT)
	if err != nil {
		return nil, fmt.Errorf("lock spool: %w", err)
	}
	if err := Own(f, 0o640, group); err != nil {
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
