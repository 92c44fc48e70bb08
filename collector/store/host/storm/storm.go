// Package storm keeps what hosts detect, a row for each storm. The newest report of a
// storm stands, whichever comes last, and moves its row to the front of all places.
// How many a host may have is bounded: the least severe and oldest are dropped.
package storm

import (
	"fmt"
	"math"
	"time"

	"seawall/collector/db"
	"seawall/collector/store/purge"
	"seawall/pkg/finding"
)

// Keeper keeps reports within one transaction of the writer.
type Keeper struct {
	writer db.Writer
	now    time.Time
	limit  int
	last   int64 // place, once a report was kept
}

// New returns a Keeper for the writer's transaction. A host may have at most limit
// storms, at least 1.
func New(w db.Writer, now time.Time, limit int) Keeper {
	return Keeper{writer: w, now: now, limit: limit}
}

// Outcome is what became of a report.
type Outcome struct {
	Changed bool // it said something new
	New     bool // it is the first of its storm
	Dropped int  // storms of the host that had to go
}

// storm is what a row of detection says beside its body.
type storm struct {
	severity    finding.Severity
	count       int64
	first, last int64
	ended       bool
}

// Keep keeps a report of a host, whose encoding is body. One that counts less than what
// stands says nothing new, and what has ended has.
func (k *Keeper) Keep(host []byte, r *finding.Detection, body []byte) (o Outcome, err error) {
	now := storm{r.Severity, int64(min(r.Count, math.MaxInt64)), Past(r.First, k.now), Past(r.Last, k.now), r.Ended}
	now.first = min(now.first, now.last)
	var was storm
	known, err := k.writer.Row("SELECT severity, count, first, last, ended FROM detection WHERE host = ? AND storm = ?",
		[]any{host, r.ID}, &was.severity, &was.count, &was.first, &was.last, &was.ended)
	if err != nil {
		return o, fmt.Errorf("read detection: %w", err)
	}
	if known && (now.count < was.count || now.count == was.count && (was.ended || !now.ended)) {
		return o, nil
	}
	place, err := k.place()
	if err != nil {
		return o, err
	}
	o = Outcome{Changed: true, New: !known}
	if !known {
		o.Dropped, err = k.begin(host, r, now, place, body)
		return o, err
	}
	return o, k.replace(host, r, was, now, place, body)
}

// replace has a newer report stand.
func (k *Keeper) replace(host []byte, r *finding.Detection, was, now storm, place int64, body []byte) error {
	now.first, now.last, now.ended = min(now.first, was.first), max(now.last, was.last), now.ended || was.ended
	if now.severity != was.severity {
		if err := purge.Count(k.writer, host, was.severity, -1); err != nil {
			return fmt.Errorf("count detections: %w", err)
		}
		if err := purge.Count(k.writer, host, now.severity, 1); err != nil {
			return fmt.Errorf("count detections: %w", err)
		}
	}
	err := k.writer.Exec(`UPDATE detection SET place = ?, received = ?, rule = ?, severity = ?, count = ?, first = ?, last = ?, ended = ?, body = ?
		WHERE host = ? AND storm = ?`, place, k.now.UnixNano(), r.Rule, now.severity, now.count, now.first, now.last, now.ended, body, host, r.ID)
	if err != nil {
		return fmt.Errorf("write detection: %w", err)
	}
	return nil
}

// begin keeps the first report of a storm, and drops what the host has too many of.
func (k *Keeper) begin(host []byte, r *finding.Detection, now storm, place int64, body []byte) (dropped int, err error) {
	err = k.writer.Exec("INSERT INTO detection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		host, r.ID, place, k.now.UnixNano(), r.Rule, now.severity, now.count, now.first, now.last, now.ended, body)
	if err != nil {
		return 0, fmt.Errorf("write detection: %w", err)
	}
	if err := purge.Count(k.writer, host, now.severity, 1); err != nil {
		return 0, fmt.Errorf("count detections: %w", err)
	}
	if dropped, err = purge.Crowded(k.writer, host, k.limit); err != nil {
		return 0, fmt.Errorf("drop detections: %w", err)
	}
	return dropped, nil
}

// place returns the next place among all detections.
func (k *Keeper) place() (int64, error) {
	if k.last == 0 {
		if _, err := k.writer.Row("SELECT coalesce(max(place), 0) FROM detection", nil, &k.last); err != nil {
			return 0, fmt.Errorf("number detections: %w", err)
		}
	}
	k.last++
	return k.last, nil
}

// Past is a host's time in nanoseconds since 1970, or now where that is unset or in the
// future.
func Past(t, now time.Time) int64 {
	if t.IsZero() || t.After(now) {
		return now.UnixNano()
	}
	return t.UnixNano()
}
