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
	// reached is how far back changes could be undone, where there may have been more
	// since the time that was asked for.
	reached time.Time
	// nothing says that no change of any host is kept, so that none could be undone.
	nothing bool
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
		case older == 0 && seen >= maxEvents:
			p.reached = oldest
			return p, nil
		case older == 0 && len(events) < page:
			return p, p.horizon(ctx, read, at)
		case len(events) < page, older > maxValues, older > 0 && len(p.unknown) == 0:
			return p, nil
		}
		q.Before = events[len(events)-1].ID
	}
}

// horizon finds how far back changes are kept, where none of the host is older than the
// time. The timeline loses its oldest first, of all hosts alike: what the oldest change
// of them all says is so for the host.
func (p *past) horizon(ctx context.Context, read timeline, at time.Time) error {
	events, err := read(ctx, fleet.TimelineQuery{After: -1, Limit: 1})
	switch {
	case err != nil:
		return fmt.Errorf("oldest change: %w", err)
	case len(events) == 0:
		p.nothing = true
	case events[0].ID > 1 && events[0].Received.After(at):
		p.reached = events[0].Received
	}
	return nil
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
	r.Status, r.Evidence, r.Cause = c.Previous, nil, nil
	// What is gone comes with its last value.
	if !c.Removed {
		r.Actual = ""
	}
	p.results[key] = r
	if delete(p.unknown, key); r.Actual == "" {
		p.unknown[key] = true
	}
}

// value takes the value of a result from the newest change before that time.
func (p *past) value(e *fleet.Event) {
	key := e.Change.Result.Key()
	if p.unknown[key] && !e.Change.Removed && e.Change.Result.Status == p.results[key].Status {
		p.results[key] = e.Change.Result
		delete(p.unknown, key)
	}
}
