package process

import (
	"hash/maphash"
	"time"
)

// at returns the entry of a slot, nil for slot 0, which is none.
func (t *Table) at(slot uint32) *Process {
	if slot == 0 {
		return nil
	}
	return &t.pages[slot>>pageBits][slot&(pageSize-1)]
}

func (t *Table) deref(r ref) *Process {
	if p := t.at(r.slot); p != nil && p.generation == r.generation && p.PID != 0 {
		return p
	}
	return nil
}

// grow adds a page of free entries.
func (t *Table) grow() {
	page := make([]Process, pageSize)
	first := uint32(len(t.pages)) << pageBits
	t.pages = append(t.pages, page)
	for i := range page {
		slot := first + uint32(i)
		page[i].slot = slot
		if slot != 0 {
			page[i].after, t.free = t.free, slot
		}
	}
}

// add makes an entry for the number pid, the newest of its holders, alive.
func (t *Table) add(pid uint32, start time.Time) *Process {
	t.makeRoom()
	if t.free == 0 {
		t.grow()
	}
	p := t.at(t.free)
	t.free = p.after
	p.clear()
	p.PID, p.Start = pid, start
	p.seen = start.UnixNano()
	p.checked = p.seen
	if head := t.at(t.index[pid]); head != nil {
		p.older, head.newer = head.slot, p.slot
	}
	t.index[pid] = p.slot
	t.push(&t.live, p)
	return p
}

// addOlder makes an entry for a holder of the number that ended before newer, which has
// it, began.
func (t *Table) addOlder(newer *Process, start time.Time) *Process {
	p := t.add(newer.PID, start)
	// Out of the front and behind newer.
	head := t.at(p.older)
	t.index[p.PID], head.newer = head.slot, 0
	p.newer, p.older = newer.slot, newer.older
	if o := t.at(newer.older); o != nil {
		o.newer = p.slot
	}
	newer.older = p.slot
	t.end(p, newer.Start)
	return p
}

// remove frees an entry.
func (t *Table) remove(p *Process) {
	if p.dead() {
		t.unlink(&t.dead, p)
	} else {
		t.unlink(&t.live, p)
	}
	if o := t.at(p.older); o != nil {
		o.newer = p.newer
	}
	if n := t.at(p.newer); n != nil {
		n.older = p.older
	} else if p.older != 0 {
		t.index[p.PID] = p.older
	} else {
		delete(t.index, p.PID)
	}
	t.setParent(p, nil)
	t.stats.Text -= p.textSize()
	p.clear()
	p.generation++
	p.after, t.free = t.free, p.slot
}

// setParent makes q the parent of p.
func (t *Table) setParent(p, q *Process) {
	if old := t.deref(p.parent); old != nil {
		old.children--
	}
	p.parent = ref{}
	if q != nil && q != p {
		p.parent = ref{q.slot, q.generation}
		q.children++
	}
}

// end moves p to the dead. An entry that is dead stays as it is.
func (t *Table) end(p *Process, at time.Time) {
	if p.dead() {
		return
	}
	if at.Before(p.Start) {
		at = p.Start
	}
	t.unlink(&t.live, p)
	p.End = at
	t.push(&t.dead, p)
	t.trim(p)
}

// trim forgets dead entries other than the latest that are too many or too old. Those with
// children are what tells where these came from: they go when it cannot be helped.
func (t *Table) trim(latest *Process) {
	const tries = 8
	for range tries {
		p := t.at(t.dead.first)
		if p == nil || p == latest || t.dead.n <= t.maxDead && t.stats.Text <= t.maxText && t.now-p.End.UnixNano() < keepDead {
			return
		}
		if p.children > 0 {
			t.unlink(&t.dead, p)
			t.push(&t.dead, p)
			continue
		}
		t.remove(p)
	}
	for t.dead.n > t.maxDead {
		t.remove(t.at(t.dead.first))
	}
}

// makeRoom keeps the bounds before an entry is added.
func (t *Table) makeRoom() {
	for t.stats.Text > t.maxText && t.dead.n > 0 {
		t.remove(t.at(t.dead.first))
	}
	for t.live.n >= t.maxLive || t.stats.Text > t.maxText && t.live.n > 0 {
		t.stats.Evicted++
		t.remove(t.at(t.live.first))
	}
}

func (t *Table) push(l *list, p *Process) {
	p.before, p.after = l.last, 0
	if last := t.at(l.last); last != nil {
		last.after = p.slot
	} else {
		l.first = p.slot
	}
	l.last = p.slot
	l.n++
}

func (t *Table) unlink(l *list, p *Process) {
	if b := t.at(p.before); b != nil {
		b.after = p.after
	} else {
		l.first = p.after
	}
	if a := t.at(p.after); a != nil {
		a.before = p.before
	} else {
		l.last = p.before
	}
	l.n--
}

// touch says that p was seen.
func (t *Table) touch(p *Process) {
	if l := &t.live; !p.dead() && l.last != p.slot {
		t.unlink(l, p)
		t.push(l, p)
	}
}

// set puts text into a field of p, at most limit bytes of it. It allocates only for
// text that is new.
func (t *Table) set(p *Process, field *string, text []byte, limit int) {
	if len(text) > limit {
		text = text[:limit]
	}
	if *field == string(text) {
		return
	}
	t.stats.Text -= p.textSize()
	*field = t.word(text)
	t.stats.Text += p.textSize()
}

// word returns text as a string; the same one again where it was wanted lately.
func (t *Table) word(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	w := &t.intern[maphash.Bytes(t.seed, text)%internLen]
	if *w != string(text) {
		*w = string(text)
	}
	return *w
}

// share gives p the texts of q.
func (t *Table) share(p, q *Process) {
	t.stats.Text -= p.textSize()
	p.Exe, p.Comm, p.Argv, p.ArgvCut, p.Before, p.TTY = q.Exe, q.Comm, q.Argv, q.ArgvCut, q.Before, q.TTY
	if q.PID != 1 { // what the first process starts is moved elsewhere
		p.Unit, p.Container, p.Runtime = q.Unit, q.Container, q.Runtime
		p.Inherited = q.Unit != "" || q.Container != ""
	}
	p.UID, p.EUID, p.GID, p.AUID, p.Session = q.UID, q.EUID, q.GID, q.AUID, q.Session
	t.stats.Text += p.textSize()
}
