package process

import "time"

// Scan reads all processes of /proc, at start and after events were lost. Entries that
// it does not find are ended.
func (t *Table) Scan() error {
	if t.cfg.Offline {
		return nil
	}
	pids, hidden, err := t.proc.Processes()
	if err != nil {
		return err
	}
	t.stats.Hidden = hidden
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

// sweepWhenGrown ends entries whose processes are gone, when there are many more than
// after the last time.
func (t *Table) sweepWhenGrown() {
	const few = 256
	if t.cfg.Offline || t.live.n < few+t.sweptCount+t.sweptCount/2 || t.now-t.swept < sweepEvery {
		return
	}
	t.swept = t.now
	pids, hidden, err := t.proc.Processes()
	t.stats.Hidden = hidden
	if err != nil {
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
