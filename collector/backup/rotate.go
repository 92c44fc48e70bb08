package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/collector/store/move"
)

const (
	// named is how a backup among others is named, by when it was begun, in UTC: names sort by age.
	named = "2006-01-02T150405Z"
	// removing is in the name of one that is being removed, as filling is in that of one being made.
	filling, removing = ".filling", ".removing"
	maxKept           = 1000
)

// rotation is a folder of backups.
type rotation struct {
	folder string
	keep   int // of those that were made by time, the newest
}

// add makes a backup and then removes the oldest beyond those that are kept. It returns the names of
// what it made and removed. The folder is made where it is missing, mode 0700.
func (r rotation) add(ctx context.Context, now time.Time, from Place, version string, told func(move.Table)) (made string, removed []string, err error) {
	if r.keep < 1 || r.keep > maxKept {
		return "", nil, fmt.Errorf("%d backups to keep: 1 to %d are possible", r.keep, maxKept)
	}
	if err := os.Mkdir(r.folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", nil, err
	}
	unlock, err := r.lock()
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	if err := r.sweep(); err != nil {
		return "", nil, fmt.Errorf("remove what was begun and not finished: %w", err)
	}
	name, err := r.name(now)
	if err != nil {
		return "", nil, err
	}
	if err := Make(ctx, from, filepath.Join(r.folder, name), version, told); err != nil {
		return "", nil, err
	}
	removed, err = r.trim(name)
	if err != nil {
		return name, removed, fmt.Errorf("the backup %s was made; remove older ones: %w", name, err)
	}
	return name, removed, nil
}

// name is what a backup that begins now is called: by the second, or by the next one of which
// there is none.
func (r rotation) name(now time.Time) (string, error) {
	for i := range maxKept {
		name := now.UTC().Add(time.Duration(i) * time.Second).Format(named)
		if _, err := os.Lstat(filepath.Join(r.folder, name)); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s has a backup of each of the next %d seconds", r.folder, maxKept)
}

// lock keeps the folder for one backup at a time, until it is unlocked or the process ends.
func (r rotation) lock() (unlock func(), err error) {
	f, err := os.OpenFile(r.folder, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errors.New("another backup is being made there")
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", r.folder, err), f.Close())
	}
	return func() { f.Close() }, nil
}

// sweep removes what a run that was cut off has left: under the lock nobody works on it.
func (r rotation) sweep() error {
	list, err := os.ReadDir(r.folder)
	if err != nil {
		return err
	}
	for _, entry := range list {
		name, hidden := strings.CutPrefix(entry.Name(), ".")
		if !hidden || !entry.IsDir() || len(name) < len(named) {
			continue
		}
		state := name[len(named):]
		if made(name[:len(named)]) && (strings.HasPrefix(state, filling) || state == removing) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(r.folder, entry.Name())))
		}
	}
	return err
}

// trim removes the oldest backups beyond those that are kept. One that is newer than what was just
// made, whose clock was wrong, does not count, and is not removed: that would take the newest.
func (r rotation) trim(newest string) (removed []string, err error) {
	list, err := os.ReadDir(r.folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range list {
		if entry.IsDir() && made(entry.Name()) && entry.Name() <= newest && r.whole(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	for len(names) > r.keep {
		name := names[0]
		names = names[1:]
		going := filepath.Join(r.folder, "."+name+removing)
		// Renamed first: what is left when this is cut off is no backup, and looks like none.
		if err := os.Rename(filepath.Join(r.folder, name), going); err != nil {
			return removed, err
		}
		removed = append(removed, name)
		if err := os.RemoveAll(going); err != nil {
			return removed, err
		}
	}
	return removed, flush(r.folder)
}

// made reports whether a name is one that add gives.
func made(name string) bool {
	t, err := time.Parse(named, name)
	return err == nil && t.Format(named) == name
}

// whole reports whether a folder is a backup: somebody else's folders are left alone, whatever their name.
func (r rotation) whole(name string) bool {
	data, err := readFile(filepath.Join(r.folder, name, manifestFile))
	if err != nil {
		return false
	}
	_, err = parseManifest(data)
	return err == nil
}
