package kaudit

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-libaudit/v2"
	"golang.org/x/sys/unix"

	"seawall/pkg/auditrule"
)

func TestReasons(t *testing.T) {
	for errno, want := range map[syscall.Errno]error{
		unix.EPROTONOSUPPORT: ErrUnsupported,
		unix.EAFNOSUPPORT:    ErrUnsupported,
		unix.ECONNREFUSED:    ErrNamespace,
		unix.EPERM:           ErrPermission,
		unix.EACCES:          ErrPermission,
		unix.EIO:             unix.EIO,
	} {
		if err := reason("try", errno); !errors.Is(err, want) || !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
	}
	if err := reason("try", nil); err != nil {
		t.Error(err)
	}
}

// locked answers AUDIT_GET like a kernel whose configuration is locked. A real
// one cannot be unlocked again.
type locked struct{ replies []syscall.NetlinkMessage }

func (l *locked) Send(m syscall.NetlinkMessage) (uint32, error) {
	ack := syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: unix.NLMSG_ERROR, Seq: 1}, Data: make([]byte, 20)}
	status := syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: msgGet, Seq: 1}, Data: make([]byte, 44)}
	binary.NativeEndian.PutUint32(status.Data[4:], 2)
	l.replies = append(l.replies, ack, status)
	return 1, nil
}

func (l *locked) SendNoWait(m syscall.NetlinkMessage) (uint32, error) { return l.Send(m) }

func (l *locked) Receive(bool, libaudit.NetlinkParser) ([]syscall.NetlinkMessage, error) {
	if len(l.replies) == 0 {
		return nil, io.EOF
	}
	m := l.replies[0]
	l.replies = l.replies[1:]
	return []syscall.NetlinkMessage{m}, nil
}

func (l *locked) Close() error { return nil }

func TestLockedConfiguration(t *testing.T) {
	c, err := OpenControl()
	if err != nil {
		t.Fatalf("needs audit sockets: %v", err)
	}
	defer c.Close()
	real := c.client
	c.client = &libaudit.AuditClient{Netlink: &locked{}}
	c.request = func(uint16, []byte, func(msg)) error { return unix.EPERM }
	for name, err := range map[string]error{
		"add": c.Add(auditrule.Rule{}), "delete": c.Delete(auditrule.Rule{}), "enable": c.SetEnabled(true),
		"backlog": c.SetBacklogLimit(8192),
	} {
		if !errors.Is(err, ErrLocked) || !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.client = &libaudit.AuditClient{Netlink: &locked{replies: nil}}
	c.request = func(uint16, []byte, func(msg)) error { return unix.EINVAL }
	if err := c.Add(auditrule.Rule{}); errors.Is(err, ErrLocked) || !errors.Is(err, unix.EINVAL) {
		t.Errorf("another refusal: %v", err)
	}
	c.client = real
}

func TestFromFileRefusesOthers(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	for _, fd := range []uintptr{uintptr(fds[0]), 1 << 20} {
		if _, err := FromFile(fd, Multicast); err == nil {
			t.Errorf("descriptor %d taken for an audit socket", fd)
		}
	}
	// The kernel refuses a netlink socket of another family too.
	route, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(route)
	if _, err := FromFile(uintptr(route), Multicast); err == nil {
		t.Error("a route socket taken for an audit socket")
	}
}

// TestReceiveEnds needs no permission: an unbound multicast socket gets nothing.
func TestReceiveEnds(t *testing.T) {
	s, err := dial(0)
	if err != nil {
		t.Fatalf("needs audit sockets: %v", err)
	}
	c, err := newConn(s, Multicast)
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(typ uint16, _ []byte) { t.Errorf("a record of type %d", typ) }
	for range 3 { // a connection can be read again after its context ended
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := c.Receive(ctx, nothing); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context done: %v", err)
		}
		cancel()
	}
	done := make(chan error)
	go func() { done <- c.Receive(t.Context(), nothing) }()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if err := c.Receive(t.Context(), nothing); !errors.Is(err, ErrClosed) {
		t.Errorf("receive after close: %v", err)
	}
}

// TestForgedSender sends to our socket from another process' socket, which the
// kernel allows to root; the message must not count as a record.
func TestForgedSender(t *testing.T) {
	s, err := dial(0)
	if err != nil {
		t.Fatalf("needs audit sockets: %v", err)
	}
	c, err := newConn(s, Multicast)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sa, err := unix.Getsockname(s.fd)
	if err != nil {
		t.Fatal(err)
	}
	forger, err := dial(0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(forger.fd)
	b := make([]byte, 64)
	binary.NativeEndian.PutUint32(b, 64)
	binary.NativeEndian.PutUint16(b[4:], 1300)
	err = unix.Sendto(forger.fd, b, unix.MSG_DONTWAIT, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: sa.(*unix.SockaddrNetlink).Pid})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ECONNREFUSED) {
		return // the kernel refuses it before we could: as good
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_ = c.Receive(ctx, func(typ uint16, _ []byte) { t.Errorf("a forged record of type %d", typ) })
	if c.Malformed() != 1 {
		t.Errorf("%d forged messages counted, want 1", c.Malformed())
	}
}

func TestChooseGoneDaemon(t *testing.T) {
	mode, why := Choose(Status{PID: 1 << 30})
	if mode != Unicast || !strings.Contains(why, "is gone") {
		t.Errorf("%v, %s", mode, why)
	}
	if mode, _ := Choose(Status{PID: 1}); mode != Multicast {
		t.Errorf("%v beside a living daemon", mode)
	}
	if mode, _ := Choose(Status{}); mode != Unicast {
		t.Errorf("%v without a daemon", mode)
	}
	for mode, want := range map[Mode]string{Unicast: "unicast", Multicast: "multicast", 0: "off"} {
		if mode.String() != want {
			t.Errorf("mode %d is %q", mode, mode)
		}
	}
}

// TestReceiveAgain ends Receive by its context many times: what comes afterwards is
// received by the next one.
func TestReceiveAgain(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	c, err := newConn(&socket{fd: pair[0]}, Multicast)
	if err != nil {
		t.Fatal(err)
	}
	defer c.file.Close()
	for range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Receive(ctx, func(uint16, []byte) {}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err := unix.Send(pair[1], []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		if err := c.ReceiveBatches(ctx, func(uint16, []byte) {}, cancel); !errors.Is(err, context.Canceled) {
			t.Fatalf("after a Receive that was ended: %v", err)
		}
	}
}

// TestNaps: where messages come often many are taken at a time, each a little later, and
// one that comes alone is taken at once. None is missed.
func TestNaps(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	setBuffer(pair[0], DefaultBuffer)
	setBuffer(pair[1], DefaultBuffer)
	c, err := newConn(&socket{fd: pair[0]}, Multicast)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Leave()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	batches := make(chan uint64, 4096)
	done := make(chan error, 1)
	go func() {
		done <- c.ReceiveBatches(ctx, nil, func() { batches <- c.Malformed() }) // none is the kernel's
	}()
	send := func(n int) {
		for range n {
			if err := unix.Send(pair[1], []byte("x"), 0); err != nil {
				t.Error(err)
			}
			<-time.After(time.Millisecond)
		}
	}
	until := func(want uint64) (taken int) {
		for got := uint64(0); got < want; taken++ {
			select {
			case got = <-batches:
			case <-time.After(10 * time.Second):
				t.Fatalf("%d of %d messages", c.Malformed(), want)
			}
		}
		return taken
	}
	const often, seldom = 300, 20
	send(often)
	if n := until(often); n > often/4 {
		t.Errorf("%d messages were taken one after another", n)
	}
	fastest := time.Hour
	for i := range uint64(seldom) {
		<-time.After(2 * longestNap)
		sent := time.Now()
		send(1)
		until(often + i + 1)
		fastest = min(fastest, time.Since(sent))
	}
	if fastest >= longestNap/2 {
		t.Errorf("a message alone takes %v", fastest)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNapOf(t *testing.T) {
	for buffer, want := range map[int]time.Duration{0: 0, 212992: 0, 4 << 20: 10240 * time.Microsecond, 2 * DefaultBuffer: longestNap} {
		if got := napOf(buffer); got != want {
			t.Errorf("%d bytes: %v, want %v", buffer, got, want)
		}
	}
}
