//go:build linux && (amd64 || 386)

package main

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is an io_uring of eight entries, used one at a time (io_uring_setup(2)).
type ring struct {
	fd                int
	sq, cq, entries   []byte
	tail, mask, array uint32 // offsets in sq
	completed, newest uint32 // offsets in cq
}

// newRing returns nil where there is no io_uring.
func newRing() *ring {
	params := make([]byte, 120)
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 8, pointer(params), 0)
	if errno != 0 {
		return nil
	}
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(params[at:]) }
	const sqOff, cqOff = 40, 80
	r := &ring{fd: int(fd), tail: u32(sqOff + 4), mask: u32(sqOff + 8), array: u32(sqOff + 24), completed: u32(cqOff), newest: u32(cqOff + 4)}
	for _, m := range []struct {
		to   *[]byte
		at   int64
		size int
	}{
		{&r.sq, 0, int(r.array) + 4*int(u32(0))},
		{&r.cq, 0x8000000, int(u32(cqOff+20)) + 16*int(u32(4))},
		{&r.entries, 0x10000000, 64 * int(u32(0))},
	} {
		b, err := unix.Mmap(r.fd, m.at, m.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
		if err != nil {
			return nil
		}
		*m.to = b
	}
	return r
}

func word(b []byte, at uint32) *uint32 { return (*uint32)(unsafe.Pointer(&b[at])) }

// submit hands the kernel one operation and waits for its end.
func (r *ring) submit(op byte, dir int, addr, off uint64, size, flags uint32) {
	tail := atomic.LoadUint32(word(r.sq, r.tail))
	index := tail & *word(r.sq, r.mask)
	e := r.entries[64*index:][:64]
	clear(e)
	e[0] = op
	binary.NativeEndian.PutUint32(e[4:], uint32(dir))
	binary.NativeEndian.PutUint64(e[8:], off)
	binary.NativeEndian.PutUint64(e[16:], addr)
	binary.NativeEndian.PutUint32(e[24:], size)
	binary.NativeEndian.PutUint32(e[28:], flags)
	*word(r.sq, r.array+4*index) = index
	atomic.StoreUint32(word(r.sq, r.tail), tail+1)
	raw(unix.SYS_IO_URING_ENTER, uintptr(r.fd), 1, 1, 1, 0, 0)
	atomic.StoreUint32(word(r.cq, r.completed), atomic.LoadUint32(word(r.cq, r.newest)))
}

// uring opens, renames, makes and removes by io_uring.
func (l *load) uring() {
	if l.ring == nil {
		return
	}
	first, second := append([]byte(l.name()), 0), append([]byte(l.name()), 0)
	addr, off := uint64(pointer(first)), uint64(pointer(second))
	switch l.IntN(4) {
	case 0:
		l.ring.submit(18, unix.AT_FDCWD, addr, 0, 0o600, unix.O_PATH)
	case 1:
		here := int32(unix.AT_FDCWD)
		l.ring.submit(35, unix.AT_FDCWD, addr, off, uint32(here), 0)
	case 2:
		l.ring.submit(36, unix.AT_FDCWD, addr, 0, 0, 0)
	default:
		l.ring.submit(37, unix.AT_FDCWD, addr, 0, 0o700, 0)
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(second)
}
