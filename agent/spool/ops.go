package spool

import (
	"os"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/folder"
)

// ops are the calls that change the disk, and the one that asks how full it is.
// Tests put faults in their place.
type ops struct {
	create   func(dir *os.File, name string) (*os.File, error)
	write    func(f *os.File, b []byte, off int64) error
	sync     func(f *os.File) error
	syncDir  func(dir *os.File) error
	truncate func(f *os.File, size int64) error
	unlink   func(dir *os.File, name string) error
	statfs   func(dir *os.File) (space, error)
}

// space is how much of a file system may be used by an unprivileged process.
type space struct {
	free, size    int64  // bytes
	inodes, files uint64 // free, and all; 0 of 0 where the file system does not count
}

func diskOps() ops {
	return ops{
		create: func(dir *os.File, name string) (*os.File, error) {
			return folder.OpenAt(dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
		},
		write: func(f *os.File, b []byte, off int64) error {
			_, err := f.WriteAt(b, off)
			return err
		},
		sync: func(f *os.File) error {
			for {
				if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
					return pathError("fdatasync", f.Name(), err)
				}
			}
		},
		syncDir:  func(dir *os.File) error { return dir.Sync() },
		truncate: func(f *os.File, size int64) error { return f.Truncate(size) },
		unlink: func(dir *os.File, name string) error {
			return pathError("unlink", name, unix.Unlinkat(int(dir.Fd()), name, 0))
		},
		statfs: func(dir *os.File) (space, error) {
			var st unix.Statfs_t
			if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
				return space{}, pathError("statfs", dir.Name(), err)
			}
			return space{
				free: int64(st.Bavail) * st.Frsize, size: int64(st.Blocks) * st.Frsize, inodes: st.Ffree, files: st.Files,
			}, nil
		},
	}
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: name, Err: err}
}
