package enrol

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
)

// The budgets. An honest host fails when its token is mistyped or old, and asks
// once a minute at most; it renews every few days.
const (
	workRate, workBurst   = 500, 1000
	failRate, failBurst   = 1.0 / 6, 20 // of one address
	allFailRate, allFails = 50, 500
	renewEvery, renewals  = 10 * time.Second, 5 // of one host
	maxBuckets            = 10_000
)

// limits is the budgets of callers.
type limits struct {
	work  *rate.Limiter // what costs a signature and a transaction
	fails *rate.Limiter // of all strangers
	now   func() time.Time

	mu        sync.Mutex
	byAddress map[netip.Prefix]*rate.Limiter // guarded by mu
	byHost    map[fleet.HostID]*rate.Limiter // guarded by mu
}

func newLimits(now func() time.Time) *limits {
	return &limits{
		work: rate.NewLimiter(workRate, workBurst), fails: rate.NewLimiter(allFailRate, allFails), now: now,
		byAddress: make(map[netip.Prefix]*rate.Limiter), byHost: make(map[fleet.HostID]*rate.Limiter),
	}
}

func busy() error { return status.Error(codes.ResourceExhausted, "too many requests; try later") }

// wait holds back who may go on until there is room.
func (l *limits) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	if l.work.Wait(ctx) != nil {
		return busy()
	}
	return nil
}

// stranger returns an error when there were too many failures to hear one who has
// proved nothing.
func (l *limits) stranger(from netip.Addr) error {
	now := l.now()
	if l.fails.TokensAt(now) < 1 || l.address(from).TokensAt(now) < 1 {
		return busy()
	}
	return nil
}

// failed counts a failure.
func (l *limits) failed(from netip.Addr) {
	now := l.now()
	l.fails.AllowN(now, 1)
	l.address(from).AllowN(now, 1)
}

func (l *limits) address(from netip.Addr) *rate.Limiter {
	bits := 32
	if from.Is6() {
		bits = 64 // one machine may have all of it
	}
	p, _ := from.Prefix(bits) // the zero Prefix for the zero Addr
	l.mu.Lock()
	defer l.mu.Unlock()
	return bucket(l.byAddress, p, l.now(), failRate, failBurst)
}

// renewal returns an error when a host renews too often.
func (l *limits) renewal(host fleet.HostID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !bucket(l.byHost, host, l.now(), rate.Every(renewEvery), renewals).AllowN(l.now(), 1) {
		return busy()
	}
	return nil
}

// bucket returns the bucket of a key. When there are too many, those that are full
// are forgotten, which changes nothing, or else all are.
func bucket[K comparable](m map[K]*rate.Limiter, key K, now time.Time, r rate.Limit, burst int) *rate.Limiter {
	if b := m[key]; b != nil {
		return b
	}
	if len(m) >= maxBuckets {
		for k, b := range m {
			if b.TokensAt(now) >= float64(burst) {
				delete(m, k)
			}
		}
		if len(m) >= maxBuckets {
			clear(m)
		}
	}
	b := rate.NewLimiter(r, burst)
	m[key] = b
	return b
}
