package process

import (
	"bytes"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/process/calls"
	"seawall/pkg/audit"
	"seawall/pkg/procfs"
)

// Observe takes what the event tells of its process, which it returns: nil for an event
// that has none. Nothing of the event is kept.
func (t *Table) Observe(e *audit.Event) *Process {
	if e.PID == 0 || refused(e) {
		return nil
	}
	t.now = max(t.now, e.Time.UnixNano())
	p := t.holder(e)
	t.touch(p)
	t.update(p, e)
	switch t.call(e) {
	case calls.Fork:
		t.birth(p, e, 0)
	case calls.Clone:
		t.birth(p, e, e.Args[0])
	case calls.Clone3:
		if e.Success && e.Exit > 0 {
			t.hint(p, uint32(e.Exit), e.Time)
		}
	case calls.Exit:
		p.checked = 0 // of one thread, the last perhaps
	case calls.ExitGroup:
		t.end(p, e.Time)
	case calls.Other, calls.Exec:
	}
	t.sweepWhenGrown()
	return p
}

// refused reports whether the event is an attempt to set a login user that failed: its
// record names the wanted one.
func refused(e *audit.Event) bool {
	return !e.HasSyscall && len(e.Records) == 1 && e.Records[0].Type == unix.AUDIT_LOGIN &&
		!bytes.HasSuffix(e.Records[0].Text, []byte(" res=1"))
}

// holder returns the entry of the event's process, which it makes where there is none.
func (t *Table) holder(e *audit.Event) *Process {
	at := e.Time.UnixNano()
	p := t.at(t.index[e.PID])
	if p == nil {
		return t.appear(e, nil)
	}
	if at < p.Start.UnixNano()-slack && !t.wasThere(p, e, at) {
		return t.earlier(e)
	}
	if p.dead() {
		after := p.sources&fromEvent != 0 && newerSerial(e.Serial, p.serial) && t.call(e) == calls.Exec
		if !e.Time.After(p.End) && !after {
			return p
		}
		return t.appear(e, nil)
	}
	if !t.doubtful(p, e, at) {
		return p
	}
	st, same := t.same(p, e, at)
	if same {
		return p
	}
	t.stats.Replaced++
	t.end(p, time.Unix(0, p.seen))
	return t.appear(e, st)
}

// wasThere reports whether p was there at the time of the event, which is before p's
// start as it is known: that of a process that only events told of is the first one's.
func (t *Table) wasThere(p *Process, e *audit.Event, at int64) bool {
	if !p.dead() {
		if st, ok := t.stat(e.PID); ok {
			if !p.is(st) || st.Start.UnixNano() > at+slack {
				return false
			}
			p.ticks, p.Start = st.Ticks, st.Start // the wall clock may have been set back
			return true
		}
	}
	if p.ticks != 0 || p.sources&fromBirth != 0 || p.Start.UnixNano()-at >= recheck || !t.plausible(p, e, p.seen) {
		return false
	}
	p.Start = e.Time
	return true
}

// earlier returns the entry of an event that is older than the newest holder of its
// number.
func (t *Table) earlier(e *audit.Event) *Process {
	t.stats.Late++
	if p, _ := t.heldAt(e); p != nil {
		return p
	}
	parent := t.parentOf(e)
	t.makeRoom() // now, so that the next stays
	_, next := t.heldAt(e)
	if next == nil {
		return t.add(e.PID, e.Time)
	}
	p := t.addOlder(next, e.Time)
	t.setParent(p, t.deref(parent))
	return p
}

// heldAt returns who had the event's number at its time, and who had it next.
func (t *Table) heldAt(e *audit.Event) (p, next *Process) {
	for p = t.at(t.index[e.PID]); p != nil; p = t.at(p.older) {
		if p.Start.UnixNano()-slack <= e.Time.UnixNano() {
			if p.dead() && !e.Time.After(p.End) {
				return p, next
			}
			break
		}
		next = p
	}
	return nil, next
}

// doubtful reports whether the event may be of another process than p, which has its
// number.
func (t *Table) doubtful(p *Process, e *audit.Event, at int64) bool {
	if at-p.checked > recheck || p.checked == 0 {
		return true
	}
	if e.Session != p.Session && !e.Uring && (p.sources&(fromSyscall|fromProc) != 0 || p.Session != audit.Unset) {
		return true
	}
	if !e.HasSyscall || p.sources&(fromSyscall|fromProc) == 0 {
		return false
	}
	if e.PPID != p.PPID {
		return true
	}
	if e.Uring {
		return false
	}
	if t.call(e) == calls.Exec && e.Success {
		return !p.forked || at-p.seen > recheckParent
	}
	return p.Exe != "" && len(e.Exe) <= maxPath && p.Exe != string(e.Exe)
}

// same reports whether the process of the event is p. Where it is not, it returns what
// /proc said of the other, if it did.
func (t *Table) same(p *Process, e *audit.Event, at int64) (*procfs.Stat, bool) {
	p.checked = at
	st, ok := t.stat(e.PID)
	if ok && st.Start.UnixNano() > at+slack {
		ok = false // the number went on to a third
	}
	if !ok {
		return nil, t.plausible(p, e, at)
	}
	if p.is(st) {
		t.exact(p, st)
		return nil, true
	}
	return st, false
}

// is reports whether st, which was read of p's number, is of p: it has p's start, or
// began before p was last seen.
func (p *Process) is(st *procfs.Stat) bool {
	if p.ticks != 0 {
		return p.ticks == st.Ticks
	}
	return st.Start.UnixNano() <= p.seen+slack
}

// exact sets p's start, for st is of p.
func (t *Table) exact(p *Process, st *procfs.Stat) {
	if p.ticks == 0 {
		p.ticks = st.Ticks
		if st.Start.Before(p.Start) {
			p.Start = st.Start
		}
	}
}

// plausible reports whether the event can be of p, for which /proc has no word.
func (t *Table) plausible(p *Process, e *audit.Event, at int64) bool {
	if p.Session != audit.Unset && e.Session != p.Session && !e.Uring {
		return false
	}
	if !e.HasSyscall {
		return true
	}
	if p.PPID != 0 && e.PPID != p.PPID && !t.adopted(p, e.PPID) {
		return false
	}
	other := !e.Uring && (t.call(e) == calls.Exec || p.Exe != "" && p.Exe != string(e.Exe))
	return !other || at-p.seen < recheck
}

// adopted reports whether ppid may have become p's parent: an ancestor does, or the
// first process, when the parent ends.
func (t *Table) adopted(p *Process, ppid uint32) bool {
	if ppid <= 1 {
		return true
	}
	for a := range t.Ancestors(t.Parent(p)) {
		if a.PID == ppid {
			return true
		}
	}
	return false
}

// appear makes an entry for the process of the event, the newest of its number. st is
// what /proc says of it, or nil.
func (t *Table) appear(e *audit.Event, st *procfs.Stat) *Process {
	if !e.HasSyscall && st == nil {
		if p := t.read(e.PID, e.Time, 0); p != nil {
			return p
		}
	}
	parent := t.parentOf(e)
	p := t.add(e.PID, e.Time)
	p.checked = e.Time.UnixNano()
	if st != nil {
		t.exact(p, st)
	}
	q := t.deref(parent)
	t.setParent(p, q)
	if q != nil {
		p.namespace = q.namespace
	}
	return p
}

// parentOf finds the parent of the event's process: by the event's word, or by a hint
// where that parent is gone and another took its place.
func (t *Table) parentOf(e *audit.Event) ref {
	if !e.HasSyscall || e.PPID == 0 {
		return ref{}
	}
	const young = int64(5 * time.Second)
	h := t.births[e.PID%uint32(len(t.births))]
	if h.pid == e.PID {
		if at := e.Time.UnixNano(); at >= h.at-slack && at-h.at < young {
			if q := t.deref(h.parent); q != nil && (q.PID == e.PPID || t.adopted(q, e.PPID)) {
				return h.parent
			}
		}
	}
	if q := t.parent(e.PPID, e.Time, 0); q != nil {
		return ref{q.slot, q.generation}
	}
	return ref{}
}

// parent returns the process that had the number at the time when a child of it was
// seen, reading /proc where that is not known.
func (t *Table) parent(pid uint32, at time.Time, depth int) *Process {
	if pid == 0 || depth > maxDepth {
		return nil
	}
	p := t.Lookup(pid, at)
	if p == nil {
		return t.read(pid, at, depth)
	}
	if p.dead() {
		return p
	}
	now := at.UnixNano()
	if now-max(p.seen, p.checked) > recheckParent {
		p.checked = now
		if st, ok := t.stat(pid); ok && !p.is(st) && st.Start.UnixNano() <= now+slack {
			t.stats.Replaced++
			t.end(p, time.Unix(0, p.seen))
			return t.read(pid, at, depth)
		} else if ok && p.is(st) {
			t.exact(p, st)
		}
	}
	t.touch(p)
	return p
}

// update takes the event's word on p.
func (t *Table) update(p *Process, e *audit.Event) {
	p.seen = max(p.seen, e.Time.UnixNano())
	if p.sources&fromEvent != 0 && !newerSerial(e.Serial, p.serial) {
		p.forked = p.forked && t.call(e) != calls.Exec
		return
	}
	p.serial = e.Serial
	p.sources |= fromEvent
	gate := p.UID != p.EUID // p is of a program that acts for somebody else
	if e.UID != audit.Unset {
		p.UID = e.UID
	}
	if !e.Uring && (p.AUID != e.AUID || p.Session != e.Session) {
		p.AUID, p.Session, p.stale = e.AUID, e.Session, true
	}
	if !e.HasSyscall {
		return
	}
	p.sources |= fromSyscall
	p.PPID, p.EUID, p.GID = e.PPID, e.EUID, e.GID
	if !e.Uring {
		t.program(p, e, gate)
	}
}

// program takes the event's word on what p runs. gate says that what it ran before had
// another effective user than its caller's.
func (t *Table) program(p *Process, e *audit.Event, gate bool) {
	exec := e.Success && t.call(e) == calls.Exec
	if exec {
		p.forked, p.stale, p.namespace = false, true, nsUnknown
	}
	exe := e.Exe[:min(len(e.Exe), maxPath)]
	other := len(exe) > 0 && p.Exe != string(exe)
	if other && gate && p.Exe != "" {
		t.stats.Text += len(p.Exe) - len(p.Before)
		p.Before = p.Exe
	}
	if other {
		t.set(p, &p.Exe, exe, maxPath)
	}
	t.set(p, &p.Comm, e.Comm, maxWord)
	t.set(p, &p.TTY, e.TTY, maxWord)
	switch {
	case exec && len(e.Argv) > 0:
		t.buf = e.AppendCommand(t.buf[:0])
		p.ArgvCut = len(t.buf) > maxArgv || len(e.Argv) < e.Argc
		t.set(p, &p.Argv, t.buf, maxArgv)
		if cap(t.buf) > 64<<10 {
			t.buf = nil
		}
	case other || p.Argv == "":
		const most = 128 // what the kernel keeps of it
		p.ArgvCut = len(e.Proctitle) >= most-1
		t.set(p, &p.Argv, bytes.TrimRight(e.Proctitle, "\x00"), maxArgv)
	}
}

// birth takes the child that a fork returned.
func (t *Table) birth(p *Process, e *audit.Event, flags uint64) {
	const most = 1 << 22 // the kernel's PID_MAX_LIMIT
	if !e.Success || e.Exit <= 0 || e.Exit > most || flags&calls.CloneThread != 0 {
		return
	}
	child := uint32(e.Exit)
	if t.nested(p) != nsFirst {
		t.hint(p, child, e.Time)
		return
	}
	head := t.at(t.index[child])
	if head != nil && head.Start.UnixNano() >= e.Time.UnixNano()-slack {
		// It spoke first: vfork returns when the child became another program.
		if !slices.Contains([]uint32{p.PID, p.PPID}, head.PPID) && head.PPID != 0 && !t.adopted(p, head.PPID) {
			return
		}
		t.setParent(head, p)
		head.sources |= fromBirth
		return
	}
	if head != nil && !head.dead() {
		if st, ok := t.stat(child); ok && head.is(st) {
			p.namespace = nsNested // the number is another's
			return
		}
		t.stats.Replaced++
		t.end(head, time.Unix(0, head.seen))
	}
	mine := ref{p.slot, p.generation}
	c := t.add(child, e.Time)
	p = t.deref(mine)
	if p == nil {
		return
	}
	t.share(c, p)
	t.setParent(c, p)
	c.PPID, c.forked, c.sources = p.PID, true, fromSyscall|fromBirth
	if flags&calls.CloneParent != 0 {
		c.PPID = p.PPID
	}
	c.namespace = p.namespace
	if flags&calls.CloneNewPID != 0 {
		c.namespace = nsNested
	}
}

// hint notes that the number may become a child of p.
func (t *Table) hint(p *Process, child uint32, at time.Time) {
	t.births[child%uint32(len(t.births))] = birth{child, at.UnixNano(), ref{p.slot, p.generation}}
}
