package store

import (
	"bytes"
	"crypto/sha256"
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

// part keeps a part of a whole state, and applies the state when it is complete. A
// part of another state drops what was incomplete.
func (h *host) part(d *fleet.Delivery, body []byte) error {
	p := d.Record.State
	if p.Parts == 1 {
		return h.replace(d, p, p.Results)
	}
	id := int64(p.ID)
	if err := h.exec("DELETE FROM part WHERE host = ? AND lane = ? AND state_id <> ?", h.key, d.Lane, id); err != nil {
		return err
	}
	var have, size, others int
	if _, err := h.row(`SELECT count(*), ifnull(sum(length(body)), 0), count(*) FILTER (WHERE parts <> ? OR total <> ? OR digest <> ?)
		FROM part WHERE host = ? AND lane = ? AND state_id = ?`,
		[]any{p.Parts, p.Total, p.Digest[:], h.key, d.Lane, id}, &have, &size, &others); err != nil {
		return err
	}
	switch {
	case others > 0:
		return h.reject(d, "part of a state differs from the others in parts, total or digest")
	case size+len(body) > maxPartBytes || int(p.Total) > h.store.cfg.MaxResults:
		return h.reject(d, "whole state is larger than a host's may be")
	}
	if err := h.exec("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		h.key, d.Lane, id, p.Part, p.Parts, p.Total, p.Digest[:], body); err != nil {
		return fmt.Errorf("keep part: %w", err)
	}
	if have+1 < int(p.Parts) {
		return nil
	}
	return h.assemble(d, p)
}

// assemble puts the parts together if all are there.
func (h *host) assemble(d *fleet.Delivery, p *finding.StatePart) error {
	var results []finding.Result
	parts := 0
	err := h.rows("SELECT body FROM part WHERE host = ? AND lane = ? AND state_id = ? ORDER BY part", []any{h.key, d.Lane, int64(p.ID)},
		func(scan func(...any) error) error {
			var body []byte
			if err := scan(&body); err != nil {
				return err
			}
			r, err := wire.Decode(body)
			if err != nil {
				return fmt.Errorf("decode part: %w", err)
			}
			parts++
			results = append(results, r.State.Results...)
			return nil
		})
	if err != nil || parts < int(p.Parts) {
		return err
	}
	if err := h.exec("DELETE FROM part WHERE host = ? AND lane = ?", h.key, d.Lane); err != nil {
		return err
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
	err = h.rows("SELECT check_id, resource, status, severity, since, body FROM state WHERE host = ?", []any{h.key},
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
			if err != nil {
				return fmt.Errorf("decode state: %w", err)
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
	err := h.rows("SELECT check_id, hash FROM host_info WHERE host = ?", []any{h.key}, func(scan func(...any) error) error {
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
		if err := h.exec("INSERT INTO info VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE SET hosts = hosts + 1", hash, check, body); err != nil {
			return err
		}
		if old != nil {
			if err := h.dropText(old); err != nil {
				return err
			}
		}
	}
	return h.exec("INSERT OR REPLACE INTO host_info VALUES (?, ?, ?, ?)", h.key, check, digest, hash)
}

func (b *batch) dropText(hash []byte) error {
	if err := b.exec("UPDATE info SET hosts = hosts - 1 WHERE hash = ?", hash); err != nil {
		return err
	}
	return b.exec("DELETE FROM info WHERE hash = ? AND hosts <= 0", hash)
}
