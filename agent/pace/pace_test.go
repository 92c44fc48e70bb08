package pace

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// storm does something whenever it may, for a while, and returns how often and when.
func storm(p *Pace, now time.Time, took, spacing, length time.Duration) (times []time.Duration) {
	begin := now
	for now.Sub(begin) < length {
		if next := p.Next(spacing); next.After(now) {
			now = next
			continue
		}
		times = append(times, now.Sub(begin))
		p.Done(now, now.Add(took), took)
		now = now.Add(took)
	}
	return times
}

func TestBurst(t *testing.T) {
	var p Pace
	times := storm(&p, noon, 100*time.Millisecond, 0, 10*time.Second)
	for i, at := range times[:Burst] {
		if want := time.Duration(i) * 100 * time.Millisecond; at != want {
			t.Errorf("%d of the burst begins after %v, want %v", i, at, want)
		}
	}
	// From then on four parts rest to one of work.
	for i := Burst + 1; i < len(times); i++ {
		if d := times[i] - times[i-1]; d < 400*time.Millisecond || d > 500*time.Millisecond {
			t.Errorf("%d comes %v after the one before", i, d)
		}
	}
	if busy := time.Duration(len(times)) * 100 * time.Millisecond; busy > 2500*time.Millisecond {
		t.Errorf("busy for %v of 10 s", busy)
	}
	// After a quiet while the next burst is as good as the first.
	again := storm(&p, noon.Add(time.Minute), 100*time.Millisecond, 0, 250*time.Millisecond)
	if len(again) != Burst {
		t.Errorf("%d times after a quiet minute", len(again))
	}
}

// TestShare: over a long time no more than a fifth, whatever it costs, but for what takes
// longer than the longest rest allows.
func TestShare(t *testing.T) {
	for _, took := range []time.Duration{time.Millisecond, 30 * time.Millisecond, time.Second} {
		var p Pace
		n := len(storm(&p, noon, took, 0, 1000*took))
		if n > 1000/5+Burst+1 || n < 1000/5-Burst {
			t.Errorf("%v: done %d times in 1,000 times its cost", took, n)
		}
	}
	var p Pace
	for i, at := range storm(&p, noon, 10*time.Second, 0, 10*time.Minute) {
		if least := time.Duration(i)*15*time.Second - Burst*maxRest; at < least {
			t.Errorf("%d of what takes ten seconds begins after %v", i, at)
		}
	}
}

func TestSpacing(t *testing.T) {
	var p Pace
	times := storm(&p, noon, 10*time.Millisecond, 2*time.Second, 10*time.Second)
	for i := 1; i < len(times); i++ {
		if d := times[i] - times[i-1]; d != 2010*time.Millisecond {
			t.Errorf("%d comes %v after the one before", i, d)
		}
	}
	if len(times) != 5 {
		t.Errorf("%d times", len(times))
	}
}
