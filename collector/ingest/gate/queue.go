package gate

import (
	"container/list"
	"time"
)

// stage is where a handshake stands.
type stage int

const (
	settled   stage = iota // over
	silent                 // waits for the peer, that had no answer yet
	answered               // waits for the peer, that had one
	first                  // waits for a slot, to answer
	second                 // waits for a slot, to finish
	computing              // has a slot
	stages
)

// idle is how long an answered peer may take before it makes room for another.
const idle = 3 * time.Second

// queue is the handshakes that are not over. The gate's mutex guards it.
type queue struct {
	pending  int // bound of all
	slots    int // bound of those that compute
	patience time.Duration
	lists    [stages]*list.List // of *conn, longest there first; settled has none
}

// place is where a connection is in a queue.
type place struct {
	stage   stage
	element *list.Element
	since   time.Time
	turn    chan struct{} // closed when it has a slot or is settled; nil when it waits for none
}

func newQueue(c Config) queue {
	q := queue{pending: c.Pending, slots: c.Handshakes, patience: c.Patience}
	for s := silent; s < stages; s++ {
		q.lists[s] = list.New()
	}
	return q
}

// len is how many handshakes are not over.
func (q *queue) len() (n int) {
	for s := silent; s < stages; s++ {
		n += q.lists[s].Len()
	}
	return n
}

// front returns the connection that is longest in a stage, or nil.
func (q *queue) front(s stage) *conn {
	if e := q.lists[s].Front(); e != nil {
		return e.Value.(*conn)
	}
	return nil
}

// room reports whether another may begin its handshake, and returns the one that
// must be closed for it.
func (q *queue) room(now time.Time) (ok bool, instead *conn) {
	if c := q.front(first); c != nil && now.Sub(c.place.since) > q.patience {
		return false, nil
	}
	if q.len() < q.pending {
		return true, nil
	}
	instead = q.front(silent)
	if instead == nil {
		if instead = q.front(answered); instead == nil || now.Sub(instead.place.since) < idle {
			return false, nil
		}
	}
	q.move(instead, settled, now)
	return true, instead
}

// move puts c into another stage. A slot that it had is the next one's.
func (q *queue) move(c *conn, to stage, now time.Time) {
	q.put(c, to, now)
	q.next(now)
}

func (q *queue) put(c *conn, to stage, now time.Time) {
	p := &c.place
	if p.element != nil {
		q.lists[p.stage].Remove(p.element)
		p.element = nil
	}
	p.stage, p.since = to, now
	if to != settled {
		p.element = q.lists[to].PushBack(c)
	}
	if p.turn != nil && (to == computing || to == settled) {
		close(p.turn)
		p.turn = nil
	}
}

// wait puts c among those that wait for a slot, and returns what is closed when
// there is nothing to wait for any more.
func (q *queue) wait(c *conn, to stage, now time.Time) <-chan struct{} {
	turn := make(chan struct{})
	if c.place.stage == settled {
		close(turn)
		return turn
	}
	c.place.turn = turn
	q.move(c, to, now)
	return turn
}

// next gives slots that are free to those whose turn it is.
func (q *queue) next(now time.Time) {
	for q.lists[computing].Len() < q.slots {
		c := q.front(second)
		if c == nil {
			c = q.front(first)
		}
		if c == nil {
			return
		}
		q.put(c, computing, now)
	}
}
