package uplink

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	seawallv1 "seawall/proto/seawall/v1"
)

func TestCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCredit(100)
		var order []string
		take := func(name string, n int) {
			if err := c.take(t.Context(), n); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			order = append(order, name)
		}
		take("more than all", 150) // nothing is in flight
		go take("large", 90)
		synctest.Wait()
		go take("small", 1) // waits its turn
		synctest.Wait()
		c.give(100)
		synctest.Wait()
		if got := strings.Join(order, ", "); got != "more than all" {
			t.Errorf("with 50 in flight went %s", got)
		}
		c.set(141)
		synctest.Wait()
		if got := strings.Join(order, ", "); got != "more than all, large, small" {
			t.Errorf("with more credit went %s", got)
		}
		c.set(10) // what is in flight stays so
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.take(ctx, 1) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("take ends with %v", err)
		}
		c.give(141)
		take("the last", 10)
		if c.used != 10 || c.bound() != 10 {
			t.Errorf("%d in flight of %d", c.used, c.limit)
		}
	})
}

// TestCreditChanges lowers the credit of a live stream: batches become smaller, and
// one at a time goes.
func TestCreditChanges(t *testing.T) {
	c := newCollector(t)
	sizes := make(chan int, 1000)
	c.serve = func(stream serverStream) error {
		stream.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Credit{Credit: &seawallv1.Credit{MaxInFlightBytes: 16 << 10}}})
		for {
			m, err := stream.Recv()
			if err != nil {
				return err
			}
			sizes <- int(m.GetBatch().GetSize())
			stream.Send(ack(c.take(m.GetBatch())))
		}
	}
	l := newLink(t, c.start())
	l.start()
	l.waitState("connection", func(s State) bool { return s.Connected })
	l.append("posture", "first") // behind the credit, or its acknowledgement is
	c.waitFor("posture", []string{"first"})
	payload := strings.Repeat("x", 1000)
	for range 200 {
		if _, err := l.spool.Append("posture", []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	l.append("posture", strings.Repeat("y", 60<<10)) // larger than the credit, and sent
	c.wait("all", func() bool { return len(c.got["posture"]) == 202 })
	l.stop()
	close(sizes)
	largest := 0
	all := slices.Collect(func(yield func(int) bool) {
		for n := range sizes {
			if !yield(n) {
				return
			}
		}
	})
	for _, n := range all[:len(all)-1] {
		largest = max(largest, n)
	}
	if largest > 16<<10 || largest < 2000 {
		t.Errorf("batches of up to %d bytes with a credit of 16 KiB", largest)
	}
}

// TestSpread simulates 10,000 hosts that lose their collector at once, and holds
// the times at which they come back to a uniform distribution: Kolmogorov-Smirnov
// over the pauses at the cap, chi-square over the seconds of a minute.
func TestSpread(t *testing.T) {
	const hosts = 10_000
	last := make([]float64, 0, hosts)
	var seconds [60]int
	for range hosts {
		u := &Uplink{pause: newBackoff(), cfg: Config{MaxBackoff: time.Minute}}
		for range 12 { // until the cap has been reached
			u.plan(outcome{}, 0)
		}
		pause := u.plan(outcome{}, 0).Seconds()
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
