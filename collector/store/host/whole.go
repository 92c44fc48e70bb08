package host

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"seawall/collector/fleet"
	"seawall/collector/store/host/part"
	"seawall/collector/store/purge"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// maxTexts bounds the checks of which a host may bring the text.
const maxTexts = 2048

// part keeps a part of a whole state, and applies the state when it is complete.
func (h *Host) part(d *fleet.Delivery, body []byte) error {
	lane := part.Lane{Writer: h.Writer, Host: h.key, Name: d.Lane, Results: h.limits.Results}
	o, err := lane.Take(d.Record.State, body)
	switch {
	case err != nil:
		return err
	case o.Refused != "":
		return h.reject(d, o.Refused)
	case o.Complete:
		return h.replace(d, d.Record.State, o.Results)
	}
	return nil
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
