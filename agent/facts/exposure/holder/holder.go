// Package holder finds the processes that hold sockets: who a listening socket's
// inode belongs to, by the descriptors in /proc/PID/fd.
//
// Nothing is opened but files of /proc, and of each process its name, program and
// cgroup are read, not its memory or environment. Descriptors of others need
// CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; what may not be seen is said. A process has at
// most 4096 descriptors looked at.
//
// The sensor has not these capabilities. It asks at [Socket], for which systemd starts
// seawall-restarts@.service, whose process has them (see package ask): [Look] answers with
// the holders of all sockets that wait for others in process 1's network namespace, and
// whoever knows these sockets finds them in there by their inodes.
package holder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/cgroup"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const (
	maxDescriptors = 4096 // of one process
	maxWord        = 256
	deletedMark    = " (deleted)"
)

// Process is one that holds a socket.
type Process struct {
	PID     int    `json:"pid"`
	Comm    string `json:"comm"`
	Exe     string `json:"exe"`
	Deleted bool   `json:"deleted"` // the program's file is gone
	Unit    string `json:"unit"`
}

// Find looks for the processes that hold the sockets with these inodes. limited says
// what could not be looked at, where some are not found.
func Find(ctx context.Context, inodes []uint64) (found map[uint64]Process, limited string) {
	found = map[uint64]Process{}
	wanted := map[uint64]bool{}
	for _, n := range inodes {
		if n != 0 { // a socket of the kernel's own
			wanted[n] = true
		}
	}
	pids, err := processes()
	if err != nil {
		return found, "list processes: " + err.Error()
	}
	buf := make([]byte, unix.PathMax)
	for _, pid := range pids {
		if len(wanted) == 0 {
			return found, ""
		}
		if ctx.Err() != nil {
			return found, "there was no time for all processes"
		}
		if err := holds(pid, buf, wanted, found); err != nil && limited == "" && !gone(err) {
			limited = "look at the descriptors of others: " + err.Error()
		}
	}
	if len(wanted) == 0 {
		return found, ""
	}
	return found, limited
}

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }

// processes lists the numbers of all processes, ascending but for the first one:
// systemd holds the sockets of services, too, that it starts when somebody connects.
func processes() ([]string, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	names = slices.DeleteFunc(names, func(n string) bool { return n[0] < '0' || n[0] > '9' })
	if i := slices.Index(names, "1"); i >= 0 {
		names = append(slices.Delete(names, i, i+1), "1")
	}
	return names, err
}

// holds looks at one process's descriptors, and takes what it holds out of wanted.
func holds(pid string, buf []byte, wanted map[uint64]bool, found map[uint64]Process) error {
	dir, err := os.Open("/proc/" + pid + "/fd")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxDescriptors + 1)
	if err != nil && len(names) == 0 {
		return nil // it has none, or is the kernel's
	}
	if len(names) > maxDescriptors {
		names, err = names[:maxDescriptors], fmt.Errorf("process %s has more than %d", pid, maxDescriptors)
	} else {
		err = nil
	}
	var who *Process
	for _, name := range names {
		n, err := unix.Readlinkat(int(dir.Fd()), name, buf)
		if err != nil {
			continue
		}
		inode, ok := socket(string(buf[:n]))
		if !ok || !wanted[inode] {
			continue
		}
		if who == nil {
			who = describe(pid)
		}
		found[inode] = *who
		delete(wanted, inode)
	}
	return err
}

// socket reads where a descriptor of a socket points: socket:[4711].
func socket(link string) (inode uint64, ok bool) {
	rest, ok := strings.CutPrefix(link, "socket:[")
	inode, err := strconv.ParseUint(strings.TrimSuffix(rest, "]"), 10, 64)
	return inode, ok && err == nil
}

// describe says who a process is, as far as that may be seen.
func describe(pid string) *Process {
	small := func(name string) string {
		b, err := hostfs.Root{}.ReadFile("/proc/"+pid+"/"+name, 16<<10)
		if err != nil {
			return ""
		}
		return string(b)
	}
	s := &Process{}
	s.PID, _ = strconv.Atoi(pid)
	s.Comm = text.Clean(strings.TrimSuffix(small("comm"), "\n"), maxWord)
	exe, err := os.Readlink("/proc/" + pid + "/exe")
	if err == nil {
		// A file can really be called so; then it is there.
		if name, marked := strings.CutSuffix(exe, deletedMark); marked && !(hostfs.Root{}).Exists(exe) {
			exe, s.Deleted = name, true
		}
		s.Exe = text.Clean(exe, maxWord)
	}
	s.Unit, _ = cgroup.Unit(cgroup.Of(small("cgroup")))
	return s
}
