package pgtest

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"
)

// memory is where files are kept in memory, and plenty how much must be left there and in the machine.
const (
	memory = "/dev/shm"
	plenty = 4 << 30
)

// home is the folder for clusters, or empty for the usual one: in memory where there is plenty. A database
// is 300 files; on a disk it takes ten times as long to make one. What a test that was killed has left
// there is removed first, and its server, which misses it, ends by itself.
func home() string {
	var fs unix.Statfs_t
	if err := unix.Statfs(memory, &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		return ""
	}
	sweep(memory)
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil || fs.Bavail*uint64(fs.Bsize) < plenty || available(text) < plenty {
		return ""
	}
	return memory
}

// available is what /proc/meminfo says can be had, in bytes; 0 where it does not.
func available(text []byte) uint64 {
	m := regexp.MustCompile(`(?m)^MemAvailable: +([0-9]{1,12}) kB$`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	kB, err := strconv.ParseUint(string(m[1]), 10, 64)
	if err != nil {
		return 0
	}
	return kB << 10
}

// sweep removes the clusters of tests that are gone.
func sweep(folder string) {
	list, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	ofTest := regexp.MustCompile(`^pg([0-9]{1,9})-[0-9]+$`)
	for _, entry := range list {
		m := ofTest.FindStringSubmatch(entry.Name())
		if m == nil || !entry.IsDir() {
			continue
		}
		if pid, err := strconv.Atoi(m[1]); err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			_ = os.RemoveAll(filepath.Join(folder, entry.Name()))
		}
	}
}
