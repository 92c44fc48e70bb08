package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"seawall/collector/fleet"
)

// ErrFull says that there are as many streams as there may be.
var ErrFull = errors.New("too many open event streams")

// The sizes of the hub's queues. The feed's is large, since the store drops what
// does not fit; a stream's holds a burst of a whole fleet's changes.
const (
	feedBuffer   = 1024
	streamBuffer = 512
	touchEvery   = 500 * time.Millisecond
)

// message is what a stream sends: an event's bytes, ready for the wire.
type message struct {
	id    int64 // 0 unless a change
	frame string
}

// Filter selects what a stream gets. Zero fields select everything.
type Filter struct {
	Host  fleet.HostID
	Check string
	// User is whose stream it is: one user has at most a quarter of them. Empty: nobody's.
	User string
	// Sees says whose changes the client may see. It is called often and must not wait.
	Sees func(fleet.HostID) bool
}

func (f Filter) host(id fleet.HostID) bool {
	return (f.Host == "" || f.Host == id) && (f.Sees == nil || f.Sees(id))
}

// any reports whether one of the hosts is selected.
func (f Filter) any(hosts map[fleet.HostID]struct{}) bool {
	if f.Host != "" {
		_, ok := hosts[f.Host]
		return ok && f.host(f.Host)
	}
	if f.Sees == nil {
		return len(hosts) > 0
	}
	for id := range hosts {
		if f.Sees(id) {
			return true
		}
	}
	return false
}

func (f Filter) event(e *fleet.Event) bool {
	return f.host(e.Host) && (f.Check == "" || f.Check == e.Change.Result.Check)
}

// client is one stream's place in the hub. Only the hub sends on and closes
// queue, under its mutex.
type client struct {
	filter Filter
	queue  chan message
	behind bool // the queue was full; it is closed
}

// Hub hands updates to streams.
type Hub struct {
	frame func(fleet.Event) ([]byte, error)
	limit int

	writeWithin time.Duration // for one write of a stream

	mu      sync.Mutex
	clients map[*client]struct{}
	closed  bool
}

// NewHub returns a hub for at most limit streams, and a quarter of them, or one, of one
// user. Frame renders the data of a
// change: one line of JSON.
func NewHub(limit int, frame func(fleet.Event) ([]byte, error)) *Hub {
	return &Hub{frame: frame, limit: limit, writeWithin: writeWithin, clients: make(map[*client]struct{})}
}

// Run hands out what updates brings until it closes or ctx ends, and then ends
// every stream. The hub cannot run again.
func (h *Hub) Run(ctx context.Context, updates <-chan fleet.Update) error {
	defer h.close()
	touched := make(map[fleet.HostID]struct{})
	timer := time.NewTimer(0) // whether touches may be sent
	defer timer.Stop()
	open := false
	flush := func() {
		if open && len(touched) > 0 {
			h.touch(touched)
			clear(touched)
			open = false
			timer.Reset(touchEvery)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case u, ok := <-updates:
			if !ok && ctx.Err() != nil {
				return nil
			}
			if !ok {
				return errors.New("the store's feed ended")
			}
			h.update(u)
			if len(u.Events) == 0 {
				touched[u.Host] = struct{}{}
			}
			flush()
		case <-timer.C:
			open = true
			flush()
		}
	}
}

// Buffer is the room that a feed should keep for the hub.
func (h *Hub) Buffer() int { return feedBuffer }

// Len returns the number of open streams.
func (h *Hub) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}

// update sends the events of u, and that some were lost.
func (h *Hub) update(u fleet.Update) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if u.Lost {
		for c := range h.clients {
			h.send(c, message{frame: lostFrame})
		}
	}
	for i := range u.Events {
		e := &u.Events[i]
		var m message
		for c := range h.clients {
			if !c.filter.event(e) {
				continue
			}
			if m.frame == "" {
				m = message{id: e.ID, frame: h.change(*e)}
			}
			h.send(c, m)
		}
	}
}

func (h *Hub) touch(hosts map[fleet.HostID]struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.clients {
		if c.filter.any(hosts) {
			h.send(c, message{frame: touchFrame})
		}
	}
}

// send queues m; a client whose queue is full is ended. The caller holds h.mu.
func (h *Hub) send(c *client, m message) {
	select {
	case c.queue <- m:
	default:
		c.behind = true
		h.drop(c)
	}
}

func (h *Hub) join(f Filter) (*client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.clients) >= h.limit || f.User != "" && h.count(f.User) >= max(1, h.limit/4) {
		return nil, ErrFull
	}
	c := &client{filter: f, queue: make(chan message, streamBuffer)}
	h.clients[c] = struct{}{}
	return c, nil
}

// count returns how many streams a user has. The caller holds h.mu.
func (h *Hub) count(user string) (n int) {
	for c := range h.clients {
		if c.filter.User == user {
			n++
		}
	}
	return n
}

// leave ends c; it reports whether c had been ended for being behind.
func (h *Hub) leave(c *client) (behind bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(c)
	return c.behind
}

// drop takes c out and closes its queue. The caller holds h.mu.
func (h *Hub) drop(c *client) {
	if _, ok := h.clients[c]; ok {
		delete(h.clients, c)
		close(c.queue)
	}
}

func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.clients {
		h.drop(c)
	}
}
