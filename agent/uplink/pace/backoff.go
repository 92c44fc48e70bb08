// Package pace says how soon an uplink comes back to its collector, and how much it
// may send before it is answered.
package pace

import (
	"math/rand/v2"
	"time"
)

// Base is the longest first pause.
const Base = 200 * time.Millisecond

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

// Reset begins anew with the shortest pause.
func (b *Backoff) Reset() { b.n = 0 }
