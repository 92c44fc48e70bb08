package pace

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCredit(100)
		var mu sync.Mutex
		var order []string // guarded by mu
		went := func() string {
			mu.Lock()
			defer mu.Unlock()
			return strings.Join(order, ", ")
		}
		take := func(name string, n int) {
			if err := c.Take(t.Context(), n); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
		}
		take("more than all", 150) // nothing is in flight
		go take("large", 90)
		synctest.Wait()
		go take("small", 1) // waits its turn
		synctest.Wait()
		c.Give(100)
		synctest.Wait()
		if got := went(); got != "more than all" {
			t.Errorf("with 50 in flight went %s", got)
		}
		c.Set(141)
		synctest.Wait()
		if got := went(); got != "more than all, large, small" {
			t.Errorf("with more credit went %s", got)
		}
		c.Set(10) // what is in flight stays so
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Take(ctx, 1) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("take ends with %v", err)
		}
		c.Give(141)
		take("the last", 10)
		if c.InFlight() != 10 || c.Bound() != 10 {
			t.Errorf("%d in flight of %d", c.InFlight(), c.Bound())
		}
	})
}

// TestSpread simulates 10,000 hosts that lose their collector at once, and holds
// the times at which they come back to a uniform distribution: Kolmogorov-Smirnov
// over the pauses at the cap, chi-square over the seconds of a minute.
func TestSpread(t *testing.T) {
	const hosts = 10_000
	last := make([]float64, 0, hosts)
	var seconds [60]int
	for range hosts {
		b := NewBackoff()
		for range 12 { // until the cap has been reached
			b.Next(time.Minute)
		}
		pause := b.Next(time.Minute).Seconds()
		if pause < 0 || pause >= 60 {
			t.Fatalf("pause of %v s", pause)
		}
		last = append(last, pause/60)
		seconds[int(pause)]++
	}
	slices.Sort(last)
	distance := 0.0
	for i, x := range last {
		distance = max(distance, math.Abs(x-float64(i)/hosts), math.Abs(x-float64(i+1)/hosts))
	}
	// Critical values for one in a million: sqrt(ln(2e6)/2n), and 59 degrees of freedom.
	if limit := math.Sqrt(math.Log(2e6) / (2 * hosts)); distance > limit {
		t.Errorf("distance %.4f from uniform, limit %.4f", distance, limit)
	}
	chi := 0.0
	for _, n := range seconds {
		chi += (float64(n) - hosts/60.0) * (float64(n) - hosts/60.0) / (hosts / 60.0)
	}
	if chi > 124 {
		t.Errorf("chi-square %.1f over 60 seconds, limit 124", chi)
	}
}
