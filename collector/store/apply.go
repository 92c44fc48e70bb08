package store

import (
	"context"
	"fmt"
	"math"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/wire"
)

// Admit makes a host known. It returns [fleet.ErrFull] for a new host when there
// are as many as the store takes.
func (s *Store) Admit(ctx context.Context, id fleet.HostID) error {
	return s.submit(ctx, func(b *batch) error {
		_, err := b.open(id)
		return err
	})
}

// Apply takes records of one host, in the order given, and returns when they are
// durable. Records that the store has are ignored. After an error nothing of
// items is known to be durable: send it again.
func (s *Store) Apply(ctx context.Context, id fleet.HostID, items []fleet.Delivery) error {
	for i := range items {
		if n := items[i].Sequence; n < 1 || n > math.MaxInt64 {
			return fmt.Errorf("apply: sequence %d is out of range", n)
		}
	}
	// Encoded here and not in the writer, which all streams share.
	bodies := make([][]byte, len(items))
	for i := range items {
		if items[i].Reject != "" {
			continue
		}
		var err error
		if bodies[i], err = wire.Encode(items[i].Record); err != nil {
			return fmt.Errorf("apply record %d: %w", items[i].Sequence, err)
		}
	}
	return s.submit(ctx, func(b *batch) error { return b.apply(id, items, bodies) })
}

func (b *batch) apply(id fleet.HostID, items []fleet.Delivery, bodies [][]byte) error {
	h, err := b.open(id)
	if err != nil {
		return err
	}
	for i := range items {
		if err := h.take(&items[i], bodies[i]); err != nil {
			return fmt.Errorf("apply record %d: %w", items[i].Sequence, err)
		}
	}
	if err := h.flush(); err != nil {
		return fmt.Errorf("write host: %w", err)
	}
	if h.reason != "" {
		b.store.cfg.Log.Warn("records not taken", "host", id, "total", h.rejected, "last", text.Terminal(h.reason))
	}
	if h.fresh {
		b.updates = append(b.updates, fleet.Update{Host: id, Events: h.events})
	}
	return nil
}

// take applies one record; body is its encoding.
func (h *host) take(d *fleet.Delivery, body []byte) error {
	l, err := h.openLane(d.Lane)
	if err != nil {
		return err
	}
	if l == nil {
		return h.reject(d, "more lanes than a host may have")
	}
	fresh, late, err := h.place(l, d)
	if err != nil || !fresh {
		return err
	}
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
	return h.tell(d, 0, e, body)
}

// tell appends an event to the timeline. Ordinal tells the events of one record
// apart; the record's position, moved in the same transaction, keeps them from
// being told twice.
func (h *host) tell(d *fleet.Delivery, ordinal int, e fleet.Event, body []byte) (err error) {
	e.Host, e.HostName, e.Received = h.id, h.name, h.now
	e.ID, err = h.Insert(`INSERT INTO event (host, lane, epoch, seq, ordinal, received, check_id, moved, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, h.key, d.Lane, int64(d.Epoch), int64(d.Sequence), ordinal,
		h.now.UnixNano(), e.Change.Result.Check, e.Moved, body)
	if err != nil {
		return fmt.Errorf("append to the timeline: %w", err)
	}
	h.changes++
	h.events = append(h.events, e)
	return nil
}

// standing returns what stands for a key; status 0 when nothing does.
func (h *host) standing(k finding.Key) (standing, error) {
	if s, ok := h.states[k]; ok {
		return s, nil
	}
	var s standing
	_, err := h.Row("SELECT status, severity, since FROM state WHERE host = ? AND check_id = ? AND resource = ?",
		[]any{h.key, k.Check, k.Resource}, &s.status, &s.severity, &s.since)
	h.states[k] = s
	return s, err
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
		h.states[k] = standing{}
		return h.Exec("DELETE FROM state WHERE host = ? AND check_id = ? AND resource = ?", h.key, k.Check, k.Resource)
	}
	now := standing{r.Status, r.Severity, h.since(r)}
	if old.status == now.status {
		now.since = old.since
	}
	h.states[k] = now
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
