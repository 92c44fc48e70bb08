package session

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The limits of login attempts: of one address (of one /64 for IPv6), and of all
// addresses that no longer have a place of their own.
const (
	attemptBurst  = 5
	attemptEvery  = 10 * time.Second
	attemptTracks = 4096
)

// Limiter bounds login attempts by who makes them: by address, and by the name that
// they are for. An attacker at one address cannot lock out the others. One with many
// addresses uses up what a name is allowed, or all places; so browsers that carry the
// name's device cookie ([Store.Device]) have a Limiter of their own, which counts nobody
// else: there, whom the name belongs to still gets in.
type Limiter struct {
	now func() time.Time

	mu    sync.Mutex
	each  map[string]*rate.Limiter
	swept time.Time
	crowd *rate.Limiter
}

// NewLimiter returns a limiter that has seen nobody.
func NewLimiter(now func() time.Time) *Limiter {
	return &Limiter{
		now:   now,
		each:  make(map[string]*rate.Limiter),
		crowd: rate.NewLimiter(rate.Every(attemptEvery), attemptBurst),
	}
}

// Allow takes one attempt of addr; when there is none left it returns how long
// to wait. Addresses beyond the tracked number share one allowance.
func (l *Limiter) Allow(addr netip.Addr) (wait time.Duration, ok bool) {
	bits := 64
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		bits = 32
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return l.take("") // no valid address
	}
	return l.take(prefix.String())
}

// AllowName takes one attempt for a name.
func (l *Limiter) AllowName(name string) (wait time.Duration, ok bool) { return l.take("name " + name) }

// take takes one attempt of key; without one, of what all that are not tracked share.
func (l *Limiter) take(key string) (wait time.Duration, ok bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	reservation := l.of(key, now).ReserveN(now, 1)
	if wait = reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return wait, false
	}
	return 0, true
}

func (l *Limiter) of(key string, now time.Time) *rate.Limiter {
	if key == "" {
		return l.crowd
	}
	if own := l.each[key]; own != nil {
		return own
	}
	if len(l.each) >= attemptTracks && now.Sub(l.swept) >= attemptEvery {
		l.swept = now
		for p, own := range l.each {
			if own.TokensAt(now) >= attemptBurst {
				delete(l.each, p) // as good as never seen
			}
		}
	}
	if len(l.each) >= attemptTracks {
		return l.crowd
	}
	own := rate.NewLimiter(rate.Every(attemptEvery), attemptBurst)
	l.each[key] = own
	return own
}
