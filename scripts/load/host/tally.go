package host

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// maxBreaches is how many breaches are told; more of them are counted.
const maxBreaches = 20

// Tally is what all hosts together did and saw. Its zero value is ready.
type Tally struct {
	Connected atomic.Int64 // streams that the collector welcomed and that live
	Acked     atomic.Int64 // findings that the collector has
	Repeated  atomic.Int64 // records that were sent a second time

	mu       sync.Mutex
	attempts []time.Time    // guarded by mu; connections tried
	welcomes []time.Time    // guarded by mu
	ends     map[string]int // guarded by mu; why streams and attempts ended
	breaches []string       // guarded by mu
	breached int            // guarded by mu
}

// Since returns when connections were tried, and when they were welcomed, after a
// time.
func (t *Tally) Since(from time.Time) (attempts, welcomes []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return after(t.attempts, from), after(t.welcomes, from)
}

func after(times []time.Time, from time.Time) []time.Duration {
	var out []time.Duration
	for _, at := range times {
		if d := at.Sub(from); d >= 0 {
			out = append(out, d)
		}
	}
	return out
}

// Breaches returns what the collector must not do and did, at most twenty of it.
func (t *Tally) Breaches() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.breached > len(t.breaches) {
		return append(t.breaches[:len(t.breaches):len(t.breaches)], fmt.Sprintf("and %d more", t.breached-len(t.breaches)))
	}
	return t.breaches
}

// Ends returns why streams and attempts ended, and forgets it.
func (t *Tally) Ends() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	ends := t.ends
	t.ends = nil
	return ends
}

func (t *Tally) attempted() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts = append(t.attempts, time.Now())
}

func (t *Tally) welcomed() {
	t.Connected.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.welcomes = append(t.welcomes, time.Now())
}

func (t *Tally) ended(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ends == nil {
		t.ends = make(map[string]int)
	}
	t.ends[why]++
}

func (t *Tally) breach(number int, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.breached++
	if len(t.breaches) < maxBreaches {
		t.breaches = append(t.breaches, fmt.Sprintf("host %d: ", number)+fmt.Sprintf(format, args...))
	}
}
