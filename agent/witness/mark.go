package witness

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// The mark is a file that stands as long as kernel audit is on because of us, with
// the boot that it is on in: a sensor that was killed leaves both to the next.

func (a *Source) markName() string { return filepath.Join(a.cfg.StateDir, "audit-enabled") }

func (a *Source) mark() {
	if a.cfg.StateDir == "" {
		return
	}
	if err := os.WriteFile(a.markName(), bootID(), 0o600); err != nil {
		a.log.Warn("kernel audit stays on should the sensor be killed", "err", err)
	}
}

func (a *Source) marked() bool {
	if a.cfg.StateDir == "" {
		return false
	}
	b, err := os.ReadFile(a.markName())
	return err == nil && len(b) > 0 && bytes.Equal(b, bootID())
}

func (a *Source) unmark() error {
	if a.cfg.StateDir == "" {
		return nil
	}
	if err := os.Remove(a.markName()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// bootID names this boot of the kernel, random(4).
func bootID() []byte {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil
	}
	return b
}
