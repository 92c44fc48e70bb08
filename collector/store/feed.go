package store

import (
	"sync"

	"seawall/collector/fleet"
)

// feed tells subscribers of commits. A subscriber that does not keep up loses
// updates, never delays the writer, and is told so in the next one it gets.
type feed struct {
	mu     sync.Mutex
	subs   map[*subscriber]struct{} // guarded by mu
	closed bool                     // guarded by mu
}

type subscriber struct {
	updates chan fleet.Update
	lost    bool
}

// Subscribe returns a channel of what becomes durable from now on, with room for
// buffer updates, and a function that ends it. The channel is closed then, and
// when the store closes.
func (s *Store) Subscribe(buffer int) (<-chan fleet.Update, func()) {
	return s.feed.subscribe(buffer)
}

func (f *feed) subscribe(buffer int) (<-chan fleet.Update, func()) {
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

func (f *feed) publish(u fleet.Update) {
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

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for sub := range f.subs {
		close(sub.updates)
	}
	f.subs = nil
}
