package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

const (
	// maxPartBytes bounds the incomplete whole state of a host.
	maxPartBytes = 16 << 20
	// maxTexts bounds the checks of which a host may bring the text.
	maxTexts = 2048
)

// errBody is a row of ours that does not hold what it should.
var errBody = errors.New("the row is damaged")

// part keeps a part of a whole state, and applies the state when it is complete. A
// part of another state drops what was incomplete. The cost of a part does not
// depend on how many there are.
func (h *host) part(d *fleet.Delivery, body []byte) error {
	p := d.Record.State
	if p.Parts == 1 {
		return h.replace(d, p, p.Results)
	}
	var id, have, size int64
	var same bool
	known, err := h.Row("SELECT state_id, have, size, parts = ? AND total = ? AND digest = ? FROM part_set WHERE host = ? AND lane = ?",
		[]any{p.Parts, p.Total, p.Digest[:], h.key, d.Lane}, &id, &have, &size, &same)
	if err != nil {
		return err
	}
	if !known || id != int64(p.ID) {
		if err := h.beginSet(d, p); err != nil {
			return fmt.Errorf("begin state: %w", err)
		}
		have, size, same = 0, 0, true
	}
	var twice int
	if _, err := h.Row("SELECT count(*) FROM part WHERE host = ? AND lane = ? AND part = ?", []any{h.key, d.Lane, p.Part}, &twice); err != nil {
		return err
	}
	size += int64(len(body))
	switch {
	case !same:
		return h.reject(d, "part of a state differs from the others in parts, total or digest")
	case twice > 0:
		return h.reject(d, "part of a state came before")
	case size > maxPartBytes || int(p.Total) > h.store.cfg.MaxResults:
		return h.reject(d, "whole state is larger than a host's may be")
	}
	if err := h.Exec("INSERT INTO part VALUES (?, ?, ?, ?)", h.key, d.Lane, p.Part, body); err != nil {
		return fmt.Errorf("keep part: %w", err)
	}
	if have+1 == int64(p.Parts) {
		return h.assemble(d, p)
	}
	return h.Exec("UPDATE part_set SET have = ?, size = ? WHERE host = ? AND lane = ?", have+1, size, h.key, d.Lane)
}

// beginSet drops the incomplete state of the lane and notes the new one.
func (h *host) beginSet(d *fleet.Delivery, p *finding.StatePart) error {
	if err := h.Exec("DELETE FROM part WHERE host = ? AND lane = ?", h.key, d.Lane); err != nil {
		return err
	}
	return h.Exec("INSERT OR REPLACE INTO part_set VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
		h.key, d.Lane, int64(p.ID), p.Parts, p.Total, p.Digest[:])
}

// assemble puts the parts together; all are there.
func (h *host) assemble(d *fleet.Delivery, p *finding.StatePart) error {
	results := make([]finding.Result, 0, p.Total)
	err := h.Rows("SELECT body FROM part WHERE host = ? AND lane = ? ORDER BY part", []any{h.key, d.Lane},
		func(scan func(...any) error) error {
			var body []byte
			if err := scan(&body); err != nil {
				return err
			}
			r, err := wire.Decode(body)
			if err != nil || r.State == nil {
				return fmt.Errorf("decode part: %w", errors.Join(errBody, err))
			}
			results = append(results, r.State.Results...)
			return nil
		})
	if err != nil {
		return err
	}
	for _, text := range []string{"DELETE FROM part WHERE host = ? AND lane = ?", "DELETE FROM part_set WHERE host = ? AND lane = ?"} {
		if err := h.Exec(text, h.key, d.Lane); err != nil {
			return fmt.Errorf("drop parts: %w", err)
		}
	}
	return h.replace(d, p, results)
}

// replace makes the results the host's whole state.
func (h *host) replace(d *fleet.Delivery, p *finding.StatePart, results []finding.Result) error {
	if len(results) > h.store.cfg.MaxResults {
		return h.reject(d, "whole state is larger than a host's may be")
	}
	next := make(map[finding.Key]*finding.Result, len(results))
	for i := range results {
		next[results[i].Key()] = &results[i]
	}
	if len(results) != int(p.Total) || len(next) != len(results) || finding.Digest(results) != p.Digest {
		h.mismatches++
		return h.reject(d, "whole state does not have its digest")
	}
	gone, err := h.compare(next)
	if err != nil {
		return fmt.Errorf("compare states: %w", err)
	}
	for i := range gone {
		if err := h.stand(&gone[i], true, nil); err != nil {
			return err
		}
	}
	for _, r := range next {
		body, err := wire.Encode(wire.Record{Time: d.Record.Time, Change: &finding.Change{Result: *r}})
		if err != nil {
			return fmt.Errorf("encode result: %w", err)
		}
		if err := h.stand(r, false, body); err != nil {
			return err
		}
	}
	return nil
}

// compare takes out of next what stands already, and returns what
// stands and is not in next. A result that says the same as the standing one and
// names no cause keeps the cause.
func (h *host) compare(next map[finding.Key]*finding.Result) (gone []finding.Result, err error) {
	err = h.Rows("SELECT check_id, resource, status, severity, since, body FROM state WHERE host = ?", []any{h.key},
		func(scan func(...any) error) error {
			var k finding.Key
			var s standing
			var body []byte
			if err := scan(&k.Check, &k.Resource, &s.status, &s.severity, &s.since, &body); err != nil {
				return err
			}
			h.states[k] = s
			r := next[k]
			if r == nil {
				gone = append(gone, finding.Result{Check: k.Check, Resource: k.Resource})
				return nil
			}
			old, err := wire.Decode(body)
			if err != nil || old.Change == nil {
				return fmt.Errorf("decode state: %w", errors.Join(errBody, err))
			}
			o := &old.Change.Result
			if r.Cause == nil && o.Status == r.Status && o.Actual == r.Actual && o.Expected == r.Expected {
				r.Cause = o.Cause
			}
			if reflect.DeepEqual(o, r) {
				delete(next, k)
			}
			return nil
		})
	return gone, err
}

// texts keeps the static text of checks. The same text of many hosts is one row.
func (h *host) texts(d *fleet.Delivery) error {
	p := d.Record.Pack
	had := make(map[string][]byte)
	err := h.Rows("SELECT check_id, hash FROM host_info WHERE host = ?", []any{h.key}, func(scan func(...any) error) error {
		var check string
		var hash []byte
		err := scan(&check, &hash)
		had[check] = hash
		return err
	})
	if err != nil {
		return err
	}
	if len(had)+len(p.Checks) > maxTexts {
		return h.reject(d, "more checks than a host may have")
	}
	for i := range p.Checks {
		c := p.Checks[i]
		body, err := wire.Encode(wire.Record{Pack: &finding.Pack{Checks: []finding.CheckInfo{c}}})
		if err != nil {
			return err
		}
		hash := sha256.Sum256(body)
		if err := h.text(c.ID, p.Digest[:], had[c.ID], hash[:], body); err != nil {
			return fmt.Errorf("keep text of %s: %w", c.ID, err)
		}
		had[c.ID] = hash[:]
	}
	h.pack = p.Digest[:]
	return nil
}

func (h *host) text(check string, digest, old, hash, body []byte) error {
	if !bytes.Equal(old, hash) {
		if err := h.Exec("INSERT INTO info VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE SET hosts = hosts + 1", hash, check, body); err != nil {
			return err
		}
		if old != nil {
			if err := h.dropText(old); err != nil {
				return err
			}
		}
	}
	return h.Exec("INSERT OR REPLACE INTO host_info VALUES (?, ?, ?, ?)", h.key, check, digest, hash)
}

func (b *batch) dropText(hash []byte) error {
	if err := b.Exec("UPDATE info SET hosts = hosts - 1 WHERE hash = ?", hash); err != nil {
		return err
	}
	return b.Exec("DELETE FROM info WHERE hash = ? AND hosts <= 0", hash)
}
