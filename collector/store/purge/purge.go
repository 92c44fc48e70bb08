// Package purge deletes from a store what is too old, a little at a time: it works
// in the writer's transactions, and what hosts send waits meanwhile.
//
// On PostgreSQL package week drops whole weeks of the timeline, before the rows of the
// last one are deleted here: 1.1 µs a row, and 1.5 µs for VACUUM.
package purge

import (
	"fmt"
	"time"

	"seawall/collector/db"
)

// Step is how many events are deleted in one transaction.
const Step = 2000

const (
	// maxKept bounds the rows that a host has in rejected. The count in the host's
	// row goes on.
	maxKept = 1000
	// daysKept bounds the daily rollups.
	daysKept = 800
	// onceKept is the life of an idempotency key, see package once.
	onceKept = 24 * time.Hour
)

// Events deletes the oldest events beyond the retention and reports whether there
// may be more. None goes before one that came earlier: chains of events would end at
// it. So one that came while the clock was ahead goes with what came after it.
func Events(w db.Writer, now time.Time, keep time.Duration) (bool, error) {
	last, n, more, err := expired(w, "SELECT id, received FROM event ORDER BY id LIMIT ?", now, keep)
	if err != nil || n == 0 {
		return false, err
	}
	if err := Number(w); err != nil {
		return false, err
	}
	if err := w.Exec("DELETE FROM event WHERE id <= ?", last); err != nil {
		return false, fmt.Errorf("delete events: %w", err)
	}
	return more, w.Exec("UPDATE meta SET value = value + ? WHERE name = 'events_expired'", n)
}

// Waivers deletes those that ended, or were ended, before the retention, and reports that
// there are no more.
func Waivers(w db.Writer, now time.Time, keep time.Duration) (bool, error) {
	before := now.Add(-keep).UnixNano()
	if err := w.Exec("DELETE FROM waiver WHERE expires < ? OR (ended <> 0 AND ended < ?)", before, before); err != nil {
		return false, fmt.Errorf("delete waivers: %w", err)
	}
	return false, nil
}

// Number keeps the highest number that an event ever had. Numbers are cursors, so none
// is given twice, whatever has been deleted.
func Number(w db.Writer) error {
	err := w.Exec(`INSERT INTO meta SELECT 'event_last', coalesce(max(n), 0) FROM (SELECT max(id) AS n FROM event
		UNION ALL SELECT max(newest) FROM host UNION ALL SELECT max(event) FROM check_newest
		UNION ALL SELECT value FROM meta WHERE name = 'event_last') x WHERE true
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`)
	if err != nil {
		return fmt.Errorf("keep the number of events: %w", err)
	}
	return nil
}

// expired returns the last of the oldest rows that may go, how many those are, and
// whether there may be more. The query gives a row's number and when it came, in
// order.
func expired(w db.Writer, query string, now time.Time, keep time.Duration) (last, n int64, more bool, err error) {
	before := now.Add(-keep).UnixNano()
	var seen int64
	young := false
	err = w.Rows(query, []any{Step}, func(scan func(...any) error) error {
		var id, received int64
		err := scan(&id, &received)
		young = young || received >= before && received <= now.UnixNano()
		seen++
		if received < before && !young {
			last, n = id, seen
		}
		return err
	})
	return last, n, seen == Step, err
}

// Rest bounds what a host may leave behind without end (the records not taken), and
// deletes what nothing shows any more: the places of gaps that the timeline no longer
// tells of, requests and tokens long given up and expired, old daily rollups and texts,
// the ends of chains.
func Rest(w db.Writer, now time.Time, keep time.Duration) error {
	err := w.Exec(`DELETE FROM rejected WHERE (host, lane, epoch, seq) IN (SELECT host, lane, epoch, seq FROM
		(SELECT *, row_number() OVER (PARTITION BY host ORDER BY received DESC) AS n FROM rejected) r WHERE n > ?)`, maxKept)
	if err != nil {
		return err
	}
	for _, text := range []string{
		"DELETE FROM gap WHERE found < ?",
		"DELETE FROM request WHERE again < ? AND decision <> 'rejected'", // that a person said no, enrolment keeps
		"DELETE FROM token WHERE expires < ?",
	} {
		if err := w.Exec(text, now.Add(-keep).UnixNano()); err != nil {
			return err
		}
	}
	for _, text := range []string{"DELETE FROM day WHERE day < ?", "DELETE FROM host_day WHERE day < ?"} {
		if err := w.Exec(text, now.Unix()/86400-daysKept); err != nil {
			return err
		}
	}
	if err := w.Exec("DELETE FROM once WHERE born < ?", now.Add(-onceKept).UnixNano()); err != nil {
		return err
	}
	// Of the checks that hosts once named, most may be gone.
	if err := w.Exec("DELETE FROM check_newest WHERE event < (SELECT coalesce(min(id), 4611686018427387904) FROM event)"); err != nil {
		return err
	}
	return texts(w)
}

// texts deletes the text of checks that came in an older pack and stand for
// no result.
func texts(w db.Writer) error {
	type text struct {
		host  []byte
		check string
		hash  []byte
	}
	var old []text
	err := w.Rows(`SELECT i.host, i.check_id, i.hash FROM host_info i JOIN host h ON h.host = i.host
		WHERE i.digest <> h.pack AND NOT EXISTS (SELECT 1 FROM state s WHERE s.host = i.host AND s.check_id = i.check_id)
		LIMIT ?`, []any{Step}, func(scan func(...any) error) error {
		var t text
		err := scan(&t.host, &t.check, &t.hash)
		old = append(old, t)
		return err
	})
	for _, t := range old {
		if err == nil {
			err = w.Exec("DELETE FROM host_info WHERE host = ? AND check_id = ?", t.host, t.check)
		}
		if err == nil {
			err = Text(w, t.hash)
		}
	}
	return err
}

// Text drops one host's use of a check's text, and the text with its last use.
func Text(w db.Writer, hash []byte) error {
	if err := w.Exec("UPDATE info SET hosts = hosts - 1 WHERE hash = ?", hash); err != nil {
		return err
	}
	return w.Exec("DELETE FROM info WHERE hash = ? AND hosts <= 0", hash)
}
