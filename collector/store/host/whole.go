package host

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"seawall/collector/fleet"
	"seawall/collector/store/purge"
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
func (h *Host) part(d *fleet.Delivery, body []byte) error {
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
	case size > maxPartBytes || int(p.Total) > h.limits.Results:
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
func (h *Host) beginSet(d *fleet.Delivery, p *finding.StatePart) error {
	if err := h.Exec("DELETE FROM part WHERE host = ? AND lane = ?", h.key, d.Lane); err != nil {
		return err
	}
	return h.Exec(`INSERT INTO part_set VALUES (?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (host, lane) DO UPDATE SET state_id = excluded.state_id,
		parts = excluded.parts, total = excluded.total, digest = excluded.digest, have = 0, size = 0`,
		h.key, d.Lane, int64(p.ID), p.Parts, p.Total, p.Digest[:])
}

// assemble puts the parts together; all are there.
func (h *Host) assemble(d *fleet.Delivery, p *finding.StatePart) error {
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

// texts keeps the static text of checks. The same text of many hosts is one row.
func (h *Host) texts(d *fleet.Delivery) error {
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

func (h *Host) text(check string, digest, old, hash, body []byte) error {
	if !bytes.Equal(old, hash) {
		if err := h.Exec("INSERT INTO info VALUES (?, ?, 1, ?) ON CONFLICT (hash) DO UPDATE SET hosts = info.hosts + 1", hash, check, body); err != nil {
			return err
		}
		if old != nil {
			if err := purge.Text(h.Writer, old); err != nil {
				return err
			}
		}
	}
	return h.Exec("INSERT INTO host_info VALUES (?, ?, ?, ?) ON CONFLICT (host, check_id) DO UPDATE SET digest = excluded.digest, hash = excluded.hash", h.key, check, digest, hash)
}
