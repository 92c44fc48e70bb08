package procfs

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"
)

const userHZ = 100 // ticks a second of /proc/PID/stat, on all of Go's Linux ports

// Stat is what /proc/PID/stat tells.
type Stat struct {
	PID, PPID uint32
	Comm      []byte
	TTY       string // as audit writes it: pts0, tty1; "" for none and for others
	Kernel    bool   // a thread of the kernel
	// Ticks is the start in the clock of the file, and one more: 0 is not known.
	Ticks uint64
	Start time.Time // set by Reader
}

// Since is how long after boot the process began.
func (s *Stat) Since() time.Duration { return time.Duration(s.Ticks-1) * (time.Second / userHZ) }

var errStat = errors.New("not the text of /proc/PID/stat")

// ParseStat reads "PID (comm) state ppid …", proc_pid_stat(5). Comm may hold anything.
func ParseStat(b []byte) (Stat, error) {
	const (
		ppid, tty, flags, start = 1, 4, 6, 19 // fields after comm, from 0 for the state
		kernelThread            = 0x00200000
	)
	open, shut := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 2 || shut < open {
		return Stat{}, errStat
	}
	var fields [start + 1]uint64
	n := 0
	for field := range bytes.FieldsSeq(b[shut+1:]) {
		switch n {
		case ppid, tty, flags, start:
			v, err := strconv.ParseInt(string(field), 10, 64)
			if err != nil {
				return Stat{}, errStat
			}
			fields[n] = uint64(v)
		}
		if n++; n > start {
			break
		}
	}
	pid, err := strconv.ParseUint(string(b[:open-1]), 10, 32)
	if err != nil || n <= start || fields[ppid] > math.MaxUint32 || fields[start] >= math.MaxInt64/uint64(time.Second/userHZ) {
		return Stat{}, errStat
	}
	return Stat{
		PID: uint32(pid), PPID: uint32(fields[ppid]), Comm: b[open+1 : shut], TTY: ttyName(uint32(fields[tty])),
		Kernel: fields[flags]&kernelThread != 0, Ticks: fields[start] + 1,
	}, nil
}

// ttyName names a terminal as the kernel does (tty_name).
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

// Unset is a number that is not there: the kernel's for a login user or session that
// was never set.
const Unset = ^uint32(0)

// Status is what is read of /proc/PID/status.
type Status struct {
	UID, EUID, GID uint32
	Namespaces     int // how many PID namespaces the process is in, from that of /proc on
}

// ParseStatus reads the lines Uid, Gid and NSpid, proc_pid_status(5).
func ParseStatus(b []byte) Status {
	s := Status{UID: Unset, EUID: Unset, GID: Unset}
	for line := range bytes.Lines(b) {
		key, rest, _ := bytes.Cut(line, []byte(":"))
		switch string(key) {
		case "Uid":
			first, rest := word(rest)
			second, _ := word(rest)
			s.UID, s.EUID = number(first), number(second)
		case "Gid":
			first, _ := word(rest)
			s.GID = number(first)
		case "NSpid":
			s.Namespaces = len(bytes.Fields(rest))
		}
	}
	return s
}

// word splits the first word off b.
func word(b []byte) (first, rest []byte) {
	b = bytes.TrimSpace(b)
	if i := bytes.IndexAny(b, " \t"); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}

func number(b []byte) uint32 {
	n, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 32)
	if err != nil {
		return Unset
	}
	return uint32(n)
}
