package frame

import (
	"strconv"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// entry is one event in a timeline.
type entry struct {
	Now   time.Time
	Event fleet.Event
}

// newEntry returns e as shown at now.
func newEntry(now time.Time, e fleet.Event) entry { return entry{Now: now, Event: e} }

// Timeline is a page of events, newest first.
type Timeline struct {
	Title   string
	Entries []entry
	Older   int64  // the cursor of the next page, 0 when this is the last
	Path    string // of the page that it is on
	Filter  string // the query of its address that selects, without the cursor
	Newest  bool   // it starts with the newest event: new ones are put in front
	Empty   string // what to say when there is none
}

// PageSize is how many events a timeline shows at a time, at most.
const PageSize = 50

// NewTimeline returns the first of events, as many as size; ask the store for one
// more to learn whether there are older ones.
func NewTimeline(now time.Time, path string, before int64, size int, events []fleet.Event) Timeline {
	t := Timeline{
		Title: "Changes", Path: path, Newest: before == 0,
		Empty: "Nothing has changed yet. A change shows here within a second of being made, with who made it.",
	}
	if before != 0 {
		t.Empty = "There are no older changes."
	}
	if len(events) > size {
		events = events[:size]
		t.Older = events[size-1].ID
	}
	for _, e := range events {
		t.Entries = append(t.Entries, newEntry(now, e))
	}
	return t
}

// Since returns the newest event shown.
func (t *Timeline) Since() int64 {
	if len(t.Entries) == 0 {
		return 0
	}
	return t.Entries[0].Event.ID
}

// Latest returns the address of the page that starts with the newest event.
func (t Timeline) Latest() string {
	if t.Filter == "" {
		return t.Path + "#timeline"
	}
	return t.Path + "?" + t.Filter + "#timeline"
}

// Next returns the address of the page of older events.
func (t Timeline) Next() string {
	query := "before=" + strconv.FormatInt(t.Older, 10)
	if t.Filter != "" {
		query = t.Filter + "&" + query
	}
	return t.Path + "?" + query + "#timeline"
}

// was says what an event's change replaced.
func was(e fleet.Event) string {
	c := &e.Change
	switch {
	case c.Removed:
		return "no longer there"
	case e.Moved:
		return "moved, same value"
	case c.Previous == c.Result.Status:
		return "value changed"
	}
	switch c.Previous {
	case finding.StatusPass:
		return "passed before"
	case finding.StatusFail:
		return "failed before"
	case finding.StatusNotApplicable:
		return "did not apply before"
	case finding.StatusUnknown:
		return "was unknown before"
	case finding.StatusError:
		return "was in error before"
	case finding.StatusWaived:
		return "was waived before"
	}
	return "first result"
}
