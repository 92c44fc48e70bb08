package audit

import (
	"bytes"
	"time"
)

// Unset is the kernel's value for a login user or session that was never set.
const Unset = ^uint32(0)

// Event is one audit event. It and everything it refers to belong to the
// Assembler and are valid only until the function it was given to returns.
type Event struct {
	Serial    uint32
	Time      time.Time
	Partial   bool // records of the event are missing
	Truncated bool // records were dropped for their size
	// Filled says that the event was missed and read from an audit daemon's log since.
	// Whoever reads it there sets it.
	Filled bool

	// Syscall fields; HasSyscall says whether the event had such a record. Uring
	// says that it was an io_uring operation, whose number is then Syscall, or -1 if
	// one call (io_uring_enter) did several kinds. Success is that of any, Exit that
	// of the last. Of one that the kernel did later, and not within that call, it
	// tells neither Arch, Args, AUID, Session, TTY, Comm nor Exe.
	HasSyscall bool
	Uring      bool
	Success    bool
	Arch       uint32
	Syscall    int
	Exit       int64
	Args       [4]uint64
	PPID, PID  uint32

	AUID, UID, GID, EUID, FSUID uint32
	Session                     uint32

	TTY, Comm, Exe []byte
	Key            []byte // keys are separated by byte 1; see HasKey

	CWD       []byte
	Paths     []Path
	Argc      int      // as the kernel says; len(Argv) when complete
	Argv      [][]byte // of an execve
	Proctitle []byte   // arguments separated by NUL, cut by the kernel at 128 bytes
	Sockaddr  []byte   // struct sockaddr as it is in memory
	OpenFlags uint64   // of openat2, valid when HasOpenFlags
	// HasOpenFlags says that an OPENAT2 record was there.
	HasOpenFlags bool
	// Message is the part of a user-space record that the kernel does not vouch
	// for, from msg= on.
	Message []byte
	// Records holds every record of the event in order of arrival.
	Records []Record
}

// Record is one record: its type and its text after the serial.
type Record struct {
	Type uint16
	Text []byte
}

// Path is one PATH record.
type Path struct {
	Item     int
	Name     []byte // as the process gave it; nil when the kernel had none
	Inode    uint64
	Dev      [2]uint32 // major, minor
	Mode     uint32
	OUID     uint32
	Nametype Nametype
}

// Nametype says what a path was to its system call.
type Nametype uint8

// The kernel's name types.
const (
	NametypeUnknown Nametype = iota
	NametypeNormal
	NametypeParent
	NametypeCreate
	NametypeDelete
)

// HasKey reports whether the event was reported by a rule with the key.
func (e *Event) HasKey(key string) bool {
	rest := e.Key
	for {
		k, more, found := bytes.Cut(rest, []byte{1})
		if string(k) == key && key != "" {
			return true
		}
		if !found {
			return false
		}
		rest = more
	}
}

// AppendCommand appends the command line to dst, arguments separated by a NUL:
// the arguments of an execve, else the process title. It is as the process wrote
// it: redact it before it leaves the host.
func (e *Event) AppendCommand(dst []byte) []byte {
	if len(e.Argv) == 0 {
		return append(dst, bytes.TrimRight(e.Proctitle, "\x00")...)
	}
	for i, arg := range e.Argv {
		if i > 0 {
			dst = append(dst, 0)
		}
		dst = append(dst, arg...)
	}
	return dst
}

// reset empties e and keeps its memory.
func (e *Event) reset() {
	paths, argv, records := e.Paths[:0], e.Argv[:0], e.Records[:0]
	*e = Event{
		AUID: Unset, UID: Unset, GID: Unset, EUID: Unset, FSUID: Unset, Session: Unset,
		Paths: paths, Argv: argv, Records: records,
	}
}
