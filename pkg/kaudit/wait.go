package kaudit

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waiter waits for a socket to have something to read. The socket is in an epoll of its
// own, and that one is what the runtime's poller knows: so the socket can be muted, which
// what is in the poller cannot, where each message wakes a thread although nobody waits.
type waiter struct {
	file  *os.File // of the epoll
	raw   syscall.RawConn
	epoll int
	sock  int
	timer int // in the epoll too; the runtime's own would wake its monitor each time
}

func newWaiter(sock int) (*waiter, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("poll audit socket: %w", err)
	}
	err = unix.SetNonblock(epoll, true) // or the runtime would not poll it
	w := &waiter{file: os.NewFile(uintptr(epoll), "audit-poll"), epoll: epoll, sock: sock, timer: -1}
	if err == nil {
		w.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	}
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, w.timer, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(w.timer)})
	}
	if err == nil {
		err = w.listen()
	}
	if err == nil {
		w.raw, err = w.file.SyscallConn()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("poll audit socket: %w", err), w.close())
	}
	return w, nil
}

// listen has messages wake whoever waits; mute ends that.
func (w *waiter) listen() error {
	return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, w.sock, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(w.sock)})
}

func (w *waiter) mute() error { return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, w.sock, nil) }

// tick wakes whoever waits again and again; 0 ends that.
func (w *waiter) tick(every time.Duration) error {
	t := unix.NsecToTimespec(int64(every))
	spec := unix.ItimerSpec{Interval: t, Value: t}
	// It does not block, so the scheduler need not know.
	_, _, errno := unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(w.timer), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// ticked has the clock go on, which stands still until it was read.
func (w *waiter) ticked() {
	var ticks [8]byte
	_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(w.timer), uintptr(unsafe.Pointer(&ticks)), uintptr(len(ticks)))
}

// each calls take, and again whenever there may be something to read, until it reports
// that it is done. It ends with os.ErrDeadlineExceeded after a deadline of file, and with
// os.ErrClosed when that is closed. Nothing is missed that comes while take runs: waiting
// goes on from when it was called.
func (w *waiter) each(take func() (done bool)) error {
	return w.raw.Read(func(uintptr) bool { return take() })
}

// close may be called once.
func (w *waiter) close() error {
	err := w.file.Close()
	if w.timer >= 0 {
		err = errors.Join(err, unix.Close(w.timer))
	}
	return err
}

// Waking up costs several times what an event does. As long as events come often, they
// are left to gather for a while.
const (
	// longestNap is how much later than needed an event is read at most.
	longestNap = 40 * time.Millisecond
	// often is a time between two wake-ups that is short enough for it to pay.
	often = 25 * time.Millisecond
	// flood is more records a second than a machine makes, for which the socket's
	// buffer must have room during a nap, and recordSpace what it counts for each.
	flood       = 400_000
	recordSpace = 1 << 10
)

// napOf returns how long one may nap with a buffer of a size, 0 for not at all.
func napOf(buffer int) time.Duration {
	const shortest = 2 * time.Millisecond
	if nap := time.Duration(buffer/recordSpace) * time.Second / flood; nap >= shortest {
		return min(nap, longestNap)
	}
	return 0
}
