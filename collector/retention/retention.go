// Package retention says for how long what the collector keeps is kept. A person sets it
// for each kind, while the collector runs; a kind that nobody set is kept as the
// collector's options say. Who deletes what is too old asks here each time.
//
// What is kept as long as what it belongs to (the results of a host, who looks after one)
// is no kind of its own, nor are daily sums, which name nobody.
package retention

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/db"
)

// Kind is one kind of what is kept.
type Kind string

// The kinds.
const (
	Changes    Kind = "changes"    // the timeline
	Detections Kind = "detections" // after the last report
	Messages   Kind = "messages"   // alerts that were delivered or given up
	Waivers    Kind = "waivers"    // those that ended
	Trail      Kind = "trail"      // what people did with the collector
)

// Most is the most days that can be set.
const Most = 3650

const day = 24 * time.Hour

// Period is for how long a kind is kept.
type Period struct {
	Kind    Kind      `json:"kind"`
	What    string    `json:"what"`  // in words
	Days    int       `json:"days"`  // 0: for good
	Least   int       `json:"least"` // days that may be set
	Good    bool      `json:"good"`  // it may be kept for good
	Who     string    `json:"who,omitempty"`
	Changed time.Time `json:"changed,omitzero"` // zero: nobody set it
}

// Kinds returns the kinds as they are kept when nobody set anything; the timeline and
// detections for a number of days.
func Kinds(days int) []Period {
	return []Period{
		{Kind: Changes, What: "Changes, the timeline", Days: days, Least: 1},
		{Kind: Detections, What: "Detections, after the last report", Days: days, Least: 1},
		{Kind: Messages, What: "Messages that were delivered or given up", Days: 30, Least: 1},
		{Kind: Waivers, What: "Waivers that ended", Least: 30, Good: true},
		{Kind: Trail, What: "The audit trail", Least: 90, Good: true},
	}
}

// problem is as [Problem].
func (p Period) problem(days int) string {
	switch {
	case days == 0 && p.Good:
		return ""
	case days < p.Least || days > Most:
		good := ""
		if p.Good {
			good = ", or 0 for good"
		}
		return fmt.Sprintf("%s: %d to %d days%s.", p.What, p.Least, Most, good)
	}
	return ""
}

// columns reads the rows that people wrote.
const columns = "SELECT kind, days, who, changed FROM retention"

// All returns for how long each kind is kept, where days is what the options say.
func All(ctx context.Context, data db.DB, days int) (all []Period, err error) {
	err = data.Read(ctx, func(q db.Querier) error {
		all = Kinds(days)
		return db.Each(ctx, q, func(scan func(...any) error) error { return fill(all, scan) }, columns)
	})
	if err != nil {
		return nil, fmt.Errorf("read retention: %w", err)
	}
	return all, nil
}

// fill puts a row in its place. One of a kind that is not known is left out.
func fill(all []Period, scan func(...any) error) error {
	var kind Kind
	var days int
	var who string
	var changed int64
	err := scan(&kind, &days, &who, &changed)
	for i := range all {
		if all[i].Kind == kind {
			all[i].Days, all[i].Who, all[i].Changed = days, who, time.Unix(0, changed).UTC()
		}
	}
	return err
}

// Of returns for how long a kind is kept, 0 for good, where configured is what the options
// say.
func Of(w db.Writer, kind Kind, configured time.Duration) (time.Duration, error) {
	var days int64
	found, err := w.Row("SELECT days FROM retention WHERE kind = ?", []any{string(kind)}, &days)
	switch {
	case err != nil:
		return 0, fmt.Errorf("read retention: %w", err)
	case found:
		return time.Duration(days) * day, nil
	case kind == Changes || kind == Detections:
		return configured, nil
	}
	for _, p := range Kinds(0) {
		if p.Kind == kind {
			return time.Duration(p.Days) * day, nil
		}
	}
	return 0, fmt.Errorf("nothing is kept as %q", kind)
}

// Set keeps a kind for a number of days from now on, 0 for good. What has a [Problem] is
// not taken.
func Set(w db.Writer, now time.Time, who string, kind Kind, days int) error {
	if problem := Problem(kind, days); problem != "" {
		return fmt.Errorf("set retention: %s", problem)
	}
	err := w.Exec(`INSERT INTO retention (kind, days, who, changed) VALUES (?, ?, ?, ?)
		ON CONFLICT (kind) DO UPDATE SET days = excluded.days, who = excluded.who, changed = excluded.changed`, string(kind), days, who, now.UnixNano())
	if err != nil {
		return fmt.Errorf("set retention: %w", err)
	}
	return nil
}

// Problem returns what is wrong with keeping a kind for so many days, in a sentence, or
// nothing.
func Problem(kind Kind, days int) string {
	for _, p := range Kinds(0) {
		if p.Kind == kind {
			return p.problem(days)
		}
	}
	return fmt.Sprintf("Nothing is kept as %q.", kind)
}

// Long says for how long so many days are.
func Long(days int) string {
	switch days {
	case 0:
		return "for good"
	case 1:
		return "1 day"
	}
	return fmt.Sprintf("%d days", days)
}
