// Package gate stands between a listener and a gRPC server, so that peers that say
// nothing, say it slowly or come in crowds cannot keep hosts out.
//
// It bounds connections, all of them and those from one address (from one /64 with
// IPv6, which one machine may have to itself). What is beyond is closed at once: a
// host comes back by itself, and a queue would be the attacker's.
//
// Connections that have not finished their handshake are bounded, too. One more
// closes the oldest of them, so that silent peers push each other out, and a host,
// which needs milliseconds, gets in.
//
// Of the handshakes only so many compute at once: a crowd that comes back together
// does not slow down the streams that are open. One that waits for its peer holds
// no place, so a slow peer cannot take one from another.
package gate

import (
	"container/list"
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
	if c.UserTimeout == 0 {
		c.UserTimeout = 40 * time.Second
	}
	if c.Refused == nil {
		c.Refused = func() {}
	}
}

// Gate counts the connections of one server.
type Gate struct {
	cfg   Config
	slots chan struct{} // holds a value for each handshake that computes

	mu      sync.Mutex
	total   int                  // guarded by mu
	from    map[netip.Prefix]int // guarded by mu
	pending *list.List           // of *conn in handshake, oldest first; guarded by mu
}

// New returns a gate.
func New(c Config) *Gate {
	c.complete()
	return &Gate{
		cfg:     c,
		slots:   make(chan struct{}, c.Handshakes),
		from:    make(map[netip.Prefix]int),
		pending: list.New(),
	}
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
	oldest := g.count(c)
	if oldest == c {
		return nil
	}
	if oldest != nil {
		g.cfg.Refused()
		_ = oldest.Close()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		limit(tcp, g.cfg.UserTimeout)
	}
	return c
}

// count returns what must be closed: c itself, the oldest in handshake, or nothing.
func (g *Gate) count(c *conn) *conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= g.cfg.Connections || g.from[c.from] >= g.cfg.PerAddress {
		return c
	}
	g.total++
	g.from[c.from]++
	c.element = g.pending.PushBack(c)
	if g.pending.Len() <= g.cfg.Pending {
		return nil
	}
	oldest := g.pending.Front().Value.(*conn)
	g.settleLocked(oldest)
	return oldest
}

// settle takes a connection off the list of those in handshake.
func (g *Gate) settle(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settleLocked(c)
}

func (g *Gate) settleLocked(c *conn) {
	if c.element != nil {
		g.pending.Remove(c.element)
		c.element = nil
	}
}

func (g *Gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settleLocked(c)
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
	gate    *Gate
	from    netip.Prefix
	element *list.Element // in pending; guarded by the gate's mu
	once    sync.Once
	// computing says that the handshake holds a slot. Only the goroutine of the
	// handshake reads while there is one.
	computing bool
}

// Read gives back the slot of a handshake while it waits.
func (c *conn) Read(b []byte) (int, error) {
	if !c.computing {
		return c.Conn.Read(b)
	}
	<-c.gate.slots
	n, err := c.Conn.Read(b)
	c.gate.slots <- struct{}{}
	return n, err
}

// Close closes the connection and no longer counts it.
func (c *conn) Close() error {
	c.once.Do(func() { c.gate.leave(c) })
	return c.Conn.Close()
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

// ServerHandshake shakes hands when a slot is free.
func (t *gated) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, ok := raw.(*conn)
	if !ok {
		return t.TransportCredentials.ServerHandshake(raw)
	}
	defer t.gate.settle(c)
	t.gate.slots <- struct{}{}
	c.computing = true
	defer func() {
		c.computing = false
		<-t.gate.slots
	}()
	return t.TransportCredentials.ServerHandshake(raw)
}

// Clone returns a copy that uses the same gate.
func (t *gated) Clone() credentials.TransportCredentials {
	return &gated{t.TransportCredentials.Clone(), t.gate}
}
