package rpmdb

import (
	"bytes"
	"fmt"
	"path"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

const lockName = ".rpm.lock"

// locked reports whether a process has rpm's own lock of a running transaction on
// the database in a folder. It takes no lock itself; it looks in the kernel's list,
// which has the locks of this host alone. On file systems whose device numbers
// differ from those in the list (btrfs) it finds none.
func locked(root hostfs.Root, dir string) bool {
	if !root.Live() {
		return false
	}
	fi, err := root.Stat(path.Join(dir, lockName))
	if err != nil {
		return false
	}
	list, err := root.ReadFile("/proc/locks", 0)
	return err == nil && held(list, stateOf(fi))
}

// held reports whether the list of /proc/locks has a lock for writing on a file:
// "1: POSIX  ADVISORY  WRITE 3568 fd:00:2531452 0 EOF".
func held(list []byte, file state) bool {
	place := fmt.Sprintf("%02x:%02x:%d", unix.Major(file.dev), unix.Minor(file.dev), file.ino)
	for line := range bytes.Lines(list) {
		fields := bytes.Fields(line)
		if len(fields) == 8 && string(fields[3]) == "WRITE" && string(fields[5]) == place {
			return true
		}
	}
	return false
}
