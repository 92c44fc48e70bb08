package process

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"

	"seawall/pkg/audit"
)

// Limits of the files of /proc/PID.
const (
	statLimit    = 4 << 10
	statusLimit  = 16 << 10
	cgroupLimit  = 32 << 10
	cmdlineLimit = 4 << 20 // arguments take what a process may have of stack
	numberLimit  = 64
)

const userHZ = 100 // ticks a second of /proc/PID/stat, on all of Go's Linux ports

// stat is what /proc/PID/stat tells.
type stat struct {
	pid, ppid uint32
	comm      []byte
	tty       uint32
	kernel    bool // a thread of the kernel
	zombie    bool
	ticks     uint64
	start     time.Time
}

var errStat = errors.New("not the text of /proc/PID/stat")

// parseStat reads "PID (comm) state ppid …", proc_pid_stat(5). Comm may hold anything.
func parseStat(b []byte) (stat, error) {
	const (
		ppid, tty, flags, start = 1, 4, 6, 19 // fields after comm, from 0 for the state
		kernelThread            = 0x00200000
	)
	open, shut := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 2 || shut < open {
		return stat{}, errStat
	}
	s := stat{comm: b[open+1 : shut]}
	pid, err := strconv.ParseUint(string(b[:open-1]), 10, 32)
	if err != nil {
		return stat{}, errStat
	}
	s.pid = uint32(pid)
	n := 0
	for field := range bytes.FieldsSeq(b[shut+1:]) {
		var err error
		var v uint64
		switch n {
		case 0:
			s.zombie = string(field) == "Z" || string(field) == "X"
		case ppid:
			v, err = strconv.ParseUint(string(field), 10, 32)
			s.ppid = uint32(v)
		case tty:
			var i int64
			i, err = strconv.ParseInt(string(field), 10, 32)
			s.tty = uint32(int32(i))
		case flags:
			v, err = strconv.ParseUint(string(field), 10, 64)
			s.kernel = v&kernelThread != 0
		case start:
			s.ticks, err = strconv.ParseUint(string(field), 10, 64)
			if err != nil || s.ticks >= math.MaxInt64/uint64(time.Second/userHZ) {
				return stat{}, errStat
			}
			s.ticks++
			return s, nil
		}
		if err != nil {
			return stat{}, errStat
		}
		n++
	}
	return stat{}, errStat
}

// ttyName names a terminal as audit does (tty_name).
func ttyName(dev uint32) string {
	major, minor := dev>>8&0xfff, dev&0xff|dev>>12&0xfff00
	n := func(prefix string, i uint32) string { return prefix + strconv.FormatUint(uint64(i), 10) }
	switch {
	case major >= 136 && major <= 143:
		return n("pts", (major-136)<<20+minor)
	case major == 4 && minor < 64:
		return n("tty", minor)
	case major == 4:
		return n("ttyS", minor-64)
	}
	return ""
}

// file reads a file of /proc/PID, whose absence says that the process is gone, or hidden.
func (t *Table) file(pid uint32, name string, limit int64) ([]byte, bool) {
	t.stats.Reads++
	t.tokens--
	b, err := t.cfg.Root.ReadFile(procName(pid, name), limit)
	if err != nil {
		t.stats.Unread++
		return nil, false
	}
	return b, true
}

func procName(pid uint32, name string) string {
	var buf [32]byte
	b := append(buf[:0], "/proc/"...)
	b = strconv.AppendUint(b, uint64(pid), 10)
	b = append(b, '/')
	return string(append(b, name...))
}

// stat reads /proc/PID/stat, where it may.
func (t *Table) stat(pid uint32) (*stat, bool) {
	if !t.allow() {
		return nil, false
	}
	b, ok := t.file(pid, "stat", statLimit)
	if !ok {
		return nil, false
	}
	st, err := parseStat(b)
	if err != nil || st.pid != pid {
		t.stats.Unread++
		return nil, false
	}
	st.start = t.boot().Add(time.Duration(st.ticks-1) * (time.Second / userHZ))
	return &st, true
}

// bootOfRoot is the boot of a captured tree, by btime of its /proc/stat.
func (t *Table) bootOfRoot() time.Time {
	b, err := t.cfg.Root.ReadFile("/proc/stat", 1<<20)
	if err != nil {
		return time.Time{}
	}
	_, rest, _ := bytes.Cut(b, []byte("\nbtime "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	sec, err := strconv.ParseInt(string(line), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(sec, 0)
}

// read makes an entry of what /proc has on the number, which a process had at the time,
// and on its ancestors that are not known. It returns nil where /proc does not say, or
// speaks of a process that began later.
func (t *Table) read(pid uint32, at time.Time, depth int) *Process {
	st, ok := t.stat(pid)
	if !ok || st.start.UnixNano() > at.UnixNano()+slack {
		return nil
	}
	if p := t.at(t.index[pid]); p != nil && p.dead() && p.ticks == st.ticks {
		return p // it is ending
	}
	return t.enter(st, at, depth)
}

// enter makes an entry of st and what else /proc has on its process.
func (t *Table) enter(st *stat, at time.Time, depth int) *Process {
	var parent ref
	if q := t.parent(st.ppid, at, depth+1); q != nil {
		parent = ref{q.slot, q.generation}
	}
	if head := t.at(t.index[st.pid]); head != nil {
		if !head.dead() {
			t.end(head, time.Unix(0, head.seen))
		}
		if st.start.Before(head.Start) {
			st.start = head.Start
		}
	}
	p := t.add(st.pid, st.start)
	p.ticks, p.PPID = st.ticks, st.ppid
	p.seen, p.checked = at.UnixNano(), at.UnixNano()
	p.sources |= fromProc
	t.setParent(p, t.deref(parent))
	t.set(p, &p.Comm, st.comm, maxWord)
	p.TTY = ttyName(st.tty)
	if st.kernel {
		p.UID, p.EUID, p.GID, p.namespace = 0, 0, 0, nsFirst
		return p
	}
	t.fill(p)
	return p
}

// fill reads the rest of what /proc tells of p.
func (t *Table) fill(p *Process) {
	if b, ok := t.file(p.PID, "status", statusLimit); ok {
		t.status(p, b)
	}
	p.AUID = t.number(p.PID, "loginuid")
	p.Session = t.number(p.PID, "sessionid")
	if b, ok := t.file(p.PID, "cmdline", cmdlineLimit); ok {
		p.ArgvCut = len(b) > maxArgv
		t.set(p, &p.Argv, bytes.TrimRight(b, "\x00"), maxArgv)
	}
	t.stats.Reads++
	t.tokens--
	exe, err := t.cfg.Root.Readlink(procName(p.PID, "exe"))
	if err != nil {
		t.stats.Unread++ // of others' processes only with CAP_SYS_PTRACE
		return
	}
	t.set(p, &p.Exe, []byte(exe), maxPath)
}

// number reads a file that has one number; none is Unset.
func (t *Table) number(pid uint32, name string) uint32 {
	b, ok := t.file(pid, name, numberLimit)
	if !ok {
		return audit.Unset
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 32)
	if err != nil {
		return audit.Unset
	}
	return uint32(n)
}

// status reads of /proc/PID/status the lines Uid, Gid and NSpid, proc_pid_status(5).
func (t *Table) status(p *Process, b []byte) {
	for line := range bytes.Lines(b) {
		key, rest, _ := bytes.Cut(line, []byte(":"))
		fields := bytes.Fields(rest)
		id := func(i int) uint32 {
			if i >= len(fields) {
				return audit.Unset
			}
			n, err := strconv.ParseUint(string(fields[i]), 10, 32)
			if err != nil {
				return audit.Unset
			}
			return uint32(n)
		}
		switch string(key) {
		case "Uid":
			p.UID, p.EUID = id(0), id(1)
		case "Gid":
			p.GID = id(0)
		case "NSpid":
			p.namespace = nsFirst
			if len(fields) != 1 {
				p.namespace = nsNested
			}
		}
	}
}

// readNamespace tells of which namespace p's numbers are, as /proc has it.
func (t *Table) readNamespace(p *Process) namespace {
	if !t.allow() {
		return nsUnknown
	}
	b, ok := t.file(p.PID, "status", statusLimit)
	if !ok {
		return nsUnknown
	}
	q := Process{}
	t.status(&q, b)
	return q.namespace
}
