// Package pace says how soon an uplink comes back to its collector, and how much it
// may send before it is answered.
package pace

import (
	"math/rand/v2"
	"time"
)

const (
	// Base is the longest first pause.
	Base = 200 * time.Millisecond
	// Crowd is the longest first pause of a host that was turned away at the door, also
	// of one that is alone, which cannot know that. A collector lets
	// in some hundred hosts a second: those of a large fleet that come back together
	// must come apart, or their attempts are all that it does.
	Crowd = 12 * time.Second
)

// Backoff draws the pauses between attempts: full jitter on the capped value, so
// that hosts that lost their collector together do not come back together.
type Backoff struct {
	Random func(limit time.Duration) time.Duration // uniform in [0, limit)
	n      int                                     // attempts since the last reset
}

// NewBackoff returns a backoff before its first attempt.
func NewBackoff() *Backoff {
	return &Backoff{Random: func(limit time.Duration) time.Duration {
		if limit <= 0 {
			return 0
		}
		return rand.N(limit)
	}}
}

// Next returns the next pause, less than limit.
func (b *Backoff) Next(limit time.Duration) time.Duration {
	if b.n < 30 { // shifted further it would overflow
		limit = min(limit, Base<<b.n)
	}
	b.n++
	return b.Random(limit)
}

// Crowded returns the next pause, less than limit, after the door was shut.
func (b *Backoff) Crowded(limit time.Duration) time.Duration {
	for b.n < 30 && Base<<b.n < Crowd {
		b.n++
	}
	return b.Next(max(limit, Crowd))
}

// Reset begins anew with the shortest pause.
func (b *Backoff) Reset() { b.n = 0 }
