package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// How long Wait sleeps before it looks by itself: rarely, in case an event was
// missed, and often where the kernel gives no events.
const (
	pollWatched   = 15 * time.Second
	pollUnwatched = 100 * time.Millisecond
)

// watch tells of changes of a lane's watermark. It needs one inotify instance of
// the user's fs.inotify.max_user_instances.
type watch struct{ f *os.File }

func newWatch(durable *os.File) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	// By descriptor, so that it is the file that is read.
	name := fmt.Sprintf("/proc/self/fd/%d", durable.Fd())
	if _, err := unix.InotifyAddWatch(fd, name, unix.IN_MODIFY|unix.IN_ATTRIB|unix.IN_DELETE_SELF); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &watch{os.NewFile(uintptr(fd), "inotify")}, nil
}

func (w *watch) close() {
	if w.f != nil {
		w.f.Close()
	}
}

// Wait returns when there may be something new to read, and at the latest after
// 15 seconds. It returns ctx's error when ctx ends first.
func (r *Reader) Wait(ctx context.Context) error {
	if r.watch == nil {
		w, err := newWatch(r.durable)
		if err != nil {
			w = &watch{} // out of instances: poll
		}
		r.watch = w
		if changed, err := r.refresh(); err != nil || changed {
			return err // it changed before the watch began
		}
	}
	if r.watch == nil || r.watch.f == nil {
		return sleep(ctx, pollUnwatched)
	}
	return r.watch.wait(ctx)
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

// wait reads the events there are, which are all the same.
func (w *watch) wait(ctx context.Context) error {
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
