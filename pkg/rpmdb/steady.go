package rpmdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"seawall/pkg/hostfs"
)

const (
	attempts = 8
	// tick is more than the kernel's clock for files is coarse: a second write in
	// the same tick would leave no trace.
	tick = 20 * time.Millisecond
)

// state is what stat(2) says of a file; the zero state is a file that is not
// there.
type state struct {
	dev, ino     uint64
	size         int64
	mtime, ctime time.Time
}

func stateOf(fi fs.FileInfo) state {
	s := state{size: fi.Size(), mtime: fi.ModTime()}
	if sys, ok := fi.Sys().(*syscall.Stat_t); ok {
		s.dev, s.ino = uint64(sys.Dev), sys.Ino //nolint:unconvert // its type differs between architectures
		s.ctime = time.Unix(sys.Ctim.Unix())
	}
	return s
}

// fresh reports whether a file was changed so lately that another change may not
// show.
func (s state) fresh(now time.Time) bool {
	for _, t := range [...]time.Time{s.mtime, s.ctime} {
		if age := now.Sub(t); age >= 0 && age < tick {
			return true
		}
	}
	return false
}

// steady calls read until the named files were the same before and after, and then
// returns its error. The first file has to be there.
func steady(root hostfs.Root, names []string, read func() error) error {
	var last error
	for i := range attempts {
		if i > 0 {
			<-time.After(tick) // also: the writer gets on with it
		}
		before, err := states(root, names)
		if err != nil {
			return err
		}
		now := time.Now()
		fresh := false
		for _, s := range before {
			fresh = fresh || s.fresh(now)
		}
		if fresh {
			continue
		}
		last = read()
		after, err := states(root, names)
		if err == nil && equal(before, after) {
			return last
		}
	}
	if last != nil {
		return fmt.Errorf("%w: %w", ErrBusy, last)
	}
	return ErrBusy
}

func equal(a, b []state) bool {
	for i := range a {
		x, y := a[i], b[i]
		if x.dev != y.dev || x.ino != y.ino || x.size != y.size || !x.mtime.Equal(y.mtime) || !x.ctime.Equal(y.ctime) {
			return false
		}
	}
	return true
}

func states(root hostfs.Root, names []string) ([]state, error) {
	all := make([]state, len(names))
	for i, name := range names {
		fi, err := root.Stat(name)
		switch {
		case err == nil:
			all[i] = stateOf(fi)
		case i == 0 || !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return all, nil
}

// open opens a file that may be missing: nil then.
func open(root hostfs.Root, name string) (*os.File, int64, error) {
	f, fi, err := root.OpenFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return f, fi.Size(), nil
}
