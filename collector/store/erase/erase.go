// Package erase deletes a host from a store, everywhere and at once, and counts what
// was there. It is for a person who asks that nothing of a host be kept: retention is
// package purge's.
//
// Chains of events lead past what is gone, and the numbers of events are never given
// twice. Of the sums over days past the host stays a part: they are numbers, and name
// nobody.
package erase

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/store/purge"
)

// Count says how many rows of a table were deleted, or are left.
type Count struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// Tables returns the tables of which each row belongs to the host in its column host.
func Tables() []string {
	return []string{"host", "position", "gap", "rejected", "state", "part_set", "part", "event", "host_info", "host_check", "member",
		"detection", "detection_count", "host_label", "host_told", "host_tag", "life", "triage", "waiver", "host_day", "advisory", "advised",
		"advisory_waiting"}
}

// Host deletes all rows of a host, and what waits to be told of it, and returns what
// was deleted. What stands in the fleet's rollups for it must be out of them before.
func Host(w db.Writer, key []byte) (gone []Count, err error) {
	if err := unchain(w, key); err != nil {
		return nil, fmt.Errorf("lead chains of events past the host: %w", err)
	}
	if err := texts(w, key); err != nil {
		return nil, fmt.Errorf("forget the host's texts: %w", err)
	}
	n, err := w.Change("DELETE FROM request WHERE clone_of = ? OR key IN (SELECT m.key FROM member m WHERE m.host = ?)", key, key)
	if err != nil {
		return nil, fmt.Errorf("delete requests: %w", err)
	}
	gone = append(gone, Count{"request", n})
	if err := w.Exec("UPDATE member SET clone_of = ? WHERE clone_of = ?", []byte{}, key); err != nil {
		return nil, fmt.Errorf("forget copies of the host: %w", err)
	}
	for _, t := range Tables() {
		n, err := w.Change("DELETE FROM "+t+" WHERE host = ?", key)
		if err != nil {
			return nil, fmt.Errorf("delete from %s: %w", t, err)
		}
		gone = append(gone, Count{t, n})
	}
	more, err := messages(w, key)
	return append(gone, more...), err
}

// Left counts the rows that name a host, table by table: nothing, after [Host]. The
// audit trail is not asked: it says that the host was forgotten.
func Left(w db.Writer, key []byte) (left []Count, err error) {
	for _, t := range Tables() {
		var n int64
		if _, err := w.Row("SELECT count(*) FROM "+t+" WHERE host = ?", []any{key}, &n); err != nil {
			return nil, fmt.Errorf("count in %s: %w", t, err)
		}
		left = append(left, Count{t, n})
	}
	for _, m := range waiting() {
		ids, err := m.named(w, key)
		if err != nil {
			return nil, err
		}
		left = append(left, Count{m.table, int64(len(ids))})
	}
	return left, nil
}

// unchain leads the chains of events of each check past those of the host.
func unchain(w db.Writer, key []byte) error {
	// A number that was given once is not given again, whatever is deleted.
	err := w.Exec(`INSERT INTO meta (name, value) SELECT 'event_last', coalesce(max(id), 0) FROM event WHERE id > 0
		ON CONFLICT (name) DO UPDATE SET value = CASE WHEN meta.value > excluded.value THEN meta.value ELSE excluded.value END`)
	if err != nil {
		return err
	}
	err = w.Exec(`UPDATE event SET check_before = b.prev FROM (SELECT e.id, lag(e.id, 1, 0) OVER (PARTITION BY e.check_id ORDER BY e.id) AS prev
		FROM event e WHERE e.host <> ? AND e.check_id IN (SELECT o.check_id FROM event o WHERE o.host = ?)) AS b
		WHERE b.id = event.id AND event.check_before IN (SELECT o.id FROM event o WHERE o.host = ?)`, key, key, key)
	if err != nil {
		return err
	}
	err = w.Exec(`UPDATE check_newest SET event = coalesce((SELECT max(e.id) FROM event e WHERE e.check_id = check_newest.check_id AND e.host <> ?), 0)
		WHERE event IN (SELECT o.id FROM event o WHERE o.host = ?)`, key, key)
	if err != nil {
		return err
	}
	return w.Exec("DELETE FROM check_newest WHERE event = 0")
}

// texts takes the host out of those that have the static text of checks.
func texts(w db.Writer, key []byte) error {
	var all [][]byte
	err := w.Rows("SELECT hash FROM host_info WHERE host = ?", []any{key}, func(scan func(...any) error) error {
		var hash []byte
		err := scan(&hash)
		all = append(all, hash)
		return err
	})
	for _, hash := range all {
		if err == nil {
			err = purge.Text(w, hash)
		}
	}
	return err
}

// kept is a table of messages, which name hosts in their texts.
type kept struct {
	table  string
	read   string // its key columns and a text
	remove string
}

func waiting() []kept {
	return []kept{
		{"alert_waiting", "SELECT rule, grp, place, grp || body FROM alert_waiting", "DELETE FROM alert_waiting WHERE rule = ? AND grp = ? AND place = ?"},
		{"alert_group", "SELECT rule, grp, 0, grp FROM alert_group", "DELETE FROM alert_group WHERE rule = ? AND grp = ? AND 0 = ?"},
		{"alert_subject", "SELECT rule, subject, 0, subject || body FROM alert_subject", "DELETE FROM alert_subject WHERE rule = ? AND subject = ? AND 0 = ?"},
		{"outbox", "SELECT 0, id, seq, body FROM outbox", "DELETE FROM outbox WHERE 0 = ? AND id = ? AND seq = ?"},
	}
}

// row is a row of such a table.
type row struct {
	number int64
	name   string
	place  int64
}

// named returns the rows whose text names the host.
func (k kept) named(w db.Writer, key []byte) (found []row, err error) {
	id := []byte(hex.EncodeToString(key))
	err = w.Rows(k.read, nil, func(scan func(...any) error) error {
		var r row
		var text []byte
		if err := scan(&r.number, &r.name, &r.place, &text); err != nil {
			return err
		}
		if bytes.Contains(text, id) {
			found = append(found, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for the host in %s: %w", k.table, err)
	}
	return found, nil
}

// messages deletes what waits to be told, or was told, and names the host.
func messages(w db.Writer, key []byte) (gone []Count, err error) {
	for _, k := range waiting() {
		found, err := k.named(w, key)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if err := w.Exec(k.remove, r.number, r.name, r.place); err != nil {
				return nil, fmt.Errorf("delete from %s: %w", k.table, err)
			}
		}
		gone = append(gone, Count{k.table, int64(len(found))})
	}
	return gone, nil
}
