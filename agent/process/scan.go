package process

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"time"
)

// Scan reads all processes of /proc, at start and after events were lost. Entries that
// it does not find are ended.
func (t *Table) Scan() error {
	if t.cfg.Offline {
		return nil
	}
	pids, err := t.list()
	if err != nil {
		return err
	}
	now := t.clock()
	t.now = max(t.now, now.UnixNano())
	for _, pid := range pids {
		if p := t.at(t.index[pid]); p != nil && p.checked == now.UnixNano() {
			continue // as a parent
		}
		t.tokens = readsPerSec // of a scan, all are made
		st, ok := t.stat(pid)
		if !ok {
			continue
		}
		if p := t.at(t.index[pid]); p != nil && !p.dead() && p.is(st) {
			t.exact(p, st)
			p.checked = now.UnixNano()
			continue
		}
		t.enter(st, now, 0)
	}
	t.sweep(pids, now)
	t.tokens = readsPerSec
	return nil
}

// list returns the numbers in /proc.
func (t *Table) list() ([]uint32, error) {
	names, err := t.cfg.Root.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	t.stats.Reads++
	pids := make([]uint32, 0, len(names))
	t.stats.Hidden = true
	for _, name := range names {
		if n, err := strconv.ParseUint(name, 10, 32); err == nil && n > 0 {
			pids = append(pids, uint32(n))
			if n == 1 {
				t.stats.Hidden = false
			}
		}
	}
	slices.Sort(pids) // parents mostly come first
	return pids, nil
}

// sweepWhenGrown ends entries whose processes are gone, when there are many more than
// after the last time.
func (t *Table) sweepWhenGrown() {
	const few = 256
	if t.cfg.Offline || t.live.n < few+t.sweptCount+t.sweptCount/2 || t.now-t.swept < sweepEvery {
		return
	}
	t.swept = t.now
	pids, err := t.list()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.stats.Unread++
		}
		t.sweptCount = t.live.n
		return
	}
	t.sweep(pids, t.clock())
}

// sweep ends the entries that are not among the numbers.
func (t *Table) sweep(pids []uint32, at time.Time) {
	if t.stats.Hidden {
		t.sweptCount = t.live.n
		return
	}
	there := make(map[uint32]struct{}, len(pids))
	for _, pid := range pids {
		there[pid] = struct{}{}
	}
	for slot := t.live.first; slot != 0; {
		p := t.at(slot)
		slot = p.after
		if _, ok := there[p.PID]; !ok {
			t.end(p, at)
		}
	}
	t.sweptCount = t.live.n
}
