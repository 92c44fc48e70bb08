package kaudit

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many messages one recvmmsg takes; the gain ends at about that.
const batchSize = 32

// batch is the memory of one recvmmsg(2).
type batch struct {
	headers [batchSize]mmsghdr
	iovecs  [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrNetlink
	buffers [batchSize][maxMessage]byte

	long  bool // the scheduler is to know of the next recvmmsg
	n     int  // of the last recvmmsg
	errno syscall.Errno
	step  func(fd uintptr) // a recvmmsg, for RawConn.Control
}

// mmsghdr is struct mmsghdr; the compiler pads it as C does.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.headers {
		b.iovecs[i].Base = &b.buffers[i][0]
		b.iovecs[i].SetLen(maxMessage)
		h := &b.headers[i].hdr
		h.Iov = &b.iovecs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
	}
	b.step = func(fd uintptr) { b.n, b.errno = b.recvmmsg(fd) }
	return b
}

// take takes the messages that are there, and does not wait: with none it is EAGAIN.
func (b *batch) take(raw syscall.RawConn) (n int, err error) {
	if err := raw.Control(b.step); err != nil {
		return 0, err
	}
	if b.errno != 0 {
		return 0, b.errno
	}
	return b.n, nil
}

func (b *batch) recvmmsg(fd uintptr) (int, syscall.Errno) {
	for i := range b.headers {
		b.headers[i].hdr.Namelen = unix.SizeofSockaddrNetlink
	}
	for {
		if b.long {
			n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.headers)),
				batchSize, unix.MSG_DONTWAIT, 0, 0)
			if errno != unix.EINTR {
				return int(n), errno
			}
			continue
		}
		// The socket does not block, so the scheduler need not know.
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.headers)),
			batchSize, unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// message returns message i of the last receive. ok is false when the kernel did
// not send it or it does not fit.
func (b *batch) message(i int) (m msg, ok bool) {
	h := &b.headers[i]
	if h.hdr.Namelen < unix.SizeofSockaddrNetlink || b.names[i].Family != unix.AF_NETLINK || b.names[i].Pid != 0 ||
		h.hdr.Flags&unix.MSG_TRUNC != 0 || h.n < headerSize || h.n > maxMessage {
		return msg{}, false
	}
	return parse(b.buffers[i][:h.n]), true
}
