package store

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/store/sqlite"
)

const (
	expireStep  = 2000 // events deleted in one transaction
	expirePause = 50 * time.Millisecond
	expireEvery = 10 * time.Minute
	// maxKept bounds the rows that a host has in gap and in rejected. The counts
	// in the host's row go on.
	maxKept = 1000
	// daysKept bounds the daily rollups.
	daysKept = 800
)

// expire deletes a little of what is too old and returns when to go on. It runs in
// the writer between transactions, so each step is short.
func (s *Store) expire() time.Duration {
	more := false
	err := s.transact([]request{{do: func(b *batch) (err error) {
		if more, err = b.expireEvents(s.cfg.Retention); err != nil || more {
			return err
		}
		return b.expireRest()
	}}})
	if err != nil {
		s.cfg.Log.Error("old events stay", "err", sqlite.Classify(err))
		return expireEvery
	}
	if more {
		return expirePause
	}
	// Gives the room of deleted rows back to the file system, a little at a time.
	if _, err := s.data.Writer.Conn.ExecContext(context.Background(), "PRAGMA incremental_vacuum(1000)"); err != nil {
		s.cfg.Log.Warn("database does not shrink", "err", err)
	}
	return expireEvery
}

// expireEvents deletes the oldest events beyond the retention and reports whether
// there may be more.
func (b *batch) expireEvents(keep time.Duration) (bool, error) {
	before := b.now.Add(-keep).UnixNano()
	var last, n int64
	err := b.Rows("SELECT id, received FROM event ORDER BY id LIMIT ?", []any{expireStep}, func(scan func(...any) error) error {
		var id, received int64
		err := scan(&id, &received)
		if received < before && n >= 0 {
			last = id
			n++
		}
		return err
	})
	if err != nil || n == 0 {
		return false, err
	}
	if err := b.Exec("DELETE FROM event WHERE id <= ? AND received < ?", last, before); err != nil {
		return false, fmt.Errorf("delete events: %w", err)
	}
	return n == expireStep, b.Exec("UPDATE meta SET value = value + ? WHERE name = 'events_expired'", n)
}

func (b *batch) expireRest() error {
	for _, text := range []string{
		`DELETE FROM gap WHERE (host, lane, epoch, from_seq) IN (SELECT host, lane, epoch, from_seq FROM
			(SELECT *, row_number() OVER (PARTITION BY host ORDER BY found DESC) AS n FROM gap) WHERE n > ?)`,
		`DELETE FROM rejected WHERE (host, lane, epoch, seq) IN (SELECT host, lane, epoch, seq FROM
			(SELECT *, row_number() OVER (PARTITION BY host ORDER BY received DESC) AS n FROM rejected) WHERE n > ?)`,
	} {
		if err := b.Exec(text, maxKept); err != nil {
			return err
		}
	}
	if err := b.Exec("DELETE FROM day WHERE day < ?", b.now.Unix()/86400-daysKept); err != nil {
		return err
	}
	return b.expireTexts()
}

// expireTexts deletes the text of checks that came in an older pack and stand for
// no result.
func (b *batch) expireTexts() error {
	type text struct {
		host  []byte
		check string
		hash  []byte
	}
	var old []text
	err := b.Rows(`SELECT i.host, i.check_id, i.hash FROM host_info i JOIN host h ON h.host = i.host
		WHERE i.digest <> h.pack AND NOT EXISTS (SELECT 1 FROM state s WHERE s.host = i.host AND s.check_id = i.check_id)
		LIMIT ?`, []any{expireStep}, func(scan func(...any) error) error {
		var t text
		err := scan(&t.host, &t.check, &t.hash)
		old = append(old, t)
		return err
	})
	for _, t := range old {
		if err == nil {
			err = b.Exec("DELETE FROM host_info WHERE host = ? AND check_id = ?", t.host, t.check)
		}
		if err == nil {
			err = b.dropText(t.hash)
		}
	}
	return err
}
