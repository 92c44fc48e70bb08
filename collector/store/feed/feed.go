// Package feed tells subscribers what became durable.
//
// Publishing never waits. A subscriber that does not keep up loses updates and is
// told so by Lost in the next one that it gets.
package feed

import (
	"sync"

	"seawall/collector/fleet"
)

// Feed is a set of subscribers. The zero Feed has none.
type Feed struct {
	mu     sync.Mutex
	subs   map[*subscriber]struct{} // guarded by mu
	closed bool                     // guarded by mu
}

type subscriber struct {
	updates chan fleet.Update
	lost    bool
}

// Subscribe returns a channel of what is published from now on, with room for
// buffer updates, and a function that ends it. The channel is closed then, and by
// Close.
func (f *Feed) Subscribe(buffer int) (<-chan fleet.Update, func()) {
	sub := &subscriber{updates: make(chan fleet.Update, max(buffer, 1))}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		close(sub.updates)
		return sub.updates, func() {}
	}
	if f.subs == nil {
		f.subs = make(map[*subscriber]struct{})
	}
	f.subs[sub] = struct{}{}
	return sub.updates, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, ok := f.subs[sub]; ok {
			delete(f.subs, sub)
			close(sub.updates)
		}
	}
}

// Publish hands u to every subscriber that has room.
func (f *Feed) Publish(u fleet.Update) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for sub := range f.subs {
		u.Lost = sub.lost
		select {
		case sub.updates <- u:
			sub.lost = false
		default:
			sub.lost = true
		}
	}
}

// Close ends all subscriptions, and those that come later at once.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for sub := range f.subs {
		close(sub.updates)
	}
	f.subs = nil
}
