package host

import (
	"fmt"
	"math"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/purge"
	"seawall/pkg/finding"
)

// storm is what a row of detection says beside its body.
type storm struct {
	severity    finding.Severity
	count       int64
	first, last int64
	ended       bool
}

// detection keeps a report of a storm. The newest stands, whichever comes last: one
// that counts less than what stands says nothing new, and what has ended has.
func (h *Host) detection(d *fleet.Delivery, body []byte) error {
	r := d.Record.Detection
	now := storm{r.Severity, int64(min(r.Count, math.MaxInt64)), h.past(r.First), h.past(r.Last), r.Ended}
	now.first = min(now.first, now.last)
	var was storm
	known, err := h.Row("SELECT severity, count, first, last, ended FROM detection WHERE host = ? AND storm = ?",
		[]any{h.key, r.ID}, &was.severity, &was.count, &was.first, &was.last, &was.ended)
	if err != nil {
		return fmt.Errorf("read detection: %w", err)
	}
	if known && (now.count < was.count || now.count == was.count && (was.ended || !now.ended)) {
		return nil
	}
	h.changed = true
	place, err := h.place()
	if err != nil {
		return err
	}
	if !known {
		return h.begin(r, now, place, body)
	}
	now.first, now.last, now.ended = min(now.first, was.first), max(now.last, was.last), now.ended || was.ended
	if now.severity != was.severity {
		if err := purge.Count(h.Writer, h.key, was.severity, -1); err != nil {
			return err
		}
		if err := purge.Count(h.Writer, h.key, now.severity, 1); err != nil {
			return err
		}
	}
	err = h.Exec(`UPDATE detection SET place = ?, received = ?, rule = ?, severity = ?, count = ?, first = ?, last = ?, ended = ?, body = ?
		WHERE host = ? AND storm = ?`, place, h.Now.UnixNano(), r.Rule, now.severity, now.count, now.first, now.last, now.ended, body, h.key, r.ID)
	if err != nil {
		return fmt.Errorf("write detection: %w", err)
	}
	return nil
}

// begin keeps the first report of a storm, and drops what the host has too many of.
func (h *Host) begin(r *finding.Detection, now storm, place int64, body []byte) error {
	err := h.Exec("INSERT INTO detection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		h.key, r.ID, place, h.Now.UnixNano(), r.Rule, now.severity, now.count, now.first, now.last, now.ended, body)
	if err != nil {
		return fmt.Errorf("write detection: %w", err)
	}
	h.Fleet.Detection()
	if err := purge.Count(h.Writer, h.key, now.severity, 1); err != nil {
		return err
	}
	dropped, err := purge.Crowded(h.Writer, h.key, h.limits.Detections)
	if err != nil {
		return fmt.Errorf("drop detections: %w", err)
	}
	if dropped > 0 {
		h.limits.Log.Warn("more detections than a host may have, the least severe are dropped", "host", h.id, "dropped", dropped)
	}
	return nil
}

// place returns the next place among all detections.
func (b *Batch) place() (int64, error) {
	if b.lastPlace == 0 {
		if _, err := b.Row("SELECT coalesce(max(place), 0) FROM detection", nil, &b.lastPlace); err != nil {
			return 0, fmt.Errorf("number detections: %w", err)
		}
	}
	b.lastPlace++
	return b.lastPlace, nil
}

// past is a host's time, unless that is unset or in the future.
func (h *Host) past(t time.Time) int64 {
	if t.IsZero() || t.After(h.Now) {
		return h.Now.UnixNano()
	}
	return t.UnixNano()
}
