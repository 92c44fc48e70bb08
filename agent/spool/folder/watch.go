package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// How long Wait sleeps before it returns by itself: rarely, in case an event was
// missed, and often where the kernel gives no events.
const (
	pollWatched   = 15 * time.Second
	pollUnwatched = 100 * time.Millisecond
)

// Watch tells of changes of a lane's watermark. It needs one inotify instance of
// the user's fs.inotify.max_user_instances.
type Watch struct{ f *os.File }

// NewWatch watches the file that is open as durable. Where no instance is left it
// returns a watch that polls.
func NewWatch(durable *os.File) *Watch {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return &Watch{}
	}
	// By descriptor, so that it is the file that is read.
	name := fmt.Sprintf("/proc/self/fd/%d", durable.Fd())
	if _, err := unix.InotifyAddWatch(fd, name, unix.IN_MODIFY|unix.IN_ATTRIB|unix.IN_DELETE_SELF); err != nil {
		unix.Close(fd)
		return &Watch{}
	}
	return &Watch{os.NewFile(uintptr(fd), "inotify")}
}

// Close ends the watch.
func (w *Watch) Close() {
	if w.f != nil {
		w.f.Close()
	}
}

// Wait returns when the file has changed since the last Wait, or after 15 seconds.
// It returns ctx's error when ctx ends first.
func (w *Watch) Wait(ctx context.Context) error {
	if w.f == nil {
		return sleep(ctx, pollUnwatched)
	}
	if err := w.f.SetReadDeadline(time.Now().Add(pollWatched)); err != nil {
		return fmt.Errorf("wait for spool: %w", err)
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = w.f.SetReadDeadline(time.Unix(1, 0)) // wakes the read
	})
	b := make([]byte, 4096)
	_, err := w.f.Read(b)
	if !stop() {
		<-done
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("wait for spool: %w", err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
