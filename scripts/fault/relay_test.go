package fault

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// relay stands between hosts and a collector and does to their connections what a
// network may do. It sees nothing but bytes.
type relay struct {
	listener net.Listener
	to       string
	wait     sync.WaitGroup

	mu       sync.Mutex
	moved    *sync.Cond
	conns    map[net.Conn]bool
	stall    [2]bool // by direction
	refuse   bool
	delay    time.Duration
	budget   int64 // bytes until every connection is cut, below 0 without end
	passed   [2]int64
	accepted int
	closed   bool
}

// Directions of a relay.
const (
	up   = 0 // to the collector
	down = 1
)

// newRelay listens on address and passes to another one.
func newRelay(t *testing.T, address, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, to: to, conns: map[net.Conn]bool{}, budget: -1}
	r.moved = sync.NewCond(&r.mu)
	r.wait.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	r.closed = true
	r.cut()
	r.mu.Unlock()
	r.wait.Wait()
}

// set changes what the relay does.
func (r *relay) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	r.moved.Broadcast()
}

// good ends whatever was set, and cuts nothing.
func (r *relay) good() {
	r.set(func() { r.stall, r.refuse, r.delay, r.budget = [2]bool{}, false, 0, -1 })
}

// cut ends every connection; mu must be held.
func (r *relay) cut() {
	for c := range r.conns {
		if tcp, ok := c.(*net.TCPConn); ok && rand.IntN(2) == 0 {
			tcp.SetLinger(0) // a reset
		}
		c.Close()
	}
	clear(r.conns)
	r.moved.Broadcast()
}

func (r *relay) accept() {
	for {
		host, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.accepted++
		refuse := r.refuse || r.closed
		r.mu.Unlock()
		if refuse {
			host.Close()
			continue
		}
		collector, err := net.Dial("tcp", r.to)
		if err != nil {
			host.Close()
			continue
		}
		r.mu.Lock()
		r.conns[host], r.conns[collector] = true, true
		r.mu.Unlock()
		r.wait.Go(func() { r.pass(host, collector, up) })
		r.wait.Go(func() { r.pass(collector, host, down) })
	}
}

// pass carries one direction of a connection.
func (r *relay) pass(from, to net.Conn, direction int) {
	defer from.Close()
	defer to.Close()
	defer r.set(func() {
		delete(r.conns, from)
		delete(r.conns, to)
	})
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !r.gate(from, to, buffer[:n], direction) {
			return
		}
		if err != nil {
			return
		}
	}
}

// gate lets a chunk through when the relay lets it, and reports whether the
// connection goes on.
func (r *relay) gate(from, to net.Conn, chunk []byte, direction int) bool {
	r.mu.Lock()
	for r.stall[direction] && r.conns[from] {
		r.moved.Wait()
	}
	if !r.conns[from] {
		r.mu.Unlock()
		return false
	}
	delay, last := r.delay, false
	if r.budget >= 0 {
		if int64(len(chunk)) >= r.budget {
			chunk, last = chunk[:r.budget], true
		}
		r.budget -= int64(len(chunk))
	}
	r.passed[direction] += int64(len(chunk))
	r.mu.Unlock()
	if delay > 0 {
		late := time.NewTimer(delay)
		<-late.C
	}
	_, err := to.Write(chunk)
	if last {
		r.mu.Lock()
		r.cut()
		r.budget = -1
		r.mu.Unlock()
	}
	return err == nil && !last
}
