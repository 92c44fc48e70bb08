// Package wholefile replaces files as a whole: whatever happens, the old one or the
// new one is there, and never with a mode or an owner that it shall not have.
package wholefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Write puts data in the place of a file and returns when it is durable. The new file has
// the given mode, and the owner and group of another file or folder: nil is who writes.
// Its errors are about the file, whatever it was called while it was written.
func Write(name string, data []byte, mode fs.FileMode, like fs.FileInfo) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return named(err, name)
	}
	defer os.Remove(f.Name()) // nothing is left there when all went well
	err = give(f, like)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return named(err, name)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return &fs.PathError{Op: "replace", Path: name, Err: errors.Unwrap(err)}
	}
	return SyncFolder(filepath.Dir(name))
}

// SyncFolder returns when the names in a folder are durable.
func SyncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// named is an error with the file's name, not the temporary one, which is another each
// time.
func named(err error, name string) error {
	if p := new(fs.PathError); errors.As(err, &p) {
		return &fs.PathError{Op: p.Op, Path: name, Err: p.Err}
	}
	return err
}

func give(f *os.File, like fs.FileInfo) error {
	if like == nil {
		return nil
	}
	stat, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return f.Chown(int(stat.Uid), int(stat.Gid))
}
