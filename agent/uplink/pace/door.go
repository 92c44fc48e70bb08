package pace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// ErrShut is wrapped by the error of a connection that ended at the door.
var ErrShut = errors.New("closed before the collector said a word, as where too many hosts are at its door")

// Door notices that a collector turned the host away before it said a word: it has
// more hosts at its door than it can let in.
type Door struct {
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Unanswered is how long sent bytes may stay unacknowledged until the connection
	// ends. gRPC would see to that, of connections that it knows to be TCP.
	Unanswered time.Duration

	last atomic.Pointer[knock]
}

// Open dials and watches the connection.
func (d *Door) Open(ctx context.Context, address string) (net.Conn, error) {
	d.last.Store(nil)
	c, err := d.Dial(ctx, address)
	if errors.Is(err, unix.ECONNRESET) { // closed while it was made
		k := new(knock)
		k.ended.Store(true)
		d.last.Store(k)
	}
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok && d.Unanswered > 0 {
		limit(tcp, d.Unanswered)
	}
	k := &knock{Conn: c}
	d.last.Store(k)
	return k, nil
}

// limit bounds how long sent bytes stay unacknowledged. Where the kernel cannot, the
// keepalive notices later.
func limit(c *net.TCPConn, d time.Duration) {
	raw, err := c.SyscallConn()
	if err != nil {
		return // closed: the next read says so
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}

// Shut reports whether the last connection was made and then ended by the
// collector, without a byte from it.
func (d *Door) Shut() bool {
	k := d.last.Load()
	return k != nil && k.ended.Load() && !k.heard.Load()
}

// Tell says of a stream's error whether the door was shut.
func (d *Door) Tell(err error) error {
	if err != nil && d.Shut() {
		return fmt.Errorf("%w: %w", ErrShut, err)
	}
	return err
}

// knock is a connection that remembers whether it heard anything.
type knock struct {
	net.Conn
	heard, ended atomic.Bool
}

// Read notes what came of it.
func (k *knock) Read(b []byte) (int, error) {
	n, err := k.Conn.Read(b)
	if n > 0 {
		k.heard.Store(true)
	} else if err != nil {
		k.ended.Store(true)
	}
	return n, err
}
