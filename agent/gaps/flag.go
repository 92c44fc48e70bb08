package gaps

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Flag is a file, in a directory of ours or nowhere, that stands as long as kernel audit is
// on because of us, with the boot that it is on in: a sensor that was killed leaves both to
// the next.
type Flag string

func (f Flag) name() string { return filepath.Join(string(f), "audit-enabled") }

// Set makes the file.
func (f Flag) Set() error {
	if f == "" {
		return nil
	}
	return os.WriteFile(f.name(), BootID(), 0o600)
}

// IsSet reports whether it stands, and is of this boot.
func (f Flag) IsSet() bool {
	if f == "" {
		return false
	}
	b, err := os.ReadFile(f.name())
	return err == nil && len(b) > 0 && bytes.Equal(b, BootID())
}

// Clear removes it.
func (f Flag) Clear() error {
	if f == "" {
		return nil
	}
	if err := os.Remove(f.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// BootID names this boot of the kernel, random(4).
func BootID() []byte {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil
	}
	return b
}
