package machine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const (
	fileName = "machine.json"
	maxFile  = 4 << 10
	// slack is how far the clock may have been set since the boot before a file
	// of this boot is taken for one of another.
	slack = 2 * time.Minute
)

// note is the file that the sensor leaves.
type note struct {
	Version int     `json:"version"`
	Boot    string  `json:"boot"` // the kernel's boot id, "" where it is not known
	Machine Machine `json:"machine"`
}

// Write leaves m in the spool's directory for the uplink, which the directory's
// group lets read it.
func Write(dir string, root hostfs.Root, m Machine) (err error) {
	b, err := json.Marshal(note{Version: 1, Boot: bootID(root), Machine: m})
	if err != nil {
		return fmt.Errorf("write machine: %w", err)
	}
	f, err := os.CreateTemp(dir, "."+fileName+"-*")
	if err != nil {
		return fmt.Errorf("write machine: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Chmod(0o640), f.Close()); err == nil {
		// Not synced: after a crash there is another boot, and nobody reads it.
		err = os.Rename(f.Name(), filepath.Join(dir, fileName))
	}
	if err != nil {
		return fmt.Errorf("write machine: %w", err)
	}
	return nil
}

// Known returns what this process can read together with what the sensor left in
// the spool's directory since the machine started. The error is about the sensor's
// part, and the machine is good without it.
func Known(spool string, root hostfs.Root) (Machine, error) {
	m := Read(root)
	n, written, err := readNote(filepath.Join(spool, fileName))
	if err != nil {
		return m, fmt.Errorf("read machine: %w", err)
	}
	if boot := bootID(root); boot != "" && n.Boot != "" {
		if boot != n.Boot {
			return m, errors.New("read machine: the sensor left it before this boot")
		}
	} else if started, err := booted(); err != nil || written.Before(started.Add(-slack)) {
		return m, errors.New("read machine: the sensor left it before this boot")
	}
	// The firmware is surer than what cloud-init wrote down, which is all that
	// this process reads.
	return n.Machine.Add(m), nil
}

// Left returns what a sensor left in the spool's directory, whenever and wherever
// that was. It is for the sensor, whose directory it is.
func Left(spool string) (Machine, error) {
	n, _, err := readNote(filepath.Join(spool, fileName))
	if err != nil {
		return Machine{}, fmt.Errorf("read machine: %w", err)
	}
	return n.Machine, nil
}

func readNote(name string) (n note, written time.Time, err error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return note{}, time.Time{}, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return note{}, time.Time{}, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxFile {
		return note{}, time.Time{}, fmt.Errorf("%s is %v of %d bytes", name, fi.Mode(), fi.Size())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return note{}, time.Time{}, err
	}
	n, err = parseNote(b)
	if err != nil {
		return note{}, time.Time{}, fmt.Errorf("%s: %w", name, err)
	}
	return n, fi.ModTime(), nil
}

// parseNote reads the file. A later sensor may say more than is known here.
func parseNote(b []byte) (note, error) {
	var n note
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&n); err != nil {
		return note{}, err
	}
	if n.Version != 1 {
		return note{}, fmt.Errorf("version %d, want 1", n.Version)
	}
	hash := func(s string) bool { return len(s) <= 64 && strings.Trim(s, "0123456789abcdef") == "" }
	if !hash(n.Machine.MachineID) || !hash(n.Machine.ProductUUID) || n.Machine.DropletID != digits(n.Machine.DropletID) {
		return note{}, errors.New("names that no sensor writes")
	}
	n.Machine.HostName = text.Clean(n.Machine.HostName, maxName)
	return n, nil
}

// bootID returns the kernel's name for this boot. A sandbox may hide it.
func bootID(root hostfs.Root) string {
	b, err := root.ReadFile("/proc/sys/kernel/random/boot_id", 64)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// booted returns when the machine started, by the clock as it is set now.
func booted() (time.Time, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Time{}, err
	}
	return time.Now().Add(-time.Duration(t.Nano())), nil
}
