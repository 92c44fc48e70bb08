package kaudit

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Mode is a way to receive records.
type Mode int

// The modes.
const (
	Unicast Mode = iota + 1
	Multicast
)

// String returns the mode's name as it appears in counters.
func (m Mode) String() string {
	switch m {
	case Unicast:
		return "unicast"
	case Multicast:
		return "multicast"
	}
	return "off"
}

// DefaultBuffer is the socket's receive buffer in bytes: some 36,000 records, a
// pause of a second at 4,000 events a second. It is memory only while it fills.
const DefaultBuffer = 16 << 20

// Conn receives records from the kernel.
type Conn struct {
	mode       Mode
	registered bool // with this process as audit daemon
	file       *os.File
	raw        syscall.RawConn
	wait       *waiter
	sock       *socket
	batch      *batch
	overruns   atomic.Uint64
	malformed  atomic.Uint64
	pending    []copied // arrived while registering
	closed     atomic.Bool
	closeOnce  sync.Once
	closeErr   error
}

type copied struct {
	typ     uint16
	payload []byte
}

// Open opens a connection. In Unicast mode it registers this process; when
// another holds the place, the error is a *HeldError.
func Open(mode Mode) (*Conn, error) {
	var groups uint32
	if mode == Multicast {
		groups = readLog
	}
	s, err := dial(groups)
	if err != nil {
		return nil, err
	}
	setBuffer(s.fd, DefaultBuffer)
	c, err := newConn(s, mode)
	if err != nil {
		return nil, err
	}
	if mode == Unicast {
		if err := c.register(); err != nil {
			return nil, errors.Join(err, c.Leave())
		}
	}
	return c, nil
}

// FromFile makes a connection of an inherited audit socket, which it owns from
// then on: a multicast one that systemd opened (ListenNetlink=audit 1), or a
// unicast one that an earlier process registered and left with systemd. The
// latter is not registered again, for the kernel would refuse, and Close does not
// unregister it, for the kernel would refuse that too. One that listens is made to listen
// again, should whoever had it have ended that; Finish ends it, Close does not, so that
// what comes while nobody reads is kept for the next.
func FromFile(fd uintptr, mode Mode) (*Conn, error) {
	n := int(fd)
	domain, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return nil, fmt.Errorf("inherited descriptor %d: %w", n, err)
	}
	protocol, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil || domain != unix.AF_NETLINK || protocol != unix.NETLINK_AUDIT {
		return nil, fmt.Errorf("inherited descriptor %d is no audit socket", n)
	}
	unix.CloseOnExec(n)
	if err := unix.SetNonblock(n, true); err != nil {
		return nil, fmt.Errorf("inherited descriptor %d: %w", n, err)
	}
	if mode == Multicast {
		if err := unix.SetsockoptInt(n, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, readLog); err != nil {
			return nil, reason("listen with the inherited audit socket", err)
		}
	}
	return newConn(&socket{fd: n}, mode)
}

// readLog is the multicast group AUDIT_NLGRP_READLOG.
const readLog = 1

func newConn(s *socket, mode Mode) (*Conn, error) {
	// The runtime's poller takes a file that does not block when it is made.
	err := unix.SetNonblock(s.fd, false)
	f := os.NewFile(uintptr(s.fd), "audit")
	if err == nil {
		err = unix.SetNonblock(s.fd, true)
	}
	c := &Conn{mode: mode, file: f, sock: s, batch: newBatch()}
	if err == nil {
		c.raw, err = f.SyscallConn()
	}
	if err == nil {
		c.wait, err = newWaiter(s.fd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("audit socket: %w", err), f.Close())
	}
	return c, nil
}

// setBuffer asks for a receive buffer; without CAP_NET_ADMIN the kernel caps it
// silently at net.core.rmem_max, and nothing better can be had.
func setBuffer(fd, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
	}
}

// Mode returns the connection's mode.
func (c *Conn) Mode() Mode { return c.mode }

// Registered reports whether this connection made this process the audit daemon: not
// where an earlier process did.
func (c *Conn) Registered() bool { return c.registered }

// Buffer returns the size of the socket's receive buffer in bytes as the kernel counts
// it: twice what was asked for, and less where that was not granted.
func (c *Conn) Buffer() int {
	size := 0
	_ = c.raw.Control(func(fd uintptr) {
		size, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
	})
	return size
}

// Overruns returns how often the kernel said that it dropped records for want of
// room in the socket's buffer.
func (c *Conn) Overruns() uint64 { return c.overruns.Load() }

// Malformed returns how many messages were no audit records: cut short, or not
// sent by the kernel.
func (c *Conn) Malformed() uint64 { return c.malformed.Load() }

// File returns a duplicate of the socket, to be left with systemd's descriptor
// store over a restart. The caller closes it.
func (c *Conn) File() (*os.File, error) {
	dup := -1
	var err error
	if cerr := c.raw.Control(func(fd uintptr) {
		dup, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	}); cerr != nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("duplicate audit socket: %w", err)
	}
	return os.NewFile(uintptr(dup), "audit"), nil
}

// Receive gives each record to handle, with the type from its netlink header and
// a payload that is valid until handle returns. It ends with ctx's error when ctx
// is done and with ErrClosed after Close. Only one Receive may run at a time.
func (c *Conn) Receive(ctx context.Context, handle func(typ uint16, payload []byte)) error {
	return c.ReceiveBatches(ctx, handle, func() {})
}

// ReceiveBatches is Receive that calls after when the records that were there at once
// were given.
func (c *Conn) ReceiveBatches(ctx context.Context, handle func(typ uint16, payload []byte), after func()) error {
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.wait.file.SetReadDeadline(time.Unix(1, 0))
		close(woken)
	})
	defer func() {
		if !stop() {
			<-woken // or the deadline would meet the next Receive
			_ = c.wait.file.SetReadDeadline(time.Time{})
		}
	}()
	for _, p := range c.pending {
		handle(p.typ, p.payload)
	}
	c.pending = nil
	r := receiving{conn: c, ended: ctx.Err, handle: handle, after: after, nap: napOf(c.Buffer())}
	err := errors.Join(c.wait.each(r.take), r.err, r.end())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case c.closed.Load():
		return ErrClosed
	}
	return reason("receive audit records", err)
}

// hand gives the records among the n messages received last to handle.
func (c *Conn) hand(n int, handle func(typ uint16, payload []byte)) {
	for i := range n {
		m, ok := c.batch.message(i)
		if !ok {
			c.malformed.Add(1)
			continue
		}
		if m.typ >= firstRecord {
			handle(m.typ, m.data)
		}
	}
}

// Finish ends the connection as Close does, and gives handle what is queued instead of
// dropping it. No Receive may run.
func (c *Conn) Finish(handle func(typ uint16, payload []byte)) error {
	var err error
	c.closeOnce.Do(func() {
		for _, p := range c.pending {
			handle(p.typ, p.payload)
		}
		c.pending = nil
		if c.registered {
			c.closeErr = c.unregister(func() { c.empty(handle) })
		}
		if c.mode == Multicast {
			_ = c.raw.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_NETLINK, unix.NETLINK_DROP_MEMBERSHIP, readLog)
			})
		}
		c.empty(handle)
		c.closed.Store(true)
		err = errors.Join(c.closeErr, c.wait.close(), c.file.Close())
		c.closeErr = err
	})
	return err
}

// empty gives handle what is queued now, up to a bound. A kernel that goes on sending does
// not keep it: it ends with what was made after it began.
func (c *Conn) empty(handle func(typ uint16, payload []byte)) {
	began, later := time.Now(), false
	for range 1 << 13 {
		n, err := c.batch.take(c.raw)
		switch {
		case err == unix.ENOBUFS:
			c.overruns.Add(1)
		case err != nil || n == 0:
			return
		}
		c.hand(n, func(typ uint16, payload []byte) {
			handle(typ, payload)
			later = later || madeAfter(payload, began)
		})
		if later {
			return
		}
	}
}

// firstRecord is the lowest type of a record; below are answers to requests.
const firstRecord = 1005

// register makes this process the audit daemon. Records that come before the
// kernel's answer are kept for Receive.
func (c *Conn) register() error {
	err := c.sock.request(msgSet, statusWire(maskPID, uint32(os.Getpid())), func(m msg) {
		if m.typ >= firstRecord && len(c.pending) < 4096 {
			c.pending = append(c.pending, copied{m.typ, bytes.Clone(m.data)})
		}
	})
	if errors.Is(err, unix.EEXIST) {
		held := &HeldError{}
		if control, cerr := OpenControl(); cerr == nil {
			if s, serr := control.Status(); serr == nil {
				held.PID = s.PID
			}
			_ = control.Close()
		}
		return fmt.Errorf("register as audit daemon: %w", held)
	}
	c.registered = err == nil
	return reason("register as audit daemon", err)
}

// Close ends the registration, if this connection made it, and the connection.
// It may be called more than once and beside Receive, which then returns.
func (c *Conn) Close() error { return c.close(c.registered) }

// Leave ends the connection and keeps the registration: the kernel goes on
// sending to the duplicate that File returned.
func (c *Conn) Leave() error { return c.close(false) }

func (c *Conn) close(unregister bool) error {
	c.closeOnce.Do(func() {
		if unregister {
			c.closeErr = c.unregister(c.drain)
		}
		c.closed.Store(true)
		c.closeErr = errors.Join(c.closeErr, c.wait.close(), c.file.Close())
	})
	return c.closeErr
}

// unregister asks the kernel to forget us, without waiting for its answer: that
// would stand behind all records queued. What is queued is taken by drain, so
// that the kernel's sender, which may be waiting for room, comes free.
func (c *Conn) unregister(drain func()) error {
	const tries = 100
	var err error
	for range tries {
		// At once: a daemon that starts asks for the place within milliseconds.
		cerr := c.raw.Control(func(uintptr) { _, err = c.sock.send(msgSet, 0, statusWire(maskPID, 0)) })
		if cerr != nil {
			return fmt.Errorf("unregister as audit daemon: %w", cerr)
		}
		drain()
		if err == nil || err != unix.EAGAIN && err != unix.ENOBUFS {
			break
		}
	}
	return reason("unregister as audit daemon", err)
}

// drain drops what is queued, up to a bound.
func (c *Conn) drain() {
	// Control holds the descriptor open against a Close beside.
	_ = c.raw.Control(func(fd uintptr) {
		buf := make([]byte, maxMessage)
		for range 1 << 17 {
			_, err := unix.Read(int(fd), buf)
			if err != nil && err != unix.EINTR && err != unix.ENOBUFS {
				return
			}
		}
	})
}

const (
	msgGet  = 1000
	msgSet  = 1001
	msgAdd  = 1011
	msgDel  = 1012
	maskPID = 4
)

// statusWire encodes a struct audit_status that sets one word.
func statusWire(mask, value uint32) []byte {
	at := map[uint32]int{maskEnabled: 1, maskPID: 3, maskBacklogLimit: 5, maskBacklogWaitTime: 9}[mask]
	b := make([]byte, 11*4)
	binary.NativeEndian.PutUint32(b, mask)
	binary.NativeEndian.PutUint32(b[4*at:], value)
	return b
}
