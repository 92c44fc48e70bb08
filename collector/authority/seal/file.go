package seal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const maxFile = 4 << 10

// Read reads a key file. One that is not there is [io/fs.ErrNotExist].
func Read(name string) (*Keys, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read the seal key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the seal key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("read the seal key: %s is not a regular file of at most %d bytes", name, maxFile)
	}
	if !private(info) {
		return nil, fmt.Errorf("read the seal key: %s may be read by others (mode %04o); make it 0600", name, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read the seal key: %w", err)
	}
	keys, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read the seal key: %s: %w", name, err)
	}
	return keys, nil
}

// private reports whether the owner alone reads the file, and the group root.
func private(info os.FileInfo) bool {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return true
	}
	// An access list, by which systemd lets a service read its credential, shows as the
	// group's right.
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Gid == 0 && mode&0o037 == 0
}

// Make makes a key file with one key, mode 0600, and replaces nothing: a file that is
// there already is [io/fs.ErrExist]. The file is durable on return.
func Make(name string) (err error) {
	draft, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("make the seal key: %w", err)
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(line())
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return fmt.Errorf("make the seal key: %w", err)
	}
	if err := os.Link(draft.Name(), name); err != nil {
		return fmt.Errorf("make the seal key: %w", err)
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return fmt.Errorf("make the seal key: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("make the seal key: %w", err)
	}
	return nil
}
