package patch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch/watch"
	"seawall/pkg/hostfs"
)

// LedgerFile is where the sensor, and nobody else, records since when packages are
// pending, unless fact.Env names another file.
const LedgerFile = "/var/lib/seawall/sensor/pending.json"

// Bounds of the ledger's file.
const (
	maxLedger  = 1 << 20
	maxPending = 8192 // of more it is not recorded since when: that they are pending is a finding
	maxKey     = 2*256 + 1
)

// Ledger is since when packages are pending, by "name:arch". A package keeps its
// time for as long as it stays pending, whichever version fixes it.
type Ledger map[string]time.Time

// ledgerFile is the form on disk.
type ledgerFile struct {
	Version int                  `json:"version"`
	Pending map[string]time.Time `json:"pending"`
}

// LoadLedger reads a ledger from file. Without one, and with one that is damaged,
// it is empty; the latter is an error too.
func LoadLedger(root hostfs.Root, file string) (Ledger, error) {
	b, err := root.ReadFile(file, maxLedger)
	if errors.Is(err, fs.ErrNotExist) {
		return Ledger{}, nil
	}
	if err != nil {
		return Ledger{}, fmt.Errorf("read the ledger: %w", err)
	}
	l, err := parseLedger(b)
	if err != nil {
		return Ledger{}, fmt.Errorf("read the ledger %s: %w", file, err)
	}
	return l, nil
}

func parseLedger(b []byte) (Ledger, error) {
	var f ledgerFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("version %d is not known", f.Version)
	}
	l := make(Ledger, min(len(f.Pending), maxPending))
	for k, t := range f.Pending {
		if len(l) == maxPending {
			break
		}
		if len(k) <= maxKey && t.Year() >= 2000 && t.Year() < 10000 {
			l[k] = t
		}
	}
	return l, nil
}

func (p *Package) key() string { return p.Name + ":" + p.Arch }

// Merge takes over what f says is pending, and forgets the rest. A time that is yet
// to come was recorded by a clock that was wrong, and becomes now. It reports whether
// anything changed. An answer that is not known, or is one of some time
// ago, changes nothing.
func (l Ledger) Merge(f Facts, now time.Time) (changed bool) {
	if f.Meta.State != fact.StateKnown || f.Stale.Reason != "" {
		return false
	}
	now = clock(&f, now)
	pending := make(map[string]bool, len(f.Packages))
	for i := range f.Packages {
		p := &f.Packages[i]
		pending[p.key()] = true
		recorded, ok := l[p.key()]
		if ok && !recorded.After(now) || !ok && len(l) >= maxPending {
			continue
		}
		since, err := time.Parse(time.RFC3339, p.FirstSeen)
		if err != nil || since.After(now) || ok {
			since = now
		}
		l[p.key()] = since.UTC().Truncate(time.Second)
		changed = true
	}
	before := len(l)
	maps.DeleteFunc(l, func(k string, _ time.Time) bool { return !pending[k] })
	return changed || len(l) != before
}

// clock is the time to go by: now, but not before the vendor signed what is
// pending. A host whose clock starts in the past (no battery, a snapshot) would
// otherwise have updates that are years late once the clock is right; and what it
// recorded with a clock that was ahead counts from now on.
func clock(f *Facts, now time.Time) time.Time {
	if signed, err := time.Parse(time.RFC3339, f.Metadata.Date); err == nil && signed.After(now) {
		return signed
	}
	return now
}

// Save writes the ledger to file, as a whole or not at all.
func (l Ledger) Save(file string) (err error) {
	b, err := json.MarshalIndent(ledgerFile{Version: 1, Pending: l}, "", " ")
	if err != nil {
		return fmt.Errorf("save the ledger: %w", err)
	}
	if len(b) >= maxLedger {
		return fmt.Errorf("save the ledger: %d packages do not fit in %d bytes", len(l), maxLedger)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".pending-*")
	if err != nil {
		return fmt.Errorf("save the ledger: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("save the ledger: %w", errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// readLedger reads the ledger's file where it changed. A damaged one is as none:
// the sensor writes it anew.
func (r *Reader) readLedger() {
	if r.seenFiles != nil && r.seenFiles.Unchanged() {
		return
	}
	r.seenFiles = watch.New(r.root)
	if r.seen == nil {
		r.seen = Ledger{}
	}
	if _, err := r.seenFiles.Look(r.ledger); err != nil {
		return
	}
	recorded, _ := LoadLedger(r.root, r.ledger)
	for k, t := range recorded {
		if since, ok := r.seen[k]; !ok || t.Before(since) {
			r.seen[k] = t
		}
	}
}

// firstSeen fills in since when the packages are pending: as the ledger has it, as
// this Reader saw it, or from now on, whichever is earliest. What it is given is
// not changed.
func (r *Reader) firstSeen(packages []Package, now time.Time) []Package {
	r.readLedger()
	copied := false
	for i := range packages {
		since, ok := r.seen[packages[i].key()]
		if !ok || since.After(now) {
			since = now
		}
		first, days := RFC3339(since), int(now.Sub(since)/(24*time.Hour))
		if packages[i].FirstSeen == first && packages[i].DaysPending == days {
			continue
		}
		if !copied {
			packages, copied = append([]Package(nil), packages...), true
		}
		packages[i].FirstSeen, packages[i].DaysPending = first, days
	}
	return packages
}
