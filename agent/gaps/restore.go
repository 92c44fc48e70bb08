package gaps

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"seawall/pkg/hostfs"
)

// StateFile is the name of a Ledger's file in a sensor's state directory.
const StateFile = "audit.json"

const markFile = "audit-serial"

// Left is what the sensor before left, for the next to go on with.
type Left struct {
	Ledger  *Ledger
	Mark    *Mark
	Tracker Tracker
	Newest  time.Time // of the events that it delivered; zero where there was none
	// Mapped says that Mark outlives us by itself.
	Mapped bool
}

// Restore reads what was left in this boot in a state directory and, more exactly, in one
// in memory. Either may be empty. With an error it returns what there is.
func Restore(state, run, boot string, now time.Time) (l Left, err error) {
	l.Ledger, l.Mark = NewLedger(boot, now), NewMark(boot)
	if state == "" {
		return l, nil
	}
	if ledger, err := ReadLedger(hostfs.Root{}, filepath.Join(state, StateFile)); err == nil && ledger.Boot == boot {
		l.Ledger = ledger
	}
	if run != "" {
		var m *Mark
		if m, err = OpenMark(filepath.Join(run, markFile), boot); err == nil {
			l.Mark, l.Mapped = m, true
		}
	}
	newest, at, ok := l.Mark.Newest()
	if !ok {
		// What is in memory goes when the service is stopped; this was left then.
		if lerr := l.Mark.Load(filepath.Join(state, markFile)); !errors.Is(lerr, fs.ErrNotExist) {
			err = errors.Join(err, lerr)
		}
		newest, at, ok = l.Mark.Newest()
	}
	if !ok {
		return l, err
	}
	l.Ledger.Agree(l.Mark)
	holes := l.Mark.Holes(l.Ledger.Through)
	if l.Ledger.Through != 0 && int32(l.Ledger.Through-newest) > 0 {
		newest = l.Ledger.Through // the mark is older
	}
	l.Newest = at
	l.Tracker.Resume(newest, at)
	l.Tracker.Reopen(holes, now)
	return l, err
}

// SaveMark keeps what a Mark's Encode returned in a state directory.
func SaveMark(state string, encoded []byte) error {
	if encoded == nil || state == "" {
		return nil
	}
	return WriteFile(filepath.Join(state, markFile), encoded)
}
