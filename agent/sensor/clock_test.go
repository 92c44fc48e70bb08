package sensor

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestClock: a group is due as often as it wants to be, and those that want it
// seldom are not all due at once.
func TestClock(t *testing.T) {
	every := map[string]time.Duration{"a": time.Second, "b": time.Minute}
	for i := range 5 {
		every[fmt.Sprint("often", i)] = 5 * time.Minute
		every[fmt.Sprint("seldom", i)] = 15 * time.Minute
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newClock(every, time.Minute, start)
	if got := c.due(start); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("at the start: %q", got)
	}
	count, most := map[string]int{}, 0
	for i := range 60 {
		// A heartbeat comes a little early or late.
		at := start.Add(time.Duration(i+1)*time.Minute + time.Duration(i%3-1)*time.Second)
		got := c.due(at)
		most = max(most, len(got))
		for _, name := range got {
			count[name]++
		}
	}
	for name, d := range every {
		want := int(time.Hour / max(d, time.Minute))
		if n := count[name]; n < want || n > want+1 {
			t.Errorf("%s, each %v: %d times in an hour, want %d", name, d, n, want)
		}
	}
	if most > 6 { // of 12
		t.Errorf("%d are due at once", most)
	}
}

// TestClockSleep: after the machine slept each group is due once.
func TestClockSleep(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newClock(map[string]time.Duration{"a": 0, "b": 5 * time.Minute}, time.Minute, start)
	woken := start.Add(8 * time.Hour)
	for i, want := range [][]string{{"a", "b"}, {"a"}, {"a"}, {"a"}, {"a"}, {"a", "b"}} {
		if got := c.due(woken.Add(time.Duration(i) * time.Minute)); !slices.Equal(got, want) {
			t.Errorf("%d minutes after: %q, want %q", i, got, want)
		}
	}
}
