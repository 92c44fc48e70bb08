// Package private keeps the small files of a state directory that nobody but
// their owner may read: keys, tokens, state.
//
// A file is replaced as a whole: after a crash it is the old one or the new one. It
// belongs to the owner of its directory, whoever writes it, so that root may run a
// command beside a service of another user. What is read must be a plain file that
// is not linked to, that others may not read, and that the directory's owner, the
// reader or root wrote.
package private

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"seawall/pkg/wholefile"
)

// ErrBusy is returned by Lock when another process has the lock.
var ErrBusy = errors.New("another process has the lock")

// PermissionError says that a file is not private, and how to make it so.
type PermissionError struct {
	Name, Problem, Remedy string
}

// Error names the file, what is wrong with it, and how to mend it.
func (e *PermissionError) Error() string {
	return fmt.Sprintf("%s %s: %s", e.Name, e.Problem, e.Remedy)
}

// ReadFile reads a private file of at most limit bytes.
func ReadFile(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, &PermissionError{name, "is a symbolic link", "put the file itself there"}
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: let it belong to the user of this program, with mode 0600", err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := check(name, fi); err != nil {
		return nil, err
	}
	if fi.Size() > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func check(name string, fi fs.FileInfo) error {
	if !fi.Mode().IsRegular() {
		return &PermissionError{name, fmt.Sprintf("is %v", fi.Mode()), "put a plain file there"}
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return &PermissionError{name, fmt.Sprintf("is open to others (%v)", fi.Mode().Perm()), "whoever read it has its secret; if nobody did, chmod 600"}
	}
	dir, _, err := owner(filepath.Dir(name))
	if err != nil {
		return err
	}
	stat, ok := fi.Sys().(*syscall.Stat_t)
	if ok && stat.Uid != 0 && int(stat.Uid) != dir && int(stat.Uid) != os.Geteuid() {
		return &PermissionError{name, fmt.Sprintf("belongs to user %d", stat.Uid), fmt.Sprintf("if it is right, chown it to user %d", dir)}
	}
	return nil
}

// owner returns who owns a directory.
func owner(dir string) (uid, gid int, err error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return 0, 0, err
	}
	stat, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("owner of %s: not told", dir)
	}
	return int(stat.Uid), int(stat.Gid), nil
}

// WriteFile replaces a file and returns when it is durable.
func WriteFile(name string, b []byte) error {
	var like fs.FileInfo
	if os.Geteuid() == 0 {
		dir, err := os.Stat(filepath.Dir(name))
		if err != nil {
			return err
		}
		like = dir
	}
	return wholefile.Write(name, b, 0o600, like)
}

// give makes a file that root writes the directory's owner's.
func give(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := owner(dir)
	if err != nil || uid == 0 {
		return err
	}
	// The directory's owner may have put a file of root's there by another name.
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if stat, ok := fi.Sys().(*syscall.Stat_t); !ok || stat.Nlink != 1 || !fi.Mode().IsRegular() {
		return &PermissionError{f.Name(), "has other names", "remove it"}
	}
	return f.Chown(uid, gid)
}

// Remove removes a file for good. That there is none is no error.
func Remove(name string) error {
	if err := os.Remove(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return wholefile.SyncFolder(filepath.Dir(name))
}

// Wipe removes a file for good, and what a crash left of a WriteFile of it.
func Wipe(name string) error {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"-*"))
	for _, temporary := range left {
		err = errors.Join(err, Remove(temporary))
	}
	return errors.Join(err, Remove(name))
}

// Lock takes the lock that is the file name, until the result is closed or the
// process ends. It does not wait: ErrBusy says that another process has it.
func Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if err := give(f, filepath.Dir(name)); err != nil {
		f.Close()
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", name, ErrBusy)
		}
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return f, nil
}
