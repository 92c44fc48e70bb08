package collector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Linux's FIFREEZE and FITHAW: _IOWR('X', 119, int) and _IOWR('X', 120, int).
const (
	freeze = 0xc0045877
	thaw   = 0xc0045878
)

// Mount puts the state folder onto a file system of its own, in a file, so that it
// can be frozen without anybody else. The folder must not exist yet, or be empty.
func (c *Collector) Mount(ctx context.Context, bytes int64) error {
	image := filepath.Join(c.Folder, "state.ext4")
	if err := os.MkdirAll(c.state(), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(image, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(bytes), f.Close()); err != nil {
		return err
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-F", image}, {"mount", "-o", "loop", image, c.state()}} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", args[0], err, out)
		}
	}
	return os.Chmod(c.state(), 0o700)
}

// Unmount undoes Mount. What the collector kept is lost.
func (c *Collector) Unmount() error {
	if err := unix.Unmount(c.state(), 0); err != nil {
		return fmt.Errorf("unmount %s: %w", c.state(), err)
	}
	return os.Remove(filepath.Join(c.Folder, "state.ext4"))
}

// Freeze lets nothing be written to the mounted state folder until ctx ends, as a
// disk that has stopped answering: the collector's commits wait and do not fail. It
// calls held when nothing is written any more.
func (c *Collector) Freeze(ctx context.Context, held func()) error {
	dir, err := os.Open(c.state())
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.IoctlSetInt(int(dir.Fd()), freeze, 0); err != nil {
		return fmt.Errorf("freeze %s: %w", c.state(), err)
	}
	held()
	<-ctx.Done()
	if err := unix.IoctlSetInt(int(dir.Fd()), thaw, 0); err != nil {
		return fmt.Errorf("thaw %s: %w", c.state(), err)
	}
	return nil
}
