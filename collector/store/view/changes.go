package view

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/collector/store/view/row"
)

const (
	// maxLooked bounds the events that a page of changes decodes, maxSpan the numbers
	// of events that it goes back: a filter that finds little does not read the whole
	// timeline for one page.
	maxLooked = 4000
	maxSpan   = 40_000
	// stride is how many events are asked for at once.
	stride = 500
)

// Changes returns changes of the fleet, newest first, and where the next page begins.
func (v *View) Changes(ctx context.Context, q fleet.ChangeQuery) (p fleet.ChangePage, err error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, 200)
	where, err := pick.Changes(&q)
	if err != nil {
		return p, fmt.Errorf("read changes: %w", err)
	}
	tx, err := v.begin(ctx)
	if err != nil {
		return p, fmt.Errorf("read changes: %w", sqlite.Classify(err))
	}
	defer tx.end()
	if q.Before <= 0 {
		q.Before = math.MaxInt64
	}
	if !q.Until.IsZero() {
		until, err := tx.eventAt(ctx, q.Until)
		if err != nil {
			return p, fmt.Errorf("read changes: %w", sqlite.Classify(err))
		}
		q.Before = min(q.Before, until)
	}
	if err := tx.changes(ctx, &q, where, &p); err != nil {
		return p, fmt.Errorf("read changes: %w", sqlite.Classify(err))
	}
	return p, nil
}

// eventAt returns the number of the first event that was received at a time or later.
// The collector's clock gave the times in the order of the numbers, so a few looks find
// it. Where the clock was set back, it is near.
func (s *snapshot) eventAt(ctx context.Context, t time.Time) (int64, error) {
	var low, high int64
	if _, err := db.One(ctx, s, "SELECT coalesce((SELECT min(id) FROM event), 0), coalesce((SELECT max(id) FROM event), 0)", nil, &low, &high); err != nil {
		return 0, err
	}
	high++
	for low < high {
		middle := low + (high-low)/2
		id, received := high, int64(math.MaxInt64)
		if _, err := db.One(ctx, s, "SELECT id, received FROM event WHERE id >= ? ORDER BY id LIMIT 1", []any{middle}, &id, &received); err != nil {
			return 0, err
		}
		if received >= t.UnixNano() {
			high = middle
		} else {
			low = id + 1
		}
	}
	return low, nil
}

// changes fills a page: it goes back in strides until the page is full, the timeline
// ends or enough was looked at.
func (s *snapshot) changes(ctx context.Context, q *fleet.ChangeQuery, where pick.Condition, p *fleet.ChangePage) error {
	newest := int64(0)
	if _, err := db.One(ctx, s, "SELECT coalesce(max(id), 0) FROM event WHERE id < ?", []any{q.Before}, &newest); err != nil {
		return err
	}
	floor := max(0, newest-maxSpan) // the page looks at numbers above it
	if q.Host != "" {
		floor = 0 // its index leads from one event of the host to the next
	}
	looked, before := 0, newest+1
	for looked < maxLooked {
		n, last, err := s.stride(ctx, q, where, before, floor, p)
		if err != nil {
			return err
		}
		looked += n
		switch {
		case last == 0: // the time asked for has ended
			return nil
		case len(p.Events) == q.Limit:
			p.Next = p.Events[q.Limit-1].ID
			return nil
		case n < stride:
			return s.rest(ctx, floor+1, p)
		}
		before = last
	}
	return s.rest(ctx, before, p)
}

// stride reads the next events before a number and above floor, and returns how many
// there were and the last one's number, or 0 where they became older than q.Since.
func (s *snapshot) stride(ctx context.Context, q *fleet.ChangeQuery, where pick.Condition, before, floor int64, p *fleet.ChangePage) (n int, last int64, err error) {
	full := errors.New("page is full")
	// Where all events are wanted, the floor is far below the stride's end; told of it,
	// PostgreSQL takes the range of a new part for a short one, and sorts it whole.
	if where.Text == "" {
		where.And("e.id < ?", before)
	} else {
		where.And("e.id < ? AND e.id > ?", before, floor)
	}
	last = before
	err = db.Each(ctx, s, func(scan func(...any) error) error {
		e, err := row.Event(scan)
		if err != nil {
			return err
		}
		if e.ID <= floor {
			return full
		}
		n++
		if last = e.ID; e.Received.Before(q.Since) {
			last = 0
			return full
		}
		p.Reached = e.Received
		if pick.Keeps(q, &e.Change) {
			p.Events = append(p.Events, e)
		}
		if len(p.Events) == q.Limit {
			return full
		}
		return nil
	}, row.EventColumns+"FROM event e CROSS JOIN host h ON h.host = e.host WHERE "+where.Text+" ORDER BY e.id DESC LIMIT ?",
		append(where.Args, stride)...)
	if errors.Is(err, full) {
		err = nil
	}
	return n, last, err
}

// rest has the next page begin before a number, if there is anything.
func (s *snapshot) rest(ctx context.Context, before int64, p *fleet.ChangePage) error {
	var received int64
	found, err := db.One(ctx, s, "SELECT received FROM event WHERE id < ? ORDER BY id DESC LIMIT 1", []any{before}, &received)
	if found {
		p.Next, p.Reached = before, row.Time(received)
	}
	return err
}
