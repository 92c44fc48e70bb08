// Package gate stands between a listener and a gRPC server, so that peers that say
// nothing, say it slowly or come in crowds cannot keep hosts out.
//
// It bounds connections, all of them and those from one address (from one /64 with
// IPv6, which one machine may have to itself). What is beyond is closed at once: a
// host comes back by itself, and a queue would be the attacker's.
//
// # Handshakes
//
// Of the handshakes only so many compute at once: a crowd that comes back together
// does not slow down the streams that are open. Those that wait for this side are
// served in turn, and those that were answered before those that begin. One that
// waits for its peer holds no place, so a slow peer cannot take one from another.
//
// Connections that have not finished their handshake are bounded, too. One more
// closes the oldest that has said nothing, so that silent peers push each other out,
// and a host, which speaks within milliseconds, gets in; then the oldest that was
// answered three seconds ago and does not go on. One that waits for this side is
// never closed for another: a fleet that comes back at once would push out whoever
// is next, and nobody would get in. There the one more is closed, before it costs
// anything. So it is when the next in turn has waited for four seconds, since its
// peer will not wait for ever: who comes back later is served sooner than at the end
// of such a queue.
package gate

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/credentials"
)

// Config bounds a [Gate]. Zero fields mean the default.
type Config struct {
	Connections int           // default 12,000
	PerAddress  int           // default 2,000, for hosts behind one NAT
	Pending     int           // in handshake; default 2,048
	Handshakes  int           // computing at once; default 32
	Patience    time.Duration // how long one may wait for this side before others are turned away; default 4 s
	UserTimeout time.Duration // how long sent bytes may stay unacknowledged; default 40 s
	Refused     func()        // told of each connection that is closed; optional
}

func (c *Config) complete() {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&c.Connections, 12_000)
	set(&c.PerAddress, 2_000)
	set(&c.Pending, 2_048)
	set(&c.Handshakes, 32)
	if c.Patience == 0 {
		c.Patience = 4 * time.Second
	}
	if c.UserTimeout == 0 {
		c.UserTimeout = 40 * time.Second
	}
	if c.Refused == nil {
		c.Refused = func() {}
	}
}

// Gate counts the connections of one server.
type Gate struct {
	cfg Config

	mu    sync.Mutex
	total int                  // guarded by mu
	from  map[netip.Prefix]int // guarded by mu
	queue queue                // guarded by mu
}

// New returns a gate.
func New(c Config) *Gate {
	c.complete()
	return &Gate{cfg: c, from: make(map[netip.Prefix]int), queue: newQueue(c)}
}

// Listener returns l with the bounds on its connections. Their handshake is over
// when it came through [Gate.Credentials].
func (g *Gate) Listener(l net.Listener) net.Listener { return &listener{l, g} }

type listener struct {
	net.Listener
	gate *Gate
}

// Accept returns the next connection that is within bounds.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.gate.admit(c); admitted != nil {
			return admitted, nil
		}
		l.gate.cfg.Refused()
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // leave nothing behind in the kernel
		}
		_ = c.Close()
	}
}

// admit counts a connection, or returns nil.
func (g *Gate) admit(raw net.Conn) net.Conn {
	c := &conn{Conn: raw, gate: g, from: origin(raw.RemoteAddr())}
	ok, instead := g.count(c, time.Now())
	if !ok {
		return nil
	}
	if instead != nil {
		g.cfg.Refused()
		_ = instead.Close()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		limit(tcp, g.cfg.UserTimeout)
	}
	return c
}

// count reports whether there is room for c, and returns what must be closed for it.
func (g *Gate) count(c *conn, now time.Time) (ok bool, instead *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= g.cfg.Connections || g.from[c.from] >= g.cfg.PerAddress {
		return false, nil
	}
	if ok, instead = g.queue.room(now); !ok {
		return false, nil
	}
	g.total++
	g.from[c.from]++
	g.queue.move(c, silent, now)
	return true, instead
}

func (g *Gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue.move(c, settled, time.Time{})
	g.total--
	if g.from[c.from]--; g.from[c.from] == 0 {
		delete(g.from, c.from)
	}
}

// origin is what connections are counted by.
func origin(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	address := tcp.AddrPort().Addr().Unmap()
	bits := 32
	if address.Is6() {
		bits = 64
	}
	p, err := address.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// limit has the kernel give up on a peer that acknowledges nothing. Where it cannot,
// keepalive does, later.
func limit(c *net.TCPConn, d time.Duration) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}

// conn is a connection that is counted.
type conn struct {
	net.Conn
	gate *Gate
	from netip.Prefix
	once sync.Once
	// shaking says that the handshake is on, answered that the peer had an answer.
	// Only the goroutine of the handshake reads and writes meanwhile.
	shaking, answered bool
	place             place // guarded by the gate's mu
}

// Read gives back the slot of a handshake while it waits.
func (c *conn) Read(b []byte) (int, error) {
	if !c.shaking {
		return c.Conn.Read(b)
	}
	c.gate.rest(c)
	n, err := c.Conn.Read(b)
	if err == nil && !c.gate.compute(c) {
		return 0, net.ErrClosed
	}
	return n, err
}

// Write notes that the peer has its answer.
func (c *conn) Write(b []byte) (int, error) {
	if c.shaking {
		c.answered = true
	}
	return c.Conn.Write(b)
}

// Close closes the connection and no longer counts it.
func (c *conn) Close() error {
	c.once.Do(func() { c.gate.leave(c) })
	return c.Conn.Close()
}

// rest gives back c's slot, if it has one, while it waits for its peer.
func (g *Gate) rest(c *conn) {
	where := silent
	if c.answered {
		where = answered
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.place.stage != settled && c.place.stage != where {
		g.queue.move(c, where, time.Now())
	}
}

// compute waits for a slot, and reports whether c has it: not when it was closed.
func (g *Gate) compute(c *conn) bool {
	where := first
	if c.answered {
		where = second
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	turn := g.queue.wait(c, where, time.Now())
	g.mu.Unlock()
	<-turn
	g.mu.Lock()
	return c.place.stage == computing
}

// settle ends c's handshake.
func (g *Gate) settle(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue.move(c, settled, time.Time{})
}

// Credentials returns c with its handshakes on the server's side going through the
// gate.
func (g *Gate) Credentials(c credentials.TransportCredentials) credentials.TransportCredentials {
	return &gated{c, g}
}

type gated struct {
	credentials.TransportCredentials
	gate *Gate
}

// ServerHandshake shakes hands. It computes when it has a slot.
func (t *gated) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, ok := raw.(*conn)
	if !ok {
		return t.TransportCredentials.ServerHandshake(raw)
	}
	c.shaking = true
	defer func() {
		c.shaking = false
		t.gate.settle(c)
	}()
	return t.TransportCredentials.ServerHandshake(raw)
}

// Clone returns a copy that uses the same gate.
func (t *gated) Clone() credentials.TransportCredentials {
	return &gated{t.TransportCredentials.Clone(), t.gate}
}
