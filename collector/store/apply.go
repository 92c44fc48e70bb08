package store

import (
	"context"
	"errors"
	"fmt"
	"math"

	"seawall/collector/fleet"
	"seawall/collector/store/lane"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/wire"
)

// Apply takes records of one host, in the order given, and what the host says is
// missing, and returns when that is durable. Records that the store has are
// ignored. A host that is no member gets [fleet.ErrUnknown]. After an error nothing
// of items is known to be durable: send it again.
func (s *Store) Apply(ctx context.Context, id fleet.HostID, items []fleet.Delivery, missing []fleet.Missing) error {
	for i := range items {
		if n := items[i].Sequence; n < 1 || n > math.MaxInt64 {
			return fmt.Errorf("apply: sequence %d is out of range", n)
		}
	}
	missing, err := lane.Order(missing)
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	// Encoded here and not in the writer, which all streams share.
	bodies := make([][]byte, len(items))
	for i := range items {
		if items[i].Reject != "" {
			continue
		}
		if bodies[i], err = wire.Encode(items[i].Record); err != nil {
			return fmt.Errorf("apply record %d: %w", items[i].Sequence, err)
		}
	}
	return s.submit(ctx, func(b *batch) error { return b.apply(id, items, bodies, missing) })
}

func (b *batch) apply(id fleet.HostID, items []fleet.Delivery, bodies [][]byte, missing []fleet.Missing) error {
	h, err := b.open(id)
	if errors.Is(err, fleet.ErrUnknown) {
		return refusal{err}
	}
	if err != nil {
		return err
	}
	if !h.member {
		if h.member, err = b.Row("SELECT 1 FROM member WHERE host = ?", []any{h.key}, new(int)); err != nil {
			return fmt.Errorf("read member: %w", err)
		}
		if !h.member {
			return refusal{fmt.Errorf("host %s: %w", id, fleet.ErrUnknown)}
		}
	}
	h.changed = true
	if err := h.back(); err != nil {
		return fmt.Errorf("take host back: %w", err)
	}
	h.seen = max(h.seen, h.now.UnixNano())
	for i := range items {
		if err := h.take(&items[i], bodies[i], missing); err != nil {
			return fmt.Errorf("apply record %d: %w", items[i].Sequence, err)
		}
	}
	if len(missing) > 0 {
		if err := h.lanes.Miss(h.Writer, missing, h.now); err != nil {
			return fmt.Errorf("apply missing records: %w", err)
		}
	}
	for _, l := range h.lanes.Found() {
		if err := h.lost(l); err != nil {
			return fmt.Errorf("tell missing records: %w", err)
		}
	}
	return nil
}

// take applies one record; body is its encoding.
func (h *host) take(d *fleet.Delivery, body []byte, missing []fleet.Missing) error {
	verdict, err := h.lanes.Take(h.Writer, d, missing, h.now)
	if err != nil || verdict == lane.Had {
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
	case late:
		// What replaces something as a whole is not replaced by an older one.
		return nil
	case r.State != nil:
		return h.part(d, body)
	case r.Heartbeat != nil:
		h.name, h.heartbeat = r.Heartbeat.Host.Name, body
		return nil
	case r.Pack != nil:
		return h.texts(d)
	}
	return nil
}

// reject keeps a row of a record that came and is not taken.
func (h *host) reject(d *fleet.Delivery, reason string) error {
	h.rejected++
	h.reason = reason
	return h.Exec("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?, ?)",
		h.key, d.Lane, int64(d.Epoch), int64(d.Sequence), h.now.UnixNano(), d.Size, text.Clean(reason, 512))
}

// change applies one result to the state and appends it to the timeline.
func (h *host) change(d *fleet.Delivery, body []byte, late bool) error {
	c := d.Record.Change
	e := fleet.Event{Change: *c}
	if !late {
		old, err := h.standing(c.Result.Key())
		if err != nil {
			return fmt.Errorf("read state: %w", err)
		}
		if old.status == 0 && !c.Removed && h.results() >= h.store.cfg.MaxResults {
			return h.reject(d, "more results than a host may have")
		}
		if e.Moved, err = h.moved(c); err != nil {
			return fmt.Errorf("read state: %w", err)
		}
		if err := h.stand(&c.Result, c.Removed, body); err != nil {
			return err
		}
	}
	return h.tell(name{d.Lane, d.Epoch, d.Sequence, 0}, e, body)
}

// standing returns what stands for a key; status 0 when nothing does.
func (h *host) standing(k finding.Key) (standing, error) {
	if s, ok := h.states[k]; ok {
		return s, nil
	}
	var s standing
	_, err := h.Row("SELECT status, severity, since FROM state WHERE host = ? AND check_id = ? AND resource = ?",
		[]any{h.key, k.Check, k.Resource}, &s.status, &s.severity, &s.since)
	h.remember(k, s)
	return s, err
}

func (h *host) remember(k finding.Key, s standing) {
	if h.states == nil {
		h.states = make(map[finding.Key]standing)
	}
	h.states[k] = s
}

// stand makes a result the standing one, or removes its key. The body is a change
// record with the result.
func (h *host) stand(r *finding.Result, removed bool, body []byte) error {
	k := r.Key()
	old, err := h.standing(k)
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	if old.status != 0 {
		if err := h.adjust(k.Check, old, -1); err != nil {
			return err
		}
	}
	if removed {
		h.remember(k, standing{})
		return h.Exec("DELETE FROM state WHERE host = ? AND check_id = ? AND resource = ?", h.key, k.Check, k.Resource)
	}
	now := standing{r.Status, r.Severity, h.since(r)}
	if old.status == now.status {
		now.since = old.since
	}
	h.remember(k, now)
	if err := h.Exec(`INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
		status = excluded.status, severity = excluded.severity, since = excluded.since, body = excluded.body`,
		h.key, k.Check, k.Resource, now.status, now.severity, now.since, body); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return h.adjust(k.Check, now, 1)
}

// since is when the result came to be: the host's time, unless that is unset or in
// the future.
func (h *host) since(r *finding.Result) int64 {
	if r.Time.IsZero() || r.Time.After(h.now) {
		return h.now.UnixNano()
	}
	return r.Time.UnixNano()
}
