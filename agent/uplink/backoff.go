package uplink

import (
	"math/rand/v2"
	"time"
)

const (
	baseBackoff = 200 * time.Millisecond
	maxDrain    = 10 * time.Minute
)

// backoff draws the pauses between attempts: full jitter on the capped value, so
// that hosts that lost their collector together do not come back together.
type backoff struct {
	random func(limit time.Duration) time.Duration // uniform in [0, limit)
	n      int                                     // attempts since the last reset
}

func newBackoff() *backoff {
	return &backoff{random: func(limit time.Duration) time.Duration {
		if limit <= 0 {
			return 0
		}
		return rand.N(limit)
	}}
}

// next returns the next pause, less than limit.
func (b *backoff) next(limit time.Duration) time.Duration {
	if b.n < 30 { // shifted further it would overflow
		limit = min(limit, baseBackoff<<b.n)
	}
	b.n++
	return b.random(limit)
}

func (b *backoff) reset() { b.n = 0 }
