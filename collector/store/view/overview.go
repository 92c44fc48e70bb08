package view

import (
	"context"
	"fmt"
	"slices"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
)

// Overview returns the fleet at a glance, from the rollups alone.
func (v *View) Overview(ctx context.Context) (fleet.Overview, error) {
	o := fleet.Overview{Presence: make(map[fleet.Presence]int)}
	now := v.now()
	var online, silent int
	c, n := &o.Counts, &o.BySeverity
	err := v.db.QueryRowContext(ctx, `SELECT count(*),
		count(*) FILTER (WHERE last_seen >= ?1), count(*) FILTER (WHERE last_seen < ?1 AND last_seen >= ?2),
		ifnull(sum(pass), 0), ifnull(sum(fail), 0), ifnull(sum(not_applicable), 0), ifnull(sum(unknown), 0),
		ifnull(sum(error), 0), ifnull(sum(waived), 0), ifnull(sum(severity0), 0), ifnull(sum(severity1), 0),
		ifnull(sum(severity2), 0), ifnull(sum(severity3), 0), ifnull(sum(severity4), 0), ifnull(sum(severity5), 0),
		ifnull(sum(pending), 0) FROM host`, now.Add(-silentAfter).UnixNano(), now.Add(-offlineAfter).UnixNano()).Scan(
		&o.Hosts, &online, &silent, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived,
		&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &o.Pending)
	if err != nil {
		return o, fmt.Errorf("read overview: %w", sqlite.Classify(err))
	}
	o.Presence[fleet.Online], o.Presence[fleet.Silent], o.Presence[fleet.Offline] = online, silent, o.Hosts-online-silent
	if o.Worst, err = v.checks(ctx, "WHERE hosts > 0 ORDER BY hosts DESC, fail DESC, check_id LIMIT ?", maxWorst); err != nil {
		return o, fmt.Errorf("read worst checks: %w", sqlite.Classify(err))
	}
	if o.Recent, err = v.Timeline(ctx, fleet.TimelineQuery{Limit: maxRecent}); err != nil {
		return o, err
	}
	if o.Days, err = v.days(ctx, now); err != nil {
		return o, fmt.Errorf("read days: %w", sqlite.Classify(err))
	}
	return o, nil
}

// days returns the last days without holes: a day on which nothing changed has the
// counts of the one before.
func (v *View) days(ctx context.Context, now time.Time) ([]fleet.Day, error) {
	today := now.Unix() / 86400
	var known []fleet.Day // newest first
	err := sqlite.Each(ctx, v.db, func(scan func(...any) error) error {
		var d fleet.Day
		var day int64
		c := &d.Counts
		err := scan(&day, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived, &d.Changes)
		d.Day = time.Unix(day*86400, 0).UTC()
		known = append(known, d)
		return err
	}, `SELECT day, pass, fail, not_applicable, unknown, error, waived, changes FROM day
		WHERE day <= ? ORDER BY day DESC LIMIT ?`, today, maxDays+1)
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
func (v *View) Positions(ctx context.Context, id fleet.HostID) ([]fleet.Position, error) {
	key, err := HostKey(id)
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	var out []fleet.Position
	err = sqlite.Each(ctx, v.db, func(scan func(...any) error) error {
		var p fleet.Position
		var number, last, ordinal int64
		err := scan(&p.Lane, &number, &last, &ordinal)
		p.Epoch, p.Sequence = uint64(number), uint64(last)
		out = append(out, p)
		return err
	}, "SELECT lane, epoch, last, max(ordinal) FROM position WHERE host = ? GROUP BY lane", key)
	if err != nil {
		return nil, fmt.Errorf("read positions of %s: %w", id, sqlite.Classify(err))
	}
	return out, nil
}
