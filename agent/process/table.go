package process

import (
	"hash/maphash"
	"time"

	"seawall/agent/process/calls"
	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
	"seawall/pkg/procfs"
)

// Bounds of a Table.
const (
	maxLive   = 100_000
	maxDead   = 10_000
	maxText   = 16 << 20
	maxArgv   = 1 << 10
	maxPath   = 1 << 10
	maxWord   = 128
	maxDepth  = 32 // of ancestors
	keepDead  = int64(10 * time.Minute)
	pageBits  = 8
	pageSize  = 1 << pageBits
	internLen = 1024
)

// How far times of events and of /proc may differ for the same moment: the clock of
// records moves in steps of up to 10 ms, and so does that of /proc/PID/stat.
const slack = int64(20 * time.Millisecond)

const (
	recheck       = int64(10 * time.Second) // of an entry against /proc
	recheckParent = int64(time.Second)
	sweepEvery    = int64(10 * time.Second)
	readsPerSec   = 2000
)

// Config says of which host a Table is.
type Config struct {
	Root hostfs.Root
	// Offline: the events are of another time or host, /proc is not looked at.
	Offline bool
}

// Stats counts what a Table holds and did.
type Stats struct {
	Live, Dead int
	Text       int    // bytes
	Reads      uint64 // of files of /proc
	Unread     uint64 // of these, without an answer: the process is gone, or hidden
	Skipped    uint64 // reads that were not made, for there were too many
	Replaced   uint64 // numbers found to mean another process, without a word of it
	Late       uint64 // events of earlier holders of a number
	Evicted    uint64 // living processes given up for want of room
	Hidden     bool   // /proc does not show the processes of others (hidepid)
}

// Table is the processes of one host. It is not safe for concurrent use.
type Table struct {
	cfg   Config
	calls calls.Table
	proc  procfs.Reader
	clock func() time.Time

	index      map[uint32]uint32 // number → slot of the newest holder
	pages      [][]Process
	free       uint32 // list of free slots, by after
	live, dead list
	maxLive    int
	maxDead    int
	maxText    int

	births [1024]birth
	intern [internLen]string
	seed   maphash.Seed
	buf    []byte

	now        int64 // the newest time of an event
	tokens     float64
	refilled   int64
	swept      int64
	sweptCount int
	stats      Stats
}

// birth is a hint: the number may be a child of parent.
type birth struct {
	pid    uint32
	at     int64
	parent ref
}

// list is a list of slots; first is the longest untouched.
type list struct {
	first, last uint32
	n           int
}

// New returns an empty table.
func New(cfg Config) *Table {
	t := &Table{
		cfg: cfg, calls: calls.New(), clock: time.Now, proc: procfs.Reader{Root: cfg.Root},
		index: map[uint32]uint32{}, seed: maphash.MakeSeed(),
		maxLive: maxLive, maxDead: maxDead, maxText: maxText, tokens: readsPerSec,
	}
	t.grow()
	return t
}

// Stats returns the counts so far.
func (t *Table) Stats() Stats {
	s := t.stats
	s.Live, s.Dead = t.live.n, t.dead.n
	s.Reads, s.Unread = t.proc.Reads, t.proc.Unread
	return s
}

// Lookup returns the process that had the number pid at the time, or nil. A zero time
// means the newest.
func (t *Table) Lookup(pid uint32, at time.Time) *Process {
	p := t.at(t.index[pid])
	if at.IsZero() {
		return p
	}
	for ; p != nil; p = t.at(p.older) {
		if p.Start.UnixNano()-slack > at.UnixNano() {
			continue
		}
		if p.dead() && at.After(p.End.Add(time.Duration(slack))) {
			return nil
		}
		return p
	}
	return nil
}

// Parent returns the process that began p, or where that is forgotten the one that
// stands in its place now (PPID); nil where neither is known, as p is of an event that
// names no process.
func (t *Table) Parent(p *Process) *Process {
	if p == nil {
		return nil
	}
	if q := t.deref(p.parent); q != nil {
		return q
	}
	if p.PPID == 0 || p.PPID == p.PID {
		return nil
	}
	q := t.at(t.index[p.PPID])
	for q != nil && q.Start.UnixNano() > p.Start.UnixNano()+slack {
		q = t.at(q.older)
	}
	return q
}

// Ancestors calls yield with p, its parent and so on, at most 32, until it returns false.
func (t *Table) Ancestors(p *Process) func(yield func(*Process) bool) {
	return func(yield func(*Process) bool) {
		for range maxDepth {
			if p == nil || !yield(p) {
				return
			}
			p = t.Parent(p)
		}
	}
}

// allow reports whether so many files of /proc may be read now.
func (t *Table) allow(files float64) bool {
	if t.cfg.Offline {
		return false
	}
	if since := t.now - t.refilled; since > 0 {
		t.tokens = min(t.tokens+float64(since)*readsPerSec/float64(time.Second), readsPerSec)
		t.refilled = t.now
	}
	if t.tokens < 1 {
		t.stats.Skipped++
		return false
	}
	t.tokens -= files
	return true
}

// newerSerial reports whether serial a is not before b.
func newerSerial(a, b uint32) bool { return int32(a-b) >= 0 }

// call returns what the event's system call does to processes.
func (t *Table) call(e *audit.Event) calls.Kind {
	switch {
	case !e.HasSyscall || e.Uring:
		return calls.Other
	case e.Success && e.Argc > 0:
		return calls.Exec // whatever its number
	}
	return t.calls.Of(e.Arch, e.Syscall)
}
