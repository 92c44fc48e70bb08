package sensor

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// clock says which groups are due by the clock at a heartbeat.
type clock struct {
	slack time.Duration // heartbeats are not exact
	every map[string]time.Duration
	next  map[string]time.Time
}

// newClock spreads the first looks at groups over the time that they share, so that
// no heartbeat is much dearer than the others.
func newClock(every map[string]time.Duration, heartbeat time.Duration, start time.Time) clock {
	c := clock{slack: heartbeat / 2, every: every, next: map[string]time.Time{}}
	names := slices.SortedFunc(maps.Keys(every), func(a, b string) int {
		return cmp.Or(cmp.Compare(every[a], every[b]), cmp.Compare(a, b))
	})
	for i, name := range names {
		if every[name] > heartbeat {
			part := float64(i+1) / float64(len(names))
			c.next[name] = start.Add(time.Duration(part * float64(every[name])))
		}
	}
	return c
}

// due returns the groups to be looked at now, sorted, and sets the time of their
// next look.
func (c *clock) due(now time.Time) []string {
	var names []string
	for name, every := range c.every {
		next := c.next[name]
		if now.Add(c.slack).Before(next) {
			continue
		}
		names = append(names, name)
		if next = next.Add(every); next.Before(now) {
			next = now.Add(every) // the machine slept, or it is the first time
		}
		c.next[name] = next
	}
	slices.Sort(names)
	return names
}
