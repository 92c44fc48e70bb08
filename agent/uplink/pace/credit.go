package pace

import (
	"context"
	"sync"
)

// Credit is how many bytes may be sent and not acknowledged. The collector changes
// it; what is in flight stays so. When nothing is in flight one batch may always
// go, however large.
type Credit struct {
	turn chan struct{} // holds a value while somebody waits or takes: first come, first served

	mu      sync.Mutex
	limit   int           // guarded by mu
	used    int           // guarded by mu
	changed chan struct{} // closed and replaced when there is more; guarded by mu
}

// NewCredit returns a credit of so many bytes.
func NewCredit(limit int) *Credit {
	return &Credit{limit: limit, turn: make(chan struct{}, 1), changed: make(chan struct{})}
}

// Take waits until n bytes may be sent.
func (c *Credit) Take(ctx context.Context, n int) error {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.turn }()
	for {
		changed, ok := c.try(n)
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Credit) try(n int) (changed <-chan struct{}, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used > 0 && c.used+n > c.limit {
		return c.changed, false
	}
	c.used += n
	return nil, true
}

// Give returns what was acknowledged.
func (c *Credit) Give(n int) { c.update(func() { c.used -= n }) }

// Set changes the limit.
func (c *Credit) Set(limit int) { c.update(func() { c.limit = limit }) }

func (c *Credit) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

// Bound returns the limit, which a batch should not exceed.
func (c *Credit) Bound() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limit
}

// InFlight returns how many bytes are sent and not acknowledged.
func (c *Credit) InFlight() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}
