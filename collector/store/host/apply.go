package host

import (
	"errors"
	"fmt"
	"math"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/advice"
	"seawall/collector/store/host/storm"
	"seawall/collector/store/host/timeline"
	"seawall/collector/store/label"
	"seawall/collector/store/lane"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/wire"
)

// Work is what a host sent, checked and encoded for the tables.
type Work struct {
	items   []fleet.Delivery
	bodies  [][]byte
	missing []fleet.Missing
	foreseen
}

// Prepare does what needs no transaction, since all streams share the writer.
func Prepare(items []fleet.Delivery, missing []fleet.Missing) (*Work, error) {
	for i := range items {
		if n := items[i].Sequence; n < 1 || n > math.MaxInt64 {
			return nil, fmt.Errorf("sequence %d is out of range", n)
		}
	}
	missing, err := lane.Order(missing)
	if err != nil {
		return nil, err
	}
	bodies := make([][]byte, len(items))
	for i := range items {
		if items[i].Reject != "" {
			continue
		}
		if bodies[i] = items[i].Payload; bodies[i] != nil {
			continue
		}
		if bodies[i], err = wire.Encode(items[i].Record); err != nil {
			return nil, fmt.Errorf("record %d: %w", items[i].Sequence, err)
		}
	}
	return &Work{items, bodies, missing, foresee(items)}, nil
}

// Member reports whether the host was admitted.
func (h *Host) Member() (bool, error) {
	if h.member {
		return true, nil
	}
	var err error
	if h.member, err = h.Row("SELECT 1 FROM member WHERE host = ?", []any{h.key}, new(int)); err != nil {
		return false, fmt.Errorf("read member: %w", err)
	}
	return h.member, nil
}

// Apply takes what the host sent. It speaks by that, whatever is new of it.
func (h *Host) Apply(work *Work) error {
	h.changed = true
	if err := h.back(); err != nil {
		return fmt.Errorf("take host back: %w", err)
	}
	h.seen = max(h.seen, h.Now.UnixNano())
	for i := range work.items {
		if err := h.take(&work.items[i], work.bodies[i], work.missing); err != nil {
			return fmt.Errorf("apply record %d: %w", work.items[i].Sequence, err)
		}
	}
	if len(work.missing) > 0 {
		if err := h.lanes.Miss(h.Writer, work.missing, h.Now); err != nil {
			return fmt.Errorf("apply missing records: %w", err)
		}
	}
	return h.tellLost()
}

// take applies one record; body is its encoding.
func (h *Host) take(d *fleet.Delivery, body []byte, missing []fleet.Missing) error {
	verdict, err := h.lanes.Take(h.Writer, d, missing, h.Now)
	if err != nil || verdict == lane.Had {
		return err
	}
	if err := h.tellLost(); err != nil {
		return err
	}
	if verdict == lane.Refused {
		return h.reject(d, "more lanes than a host may have")
	}
	late := verdict == lane.Late
	h.fresh = true
	switch r := &d.Record; {
	case d.Reject != "":
		return h.reject(d, d.Reject)
	case r.Change != nil:
		return h.change(d, body, late)
	case r.Detection != nil:
		return h.detection(d, body)
	case late:
		// What replaces something as a whole is not replaced by an older one.
		return nil
	case r.State != nil:
		return h.part(d, body)
	case r.Heartbeat != nil:
		h.name, h.heartbeat = r.Heartbeat.Host.Name, body
		return h.relabel(&r.Heartbeat.Host)
	case r.Pack != nil:
		return h.texts(d)
	}
	return nil
}

// relabel writes what the host is found by, where that is not what was written last.
func (h *Host) relabel(l *finding.Host) error {
	now := label.Of(h.id, l)
	if now == h.labels {
		return nil
	}
	h.labels = now
	return label.Write(h.Writer, h.id, h.key, l)
}

// reject keeps a row of a record that came and is not taken.
func (h *Host) reject(d *fleet.Delivery, reason string) error {
	h.rejected++
	h.reason = reason
	return h.Exec(`INSERT INTO rejected VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (host, lane, epoch, seq) DO UPDATE SET
		received = excluded.received, size = excluded.size, reason = excluded.reason`,
		h.key, d.Lane, int64(d.Epoch), int64(d.Sequence), h.Now.UnixNano(), d.Size, text.Clean(reason, 512))
}

// change applies one result to the state and appends it to the timeline.
func (h *Host) change(d *fleet.Delivery, body []byte, late bool) error {
	c := d.Record.Change
	e := fleet.Event{Change: *c}
	turned := false
	if !late {
		var err error
		if turned, err = h.turn(c, body); err != nil {
			return fmt.Errorf("write state: %w", err)
		}
	}
	if !late && !turned {
		// Only what says the same as before can have moved.
		old, was, err := h.look(c.Result.Key(), !c.Removed && c.Previous == c.Result.Status)
		if err != nil {
			return fmt.Errorf("read state: %w", err)
		}
		if old.status == 0 && !c.Removed && h.results() >= h.limits.Results {
			return h.reject(d, "more results than a host may have")
		}
		e.Moved = was != nil && moved(was, c)
		if err := h.stand(&c.Result, c.Removed, body); err != nil {
			return err
		}
	}
	return h.tell(timeline.Name{Lane: d.Lane, Epoch: d.Epoch, Sequence: d.Sequence}, e, body)
}

// turn makes the result the standing one where what stands is what the host says it
// was, and reports whether that is so: most changes then cost one statement.
func (h *Host) turn(c *finding.Change, body []byte) (bool, error) {
	r := &c.Result
	if !turns(c) {
		return false, nil
	}
	k := r.Key()
	if _, known := h.states[k]; known {
		return false, nil // then the statement's answer need not be waited for
	}
	now := standing{r.Status, r.Severity, h.since(r)}
	rows, err := h.Change(`UPDATE state SET status = ?, since = ?, body = ?
		WHERE host = ? AND check_id = ? AND resource = ? AND status = ? AND severity = ?`,
		now.status, now.since, body, h.key, k.Check, k.Resource, c.Previous, now.severity)
	if err != nil || rows == 0 {
		return false, err
	}
	h.remember(k, now)
	return true, errors.Join(h.turned(k, standing{status: c.Previous, severity: now.severity}, now), h.advised(r, now))
}

// standing returns what stands for a key; status 0 when nothing does.
func (h *Host) standing(k finding.Key) (standing, error) {
	s, _, err := h.look(k, false)
	return s, err
}

// look reads what stands for a key, and its body where that is wanted.
func (h *Host) look(k finding.Key, want bool) (s standing, body []byte, err error) {
	if s, known := h.states[k]; known && !want {
		return s, nil, nil
	}
	if want {
		_, err = h.Row("SELECT status, severity, since, body FROM state WHERE host = ? AND check_id = ? AND resource = ?",
			[]any{h.key, k.Check, k.Resource}, &s.status, &s.severity, &s.since, &body)
	} else {
		_, err = h.Row("SELECT status, severity, since FROM state WHERE host = ? AND check_id = ? AND resource = ?",
			[]any{h.key, k.Check, k.Resource}, &s.status, &s.severity, &s.since)
	}
	h.remember(k, s)
	return s, body, err
}

func (h *Host) remember(k finding.Key, s standing) {
	if h.states == nil {
		h.states = make(map[finding.Key]standing)
	}
	h.states[k] = s
}

// stand makes a result the standing one, or removes its key. The body is a change
// record with the result.
func (h *Host) stand(r *finding.Result, removed bool, body []byte) error {
	k := r.Key()
	old, err := h.standing(k)
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	now := standing{r.Status, r.Severity, h.since(r)}
	if removed {
		now = standing{}
	} else if old.status == now.status && (old.since < now.since || r.Since.IsZero()) {
		now.since = old.since
	}
	h.remember(k, now)
	if err := h.write(k, old, now, body); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return errors.Join(h.turned(k, old, now), h.advised(r, now))
}

// advised keeps which advisories a pending update is for; status 0 is none.
func (h *Host) advised(r *finding.Result, now standing) error {
	switch {
	case r.Check != pendingCheck || r.Resource == "":
		return nil
	case now.status != finding.StatusFail:
		return advice.Forget(h.Writer, h.key, r.Resource)
	}
	return advice.Write(h.Writer, h.key, r, advice.Standing{Severity: now.severity, Since: now.since, Pending: h.pending})
}

// turned counts a result as now and no longer as old, and that it was resolved.
func (h *Host) turned(k finding.Key, old, now standing) error {
	if err := h.resolved(k, old, now); err != nil {
		return fmt.Errorf("write life of finding: %w", err)
	}
	return h.recount(k.Check, old, now)
}

// resolved remembers that a result was bad and is good again, for as long as there is
// a result.
func (h *Host) resolved(k finding.Key, old, now standing) error {
	switch {
	case now.status == 0 && old.status != 0:
		return h.Exec("DELETE FROM life WHERE host = ? AND check_id = ? AND resource = ?", h.key, k.Check, k.Resource)
	case old.status.Bad() && (now.status == finding.StatusPass || now.status == finding.StatusNotApplicable):
		return h.Exec(`INSERT INTO life (host, check_id, resource, times, resolved) VALUES (?, ?, ?, 1, ?)
			ON CONFLICT (host, check_id, resource) DO UPDATE SET times = life.times + 1, resolved = excluded.resolved`,
			h.key, k.Check, k.Resource, now.since)
	}
	return nil
}

// recount counts a result as now and no longer as old; status 0 is none.
func (h *Host) recount(check string, old, now standing) error {
	if old.status == now.status && old.severity == now.severity {
		return nil
	}
	for _, count := range []struct {
		standing
		n int
	}{{old, -1}, {now, 1}} {
		if count.status == 0 {
			continue
		}
		if err := h.adjust(check, count.standing, count.n); err != nil {
			return fmt.Errorf("count result: %w", err)
		}
	}
	return nil
}

// write writes a row of state.
func (h *Host) write(k finding.Key, old, now standing, body []byte) error {
	switch {
	case now.status == 0:
		return h.Exec("DELETE FROM state WHERE host = ? AND check_id = ? AND resource = ?", h.key, k.Check, k.Resource)
	case old.status == 0:
		return db.Append(h.Writer, "state", "host, check_id, resource, status, severity, since, body",
			h.key, k.Check, k.Resource, now.status, now.severity, now.since, body)
	}
	return h.Exec("UPDATE state SET status = ?, severity = ?, since = ?, body = ? WHERE host = ? AND check_id = ? AND resource = ?",
		now.status, now.severity, now.since, body, h.key, k.Check, k.Resource)
}

// since is when the result came to be: the host's time, unless that is unset or in
// the future. What is bad may be so for longer than the host has told: a package waits since
// its update came out.
func (h *Host) since(r *finding.Result) int64 {
	told := storm.Past(r.Time, h.Now)
	if t := r.Since; r.Status.Bad() && t.Year() >= 1970 && t.Before(time.Unix(0, told)) {
		return t.UnixNano()
	}
	return told
}
