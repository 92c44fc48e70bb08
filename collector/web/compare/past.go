package compare

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

const (
	// page is how many events are read at once, the store's most.
	page = 200
	// maxEvents bounds the events that are undone: a host that changes all the time
	// shall not hold the collector up.
	maxEvents = 10_000
	// maxValues bounds the older events that are read for the values of what changed.
	maxValues = 2_000
)

// timeline reads a host's changes, newest first.
type timeline func(ctx context.Context, q fleet.TimelineQuery) ([]fleet.Event, error)

// past is a host's results as they were.
type past struct {
	results map[finding.Key]finding.Result
	// unknown has the results of which the value of that time is not kept.
	unknown map[finding.Key]bool
	// reached is the oldest change that was undone, where it is not known whether
	// there were more since that time.
	reached time.Time
}

// rollBack undoes the changes of a host that came at or after a time. Of what changed
// since, the value comes from the change before, where that is kept.
func rollBack(ctx context.Context, read timeline, host fleet.HostID, now []finding.Result, at time.Time) (p past, err error) {
	p = past{results: make(map[finding.Key]finding.Result, len(now)), unknown: make(map[finding.Key]bool)}
	for _, r := range now {
		p.results[r.Key()] = r
	}
	q := fleet.TimelineQuery{Host: host, Limit: page}
	var oldest time.Time
	for seen, older := 0, 0; ; {
		events, err := read(ctx, q)
		if err != nil {
			return p, fmt.Errorf("changes of host %s: %w", host, err)
		}
		for i := range events {
			e := &events[i]
			if e.Received.Before(at) {
				older++
				p.value(e)
				continue
			}
			p.undo(e)
			seen, oldest = seen+1, e.Received
		}
		switch {
		case older == 0 && (len(events) < page || seen >= maxEvents):
			p.reached = oldest
			return p, nil
		case len(events) < page, older > maxValues, older > 0 && len(p.unknown) == 0:
			return p, nil
		}
		q.Before = events[len(events)-1].ID
	}
}

// undo takes a change back. The next older one of the same result says more.
func (p *past) undo(e *fleet.Event) {
	c := &e.Change
	key := c.Result.Key()
	if e.Moved {
		return
	}
	if c.Previous == finding.StatusUnspecified {
		delete(p.results, key)
		delete(p.unknown, key)
		return
	}
	r := c.Result
	r.Status, r.Actual, r.Evidence, r.Cause = c.Previous, "", nil, nil
	p.results[key], p.unknown[key] = r, true
}

// value takes the value of a result from the newest change before that time.
func (p *past) value(e *fleet.Event) {
	key := e.Change.Result.Key()
	if p.unknown[key] && !e.Change.Removed && e.Change.Result.Status == p.results[key].Status {
		p.results[key] = e.Change.Result
		delete(p.unknown, key)
	}
}
