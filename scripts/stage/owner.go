package stage

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// AsOwner does something with files as the user who owns path (setfsuid(2)), on
// one thread. SQLite as root makes the files beside a database and gives them to
// the database's owner a moment later: a program of that owner that starts in this
// moment cannot open them.
func AsOwner(path string, do func() error) error {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return fmt.Errorf("owner of %s: %w", path, err)
	}
	runtime.LockOSThread()
	before, err := unix.SetfsuidRetUid(int(s.Uid))
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("act as user %d: %w", s.Uid, err)
	}
	defer func() {
		// A thread that cannot go back ends with its goroutine.
		if _, err := unix.SetfsuidRetUid(before); err == nil {
			runtime.UnlockOSThread()
		}
	}()
	return do()
}
