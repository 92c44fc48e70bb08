// Package procfs reads what Linux tells of a process in /proc/PID (proc(5)): stat,
// status, cmdline, loginuid, sessionid, exe and cgroup, each to a limit, and counts what
// it reads.
//
// A process that is gone, and one that a /proc mounted with hidepid does not show, look
// alike. Everything but exe may be read by everybody where /proc shows it; exe of others'
// processes takes CAP_SYS_PTRACE. Comm, the arguments and the terminal are what the
// process made them. A process is its number and its start: what was read before and
// after a number went on to another process is told apart by [Stat.Ticks].
package procfs

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// Limits of the files of /proc/PID.
const (
	statLimit    = 4 << 10
	statusLimit  = 16 << 10
	cgroupLimit  = 32 << 10
	cmdlineLimit = 4 << 20 // arguments take what a process may have of stack
	numberLimit  = 64
)

// Reader reads the /proc of a host.
type Reader struct {
	Root          hostfs.Root
	Reads, Unread uint64 // files that were asked for, and those of them without an answer
}

func (r *Reader) file(pid uint32, name string, limit int64) ([]byte, bool) {
	r.Reads++
	b, err := r.Root.ReadFile(path(pid, name), limit)
	if err != nil {
		r.Unread++
		return nil, false
	}
	return b, true
}

func path(pid uint32, name string) string {
	var buf [32]byte
	b := append(buf[:0], "/proc/"...)
	b = strconv.AppendUint(b, uint64(pid), 10)
	b = append(b, '/')
	return string(append(b, name...))
}

// Stat reads /proc/PID/stat.
func (r *Reader) Stat(pid uint32) (*Stat, bool) {
	b, ok := r.file(pid, "stat", statLimit)
	if !ok {
		return nil, false
	}
	st, err := ParseStat(b)
	if err != nil || st.PID != pid {
		r.Unread++
		return nil, false
	}
	st.Start = r.boot().Add(st.Since())
	return &st, true
}

// boot is when the clock of stat was 0, by the wall clock as it is now.
func (r *Reader) boot() time.Time {
	if r.Root.Live() {
		var since unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &since); err != nil {
			return time.Time{}
		}
		return time.Now().Add(-time.Duration(since.Nano()))
	}
	b, err := r.Root.ReadFile("/proc/stat", 0)
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

// Status reads /proc/PID/status.
func (r *Reader) Status(pid uint32) (Status, bool) {
	b, ok := r.file(pid, "status", statusLimit)
	return ParseStatus(b), ok
}

// Login returns the login user and session of a process, Unset where it has none.
func (r *Reader) Login(pid uint32) (auid, session uint32) {
	auid, session = Unset, Unset
	if b, ok := r.file(pid, "loginuid", numberLimit); ok {
		auid = number(b)
	}
	if b, ok := r.file(pid, "sessionid", numberLimit); ok {
		session = number(b)
	}
	return auid, session
}

// Arguments returns the command line, arguments separated by NUL.
func (r *Reader) Arguments(pid uint32) []byte {
	b, _ := r.file(pid, "cmdline", cmdlineLimit)
	return bytes.TrimRight(b, "\x00")
}

// Exe returns the program's file, "" where it is not told.
func (r *Reader) Exe(pid uint32) string {
	r.Reads++
	exe, err := r.Root.Readlink(path(pid, "exe"))
	if err != nil {
		r.Unread++
		return ""
	}
	return exe
}

// Cgroup returns the text of /proc/PID/cgroup.
func (r *Reader) Cgroup(pid uint32) (string, bool) {
	b, ok := r.file(pid, "cgroup", cgroupLimit)
	return string(b), ok
}

// Processes lists the numbers in /proc in their order. hidden says that it does not show
// the first process, and so not those of others.
func (r *Reader) Processes() (pids []uint32, hidden bool, err error) {
	r.Reads++
	names, err := r.Root.ReadDir("/proc")
	if err != nil {
		r.Unread++
		return nil, false, err
	}
	pids = make([]uint32, 0, len(names))
	for _, name := range names {
		if n, err := strconv.ParseUint(name, 10, 32); err == nil && n > 0 {
			pids = append(pids, uint32(n))
		}
	}
	slices.Sort(pids)
	return pids, len(pids) == 0 || pids[0] != 1, nil
}
