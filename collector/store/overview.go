package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"seawall/collector/fleet"
)

// Overview returns the fleet at a glance, from the rollups alone.
func (s *Store) Overview(ctx context.Context) (fleet.Overview, error) {
	o := fleet.Overview{Presence: make(map[fleet.Presence]int)}
	now := s.cfg.Now()
	var online, silent int
	c, v := &o.Counts, &o.BySeverity
	err := s.read.QueryRowContext(ctx, `SELECT count(*),
		count(*) FILTER (WHERE last_seen >= ?1), count(*) FILTER (WHERE last_seen < ?1 AND last_seen >= ?2),
		ifnull(sum(pass), 0), ifnull(sum(fail), 0), ifnull(sum(not_applicable), 0), ifnull(sum(unknown), 0),
		ifnull(sum(error), 0), ifnull(sum(waived), 0), ifnull(sum(severity0), 0), ifnull(sum(severity1), 0),
		ifnull(sum(severity2), 0), ifnull(sum(severity3), 0), ifnull(sum(severity4), 0), ifnull(sum(severity5), 0),
		ifnull(sum(pending), 0) FROM host`, now.Add(-silentAfter).UnixNano(), now.Add(-offlineAfter).UnixNano()).Scan(
		&o.Hosts, &online, &silent, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived,
		&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &o.Pending)
	if err != nil {
		return o, fmt.Errorf("read overview: %w", classify(err))
	}
	o.Presence[fleet.Online], o.Presence[fleet.Silent], o.Presence[fleet.Offline] = online, silent, o.Hosts-online-silent
	if o.Worst, err = s.checks(ctx, "WHERE hosts > 0 ORDER BY hosts DESC, fail DESC, check_id LIMIT ?", maxWorst); err != nil {
		return o, fmt.Errorf("read worst checks: %w", classify(err))
	}
	if o.Recent, err = s.Timeline(ctx, fleet.TimelineQuery{Limit: maxRecent}); err != nil {
		return o, err
	}
	if o.Days, err = s.days(ctx, now); err != nil {
		return o, fmt.Errorf("read days: %w", classify(err))
	}
	return o, nil
}

// days returns the last days without holes: a day on which nothing changed has the
// counts of the one before.
func (s *Store) days(ctx context.Context, now time.Time) ([]fleet.Day, error) {
	today := now.Unix() / 86400
	var known []fleet.Day // newest first
	err := eachRow(func(scan func(...any) error) error {
		var d fleet.Day
		var day int64
		c := &d.Counts
		err := scan(&day, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived, &d.Changes)
		d.Day = time.Unix(day*86400, 0).UTC()
		known = append(known, d)
		return err
	})(s.read.QueryContext(ctx, `SELECT day, pass, fail, not_applicable, unknown, error, waived, changes FROM day
		WHERE day <= ? ORDER BY day DESC LIMIT ?`, today, maxDays+1))
	if err != nil {
		return nil, err
	}
	slices.Reverse(known)
	var days []fleet.Day
	for i, d := range known {
		end := time.Unix((today+1)*86400, 0).UTC()
		if i+1 < len(known) {
			end = known[i+1].Day
		}
		first := time.Unix((today-maxDays+1)*86400, 0).UTC()
		for ; d.Day.Before(end); d.Day, d.Changes = d.Day.AddDate(0, 0, 1), 0 {
			if !d.Day.Before(first) {
				days = append(days, d)
			}
		}
	}
	return days, nil
}

// Positions returns the newest committed position of each of a host's lanes.
func (s *Store) Positions(ctx context.Context, id fleet.HostID) ([]fleet.Position, error) {
	key, err := hostKey(id)
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	var out []fleet.Position
	err = eachRow(func(scan func(...any) error) error {
		var p fleet.Position
		var number, last, ordinal int64
		err := scan(&p.Lane, &number, &last, &ordinal)
		p.Epoch, p.Sequence = uint64(number), uint64(last)
		out = append(out, p)
		return err
	})(s.read.QueryContext(ctx, "SELECT lane, epoch, last, max(ordinal) FROM position WHERE host = ? GROUP BY lane", key))
	if err != nil {
		return nil, fmt.Errorf("read positions of %s: %w", id, classify(err))
	}
	return out, nil
}

// ErrSet is returned by [Store.SetAdminHash] when there is one.
var ErrSet = errors.New("the administrator has a password")

// AdminHash returns the hash of the administrator's password, if there is one.
func (s *Store) AdminHash(ctx context.Context) (hash string, ok bool, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT hash FROM credential WHERE name = 'admin'").Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read credential: %w", classify(err))
	}
	return hash, true, nil
}

// SetAdminHash sets the hash of the administrator's password. It returns [ErrSet]
// when there is one already.
func (s *Store) SetAdminHash(ctx context.Context, hash string) error {
	return s.submit(ctx, func(b *batch) error {
		var n int
		if _, err := b.row("SELECT count(*) FROM credential WHERE name = 'admin'", nil, &n); err != nil {
			return err
		}
		if n > 0 {
			return ErrSet
		}
		return b.exec("INSERT INTO credential VALUES ('admin', ?, ?)", hash, b.now.UnixNano())
	})
}

// ReplaceAdminHash sets the hash of the administrator's password, whether or not
// there is one.
func (s *Store) ReplaceAdminHash(ctx context.Context, hash string) error {
	return s.submit(ctx, func(b *batch) error {
		return b.exec("INSERT OR REPLACE INTO credential VALUES ('admin', ?, ?)", hash, b.now.UnixNano())
	})
}

// Ready makes a write durable, and so says whether the store can take records.
func (s *Store) Ready(ctx context.Context) error {
	err := s.submit(ctx, func(b *batch) error {
		return b.exec("UPDATE meta SET value = ? WHERE name = 'probe'", b.now.UnixNano())
	})
	if err != nil {
		return fmt.Errorf("write probe: %w", err)
	}
	return nil
}
