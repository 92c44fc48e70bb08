package spool

import (
	"os"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/segment"
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
			return segment.OpenAt(dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
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
	}
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: name, Err: err}
}
