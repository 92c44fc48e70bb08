package exposure

import (
	"context"
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
	maxDescriptors = 4096    // of one process
	maxPasswd      = 8 << 20 // bytes of /etc/passwd
	deletedMark    = " (deleted)"
)

// own finds the processes that hold the sockets, and returns how many are left.
func own(ctx context.Context, list []waiting) (unowned int, limited string) {
	wanted := map[uint64][]*Socket{}
	for i := range list {
		if list[i].inode != 0 { // of the kernel's own otherwise
			wanted[list[i].inode] = append(wanted[list[i].inode], &list[i].Socket)
		}
	}
	passwd, _ := hostfs.Root{}.ReadFile("/etc/passwd", maxPasswd) // without it users have numbers
	for i := range list {
		list[i].User = text.Clean(cgroup.User(string(passwd), strconv.Itoa(list[i].UID)), maxWord)
	}
	pids, err := processes()
	if err != nil {
		return len(wanted), "list processes: " + err.Error()
	}
	buf := make([]byte, unix.PathMax)
	for _, pid := range pids {
		if len(wanted) == 0 {
			break
		}
		if ctx.Err() != nil {
			return len(wanted), "there was no time for all processes"
		}
		if err := holds(pid, buf, wanted); err != nil && limited == "" && !gone(err) {
			limited = "look at the descriptors of others: " + err.Error()
		}
	}
	if len(wanted) == 0 {
		limited = ""
	}
	return len(wanted), limited
}

func gone(err error) bool { return os.IsNotExist(err) || err == unix.ESRCH }

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
func holds(pid string, buf []byte, wanted map[uint64][]*Socket) error {
	dir, err := os.Open("/proc/" + pid + "/fd")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxDescriptors)
	if err != nil && len(names) == 0 {
		return nil // it has none, or is the kernel's
	}
	var who *Socket
	for _, name := range names {
		n, err := unix.Readlinkat(int(dir.Fd()), name, buf)
		if err != nil {
			continue
		}
		rest, ok := strings.CutPrefix(string(buf[:n]), "socket:[")
		inode, err := strconv.ParseUint(strings.TrimSuffix(rest, "]"), 10, 64)
		if !ok || err != nil {
			continue
		}
		for _, s := range wanted[inode] {
			if who == nil {
				who = describe(pid)
			}
			s.PID, s.Comm, s.Exe, s.Deleted, s.Unit = who.PID, who.Comm, who.Exe, who.Deleted, who.Unit
		}
		delete(wanted, inode)
	}
	return nil
}

// describe says who a process is, as far as that may be seen.
func describe(pid string) *Socket {
	small := func(name string) string {
		b, err := hostfs.Root{}.ReadFile("/proc/"+pid+"/"+name, 16<<10)
		if err != nil {
			return ""
		}
		return string(b)
	}
	s := &Socket{}
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
