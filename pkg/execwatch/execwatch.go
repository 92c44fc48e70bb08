// Package execwatch tells when a program is started: the kernel says that it is opened to be
// executed (fanotify(7), FAN_OPEN_EXEC, in the form that needs no capability, since Linux
// 5.13) before it runs. That is milliseconds earlier than its audit event comes, which stands
// behind all others. It does not say who started it.
package execwatch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Watch watches for starts of one program, until it is closed.
type Watch struct {
	program string
	file    *os.File
	done    chan struct{}
}

// New calls told, from a goroutine of its own, whenever the program starts.
func New(program string, told func()) (*Watch, error) {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_REPORT_FID|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch for starts of %s: %w", program, err)
	}
	w := &Watch{program: program, file: os.NewFile(uintptr(fd), "fanotify"), done: make(chan struct{})}
	// It may be installed later, or anew.
	err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_CREATE|unix.FAN_MOVED_TO, unix.AT_FDCWD, filepath.Dir(program))
	if err == nil {
		err = w.mark(fd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch for starts of %s: %w", program, err), w.file.Close())
	}
	go func() {
		defer close(w.done)
		w.read(fd, told)
	}()
	return w, nil
}

// mark watches the file that has the program's name now; again is as good as once.
func (w *Watch) mark(fd int) error {
	err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC, unix.AT_FDCWD, w.program)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

func (w *Watch) read(fd int, told func()) {
	b := make([]byte, 4096)
	for {
		n, err := w.file.Read(b)
		if err != nil {
			return
		}
		mask := masks(b[:n])
		if mask&unix.FAN_OPEN_EXEC != 0 {
			told()
		}
		if mask&^unix.FAN_OPEN_EXEC != 0 {
			_ = w.mark(fd) // the audit event is left where it cannot be
		}
	}
}

// masks returns what any of the events says, each a struct fanotify_event_metadata with its
// own length first.
func masks(b []byte) (sum uint64) {
	const size = 24
	for len(b) >= size {
		n := int(binary.NativeEndian.Uint32(b))
		if n < size || n > len(b) {
			break
		}
		sum |= binary.NativeEndian.Uint64(b[8:])
		b = b[n:]
	}
	return sum
}

// Close ends the watch. It may be called for a nil one.
func (w *Watch) Close() {
	if w == nil {
		return
	}
	_ = w.file.Close()
	<-w.done
}
