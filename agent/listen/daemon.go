package listen

import (
	"os"

	"golang.org/x/sys/unix"
)

// Daemon waits for the end of the process that is the audit daemon: one that is
// killed leaves no record of it.
type Daemon struct {
	pid  uint32
	file *os.File
	done chan struct{}
}

// Follow watches the process, and pokes nudge when it ended.
func (w *Daemon) Follow(pid uint32, nudge chan<- struct{}) {
	if pid == w.pid {
		return
	}
	w.Close()
	w.pid = pid
	if pid == 0 || pid == uint32(os.Getpid()) {
		return
	}
	fd, err := unix.PidfdOpen(int(pid), unix.PIDFD_NONBLOCK)
	if err != nil {
		return // the next look sees it
	}
	w.file, w.done = os.NewFile(uintptr(fd), "pidfd"), make(chan struct{})
	raw, err := w.file.SyscallConn()
	if err != nil {
		close(w.done)
		return
	}
	go func(done chan<- struct{}) {
		defer close(done)
		err := raw.Read(func(fd uintptr) bool {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
		if err == nil {
			select {
			case nudge <- struct{}{}:
			default:
			}
		}
	}(w.done)
}

// Close ends the watch.
func (w *Daemon) Close() {
	if w.file != nil {
		_ = w.file.Close()
		<-w.done
		w.file = nil
	}
	w.pid = 0
}
