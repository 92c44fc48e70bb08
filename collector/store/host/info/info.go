// Package info keeps the static text of checks (titles, rationales, remediations) that hosts
// bring. The same text of many hosts is one row, with the number of hosts that have it.
package info

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/store/purge"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// maxTexts bounds the checks of which a host may bring the text.
const maxTexts = 2048

// Take keeps the texts of a host's pack, within a transaction of the writer, or says why
// they are refused.
func Take(w db.Writer, host []byte, p *finding.Pack) (refused string, err error) {
	had := make(map[string][]byte)
	err = w.Rows("SELECT check_id, hash FROM host_info WHERE host = ?", []any{host}, func(scan func(...any) error) error {
		var check string
		var hash []byte
		err := scan(&check, &hash)
		had[check] = hash
		return err
	})
	if err != nil {
		return "", err
	}
	if len(had)+len(p.Checks) > maxTexts {
		return "more checks than a host may have", nil
	}
	for i := range p.Checks {
		c := p.Checks[i]
		body, err := wire.Encode(wire.Record{Pack: &finding.Pack{Checks: []finding.CheckInfo{c}}})
		if err != nil {
			return "", err
		}
		hash := sha256.Sum256(body)
		if err := keep(w, host, row{c.ID, p.Digest[:], hash[:], body}, had[c.ID]); err != nil {
			return "", fmt.Errorf("keep text of %s: %w", c.ID, err)
		}
		had[c.ID] = hash[:]
	}
	return "", nil
}

// row is the text of a check; digest is that of the pack that it came in.
type row struct {
	check              string
	digest, hash, body []byte
}

func keep(w db.Writer, host []byte, r row, old []byte) error {
	if !bytes.Equal(old, r.hash) {
		if err := w.Exec("INSERT INTO info VALUES (?, ?, 1, ?) ON CONFLICT (hash) DO UPDATE SET hosts = info.hosts + 1", r.hash, r.check, r.body); err != nil {
			return err
		}
		if old != nil {
			if err := purge.Text(w, old); err != nil {
				return err
			}
		}
	}
	return w.Exec("INSERT INTO host_info VALUES (?, ?, ?, ?) ON CONFLICT (host, check_id) DO UPDATE SET digest = excluded.digest, hash = excluded.hash", host, r.check, r.digest, r.hash)
}
