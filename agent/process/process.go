package process

import (
	"time"

	"seawall/agent/actor"
	"seawall/pkg/audit"
)

// Process is one process. It belongs to its Table and is valid until the next call of a
// method that adds to it.
type Process struct {
	PID, PPID uint32
	// Start is when it began: exactly, or for one of which only events told, at the
	// latest. End is zero while nothing told of its end.
	Start, End time.Time

	Exe  string // "" where it is not known
	Comm string
	Argv string // separated by NUL, not redacted; "" where not known
	// Before is the program that it was before its last execve, where that one had
	// another effective user than its caller's (doas and pkexec become what they start).
	Before string
	TTY    string // as audit writes it: pts0, tty1

	UID, EUID, GID uint32
	AUID, Session  uint32 // audit.Unset where no login began it

	// Of the cgroup, as Locate found it. Inherited says that they are the parent's, for
	// the process was gone.
	Unit, Container, Runtime string
	Inherited                bool
	ArgvCut                  bool // Argv is not all of it

	located, stale bool // the cgroup was read; and may have changed since
	forked         bool // an event told of its birth and none of an execve since
	namespace      namespace

	ticks   uint64 // start as stat has it, 0 where not read
	seen    int64  // the newest time that it was surely there
	checked int64  // when it was last held against /proc
	serial  uint32 // of the event that State is of
	sources uint8  // see fromEvent

	slot, generation uint32
	parent           ref
	children         int32  // entries whose parent this is
	older, newer     uint32 // other holders of the number
	before, after    uint32 // in the list of the living or of the dead
}

// ref is an entry that may be gone.
type ref struct{ slot, generation uint32 }

// namespace is what is known of a process's PID namespace.
type namespace uint8

const (
	nsUnknown namespace = iota
	nsFirst
	nsNested
)

// Where an entry's state comes from.
const (
	fromEvent   uint8 = 1 << iota // serial is valid
	fromProc                      // /proc/PID was read
	fromSyscall                   // a system call's event told parent and program
	fromBirth                     // its parent's event told of its start
)

// Step returns p as a step on the way to an action.
func (p *Process) Step() actor.Step {
	return actor.Step{
		PID: p.PID, Exe: p.Exe, Comm: p.Comm, Before: p.Before,
		UID: p.UID, EUID: p.EUID, AUID: p.AUID, Session: p.Session,
		Unit: p.Unit, Container: p.Container, Runtime: p.Runtime,
	}
}

func (p *Process) dead() bool { return !p.End.IsZero() }

// textSize is what p is accounted for beside its entry. Texts that entries share are
// counted for each.
func (p *Process) textSize() int {
	return len(p.Exe) + len(p.Argv) + len(p.Before) + len(p.Unit) + len(p.Container)
}

// clear empties p for the next process.
func (p *Process) clear() {
	*p = Process{
		slot: p.slot, generation: p.generation,
		UID: audit.Unset, EUID: audit.Unset, GID: audit.Unset, AUID: audit.Unset, Session: audit.Unset,
	}
}
