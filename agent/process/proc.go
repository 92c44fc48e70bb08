package process

import (
	"time"

	"seawall/pkg/procfs"
)

// stat reads /proc/PID/stat, where it may.
func (t *Table) stat(pid uint32) (*procfs.Stat, bool) {
	if !t.allow(1) {
		return nil, false
	}
	return t.proc.Stat(pid)
}

// read makes an entry of what /proc has on the number, which a process had at the time,
// and on its ancestors that are not known. It returns nil where /proc does not say, or
// speaks of a process that began later.
func (t *Table) read(pid uint32, at time.Time, depth int) *Process {
	st, ok := t.stat(pid)
	if !ok || st.Start.UnixNano() > at.UnixNano()+slack {
		return nil
	}
	if p := t.at(t.index[pid]); p != nil && p.dead() && p.ticks == st.Ticks {
		return p // it is ending
	}
	return t.enter(st, at, depth)
}

// enter makes an entry of st and what else /proc has on its process.
func (t *Table) enter(st *procfs.Stat, at time.Time, depth int) *Process {
	var parent ref
	if q := t.parent(st.PPID, at, depth+1); q != nil {
		parent = ref{q.slot, q.generation}
	}
	if head := t.at(t.index[st.PID]); head != nil {
		if !head.dead() {
			t.end(head, time.Unix(0, head.seen))
		}
		if st.Start.Before(head.Start) {
			st.Start = head.Start
		}
	}
	p := t.add(st.PID, st.Start)
	p.ticks, p.PPID = st.Ticks, st.PPID
	p.seen, p.checked = at.UnixNano(), at.UnixNano()
	p.sources |= fromProc
	t.setParent(p, t.deref(parent))
	t.set(p, &p.Comm, st.Comm, maxWord)
	p.TTY = st.TTY
	if st.Kernel {
		p.UID, p.EUID, p.GID, p.namespace = 0, 0, 0, nsFirst
		return p
	}
	t.fill(p)
	return p
}

// fill reads the rest of what /proc tells of p.
func (t *Table) fill(p *Process) {
	t.allow(filesOfFill)
	if st, ok := t.proc.Status(p.PID); ok {
		p.UID, p.EUID, p.GID, p.namespace = st.UID, st.EUID, st.GID, namespaceOf(st)
	}
	p.AUID, p.Session = t.proc.Login(p.PID)
	args := t.proc.Arguments(p.PID)
	p.ArgvCut = len(args) > maxArgv
	t.set(p, &p.Argv, args, maxArgv)
	t.set(p, &p.Exe, []byte(t.proc.Exe(p.PID)), maxPath)
}

const filesOfFill = 5

// namespaceOf tells of which namespace a process's numbers are.
func namespaceOf(st procfs.Status) namespace {
	if st.Namespaces == 1 {
		return nsFirst
	}
	return nsNested
}

// nested says whether p's numbers are of another namespace than those of events.
func (t *Table) nested(p *Process) namespace {
	if p.namespace == nsUnknown && t.allow(1) {
		if st, ok := t.proc.Status(p.PID); ok {
			p.namespace = namespaceOf(st)
		}
	}
	return p.namespace
}
