package gate

import (
	"testing"
	"time"
)

// line is a queue with connections that were put there in order.
type line struct {
	*testing.T
	q   queue
	now time.Time
}

func newLine(t *testing.T, pending, slots int) *line {
	l := &line{T: t, q: newQueue(Config{Pending: pending, Handshakes: slots, Patience: 4 * time.Second}), now: time.Unix(1, 0)}
	t.Cleanup(func() {
		if n := l.q.lists[computing].Len(); n > slots {
			t.Errorf("%d compute at once", n)
		}
	})
	return l
}

func (l *line) add(s stage) *conn {
	l.Helper()
	c := new(conn)
	l.q.move(c, silent, l.now)
	if s == first || s == second {
		l.q.wait(c, s, l.now)
	} else {
		l.q.move(c, s, l.now)
	}
	return c
}

// room wants it to be made in place of a connection, by none with nil, or not at all.
func (l *line) room(want bool, instead *conn) {
	l.Helper()
	if ok, c := l.q.room(l.now); ok != want || c != instead {
		l.Errorf("room %t in place of %p, want %t of %p", ok, c, want, instead)
	}
}

func (l *line) stage(c *conn, want stage) {
	l.Helper()
	if c.place.stage != want {
		l.Errorf("stage %d, want %d", c.place.stage, want)
	}
}

// TestWhoWaitsIsNotPushedOut fills the queue with a crowd that has said hello.
func TestWhoWaitsIsNotPushedOut(t *testing.T) {
	l := newLine(t, 5, 2)
	var crowd []*conn
	for range 5 {
		l.room(true, nil)
		crowd = append(crowd, l.add(first))
	}
	for range 100 {
		l.room(false, nil)
	}
	for i, c := range crowd { // in turn
		l.stage(c, computing)
		if i+2 < len(crowd) {
			l.stage(crowd[min(i+2, 4)], first)
		}
		l.q.move(c, settled, l.now)
		l.room(true, nil)
	}
}

func TestSilentAreClosedFirst(t *testing.T) {
	l := newLine(t, 4, 1)
	busy := l.add(computing)
	slow := l.add(answered)
	one, two := l.add(silent), l.add(silent)
	l.room(true, one)
	l.add(silent)
	l.room(true, two)
	l.stage(two, settled)
	l.add(first)
	l.room(true, l.q.front(silent))
	l.add(first)
	l.room(false, nil) // slow was answered just now
	l.now = l.now.Add(idle)
	l.room(true, slow)
	l.stage(busy, computing)
}

// TestPatience turns newcomers away when those who wait do so for long, though
// there is room.
func TestPatience(t *testing.T) {
	l := newLine(t, 100, 1)
	busy := l.add(computing)
	next := l.add(first)
	l.now = l.now.Add(4 * time.Second)
	l.add(first)
	l.room(true, nil)
	l.now = l.now.Add(1)
	l.room(false, nil)
	l.q.move(busy, silent, l.now)
	l.stage(next, computing)
	l.room(true, nil) // whoever is next came later
}

func TestAnsweredFinishFirst(t *testing.T) {
	l := newLine(t, 100, 1)
	busy := l.add(computing)
	begins, finishes := l.add(first), l.add(second)
	l.q.move(busy, settled, l.now)
	l.stage(finishes, computing)
	l.stage(begins, first)
}

// TestClosedDoesNotWait closes a connection while it waits, and another before.
func TestClosedDoesNotWait(t *testing.T) {
	l := newLine(t, 100, 1)
	l.add(computing)
	c := new(conn)
	l.q.move(c, silent, l.now)
	turn := l.q.wait(c, first, l.now)
	l.q.move(c, settled, l.now)
	<-turn
	l.stage(c, settled)
	<-l.q.wait(c, first, l.now)
	l.stage(c, settled)
	if n := l.q.len(); n != 1 {
		t.Errorf("%d left", n)
	}
}
