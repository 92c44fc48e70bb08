// Package feed tells subscribers what became durable.
//
// Publishing never waits. A subscriber that does not keep up loses messages and is
// told so in the next one that it gets.
package feed

import "sync"

// Feed is a set of subscribers of messages.
type Feed[T any] struct {
	lose   func(T) T // the message that says that some before it were lost
	mu     sync.Mutex
	subs   map[*subscriber[T]]struct{} // guarded by mu
	closed bool                        // guarded by mu
}

type subscriber[T any] struct {
	messages chan T
	lost     bool
}

// New returns a feed without subscribers. Lose marks a message as one before which some
// were lost.
func New[T any](lose func(T) T) *Feed[T] {
	return &Feed[T]{lose: lose, subs: make(map[*subscriber[T]]struct{})}
}

// Subscribe returns a channel of what is published from now on, with room for
// buffer messages, and a function that ends it. The channel is closed then, and by
// Close.
func (f *Feed[T]) Subscribe(buffer int) (<-chan T, func()) {
	sub := &subscriber[T]{messages: make(chan T, max(buffer, 1))}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		close(sub.messages)
		return sub.messages, func() {}
	}
	f.subs[sub] = struct{}{}
	return sub.messages, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, ok := f.subs[sub]; ok {
			delete(f.subs, sub)
			close(sub.messages)
		}
	}
}

// Publish hands m to every subscriber that has room.
func (f *Feed[T]) Publish(m T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for sub := range f.subs {
		f.send(sub, m)
	}
}

func (f *Feed[T]) send(sub *subscriber[T], m T) {
	if sub.lost {
		m = f.lose(m)
	}
	select {
	case sub.messages <- m:
		sub.lost = false
	default:
		sub.lost = true
	}
}

// Lose tells all that something was lost.
func (f *Feed[T]) Lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for sub := range f.subs {
		sub.lost = true
	}
	f.remind()
}

// Remind tells those who have lost something and were not told yet, without waiting for
// the next message.
func (f *Feed[T]) Remind() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remind()
}

func (f *Feed[T]) remind() {
	for sub := range f.subs {
		if sub.lost {
			var nothing T
			f.send(sub, nothing)
		}
	}
}

// Close ends all subscriptions, and those that come later at once.
func (f *Feed[T]) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for sub := range f.subs {
		close(sub.messages)
	}
	f.subs = nil
}
