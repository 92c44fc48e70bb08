package view

import (
	"context"
	"fmt"
	"slices"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/pkg/finding"
)

// Overview returns the fleet at a glance, from the rollups alone.
func (v *View) Overview(ctx context.Context) (o fleet.Overview, err error) {
	if o, err = v.fleet(ctx); err != nil {
		return o, fmt.Errorf("read overview: %w", sqlite.Classify(err))
	}
	if o.Worst, err = v.checks(ctx, "WHERE hosts > 0 ORDER BY hosts DESC, fail DESC, check_id LIMIT ?", maxWorst); err != nil {
		return o, fmt.Errorf("read worst checks: %w", sqlite.Classify(err))
	}
	if o.Recent, err = v.Timeline(ctx, fleet.TimelineQuery{Limit: maxRecent}); err != nil {
		return o, err
	}
	if o.Detections, err = v.Detections(ctx, fleet.DetectionQuery{Limit: maxNewest}); err != nil {
		return o, err
	}
	if o.Days, err = v.days(ctx, v.now()); err != nil {
		return o, fmt.Errorf("read days: %w", sqlite.Classify(err))
	}
	return o, nil
}

// fleet sums up hosts and members.
func (v *View) fleet(ctx context.Context) (o fleet.Overview, err error) {
	tx, err := v.begin(ctx)
	if err != nil {
		return o, err
	}
	defer tx.end()
	if err := tx.results(ctx, &o); err != nil {
		return o, err
	}
	var online, silent, archived int
	n := &o.BySeverity
	silentAt, offlineAt := tx.outages.Silent(tx.now).UnixNano(), tx.outages.Offline(tx.now).UnixNano()
	err = tx.QueryRowContext(ctx, `SELECT count(*),
		count(*) FILTER (WHERE last_seen >= ?), count(*) FILTER (WHERE last_seen < ? AND last_seen >= ?),
		coalesce(sum(severity0), 0), coalesce(sum(severity1), 0), coalesce(sum(severity2), 0),
		coalesce(sum(severity3), 0), coalesce(sum(severity4), 0), coalesce(sum(severity5), 0),
		(SELECT count(*) FROM host WHERE archived <> 0),
		(SELECT count(*) FROM request WHERE decision = 'waiting') FROM host WHERE archived = 0`,
		silentAt, silentAt, offlineAt).Scan(
		&o.Hosts, &online, &silent, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &archived, &o.Requests)
	if err != nil {
		return o, err
	}
	o.Presence = map[fleet.Presence]int{
		fleet.Online: online, fleet.Silent: silent, fleet.Offline: o.Hosts - online - silent, fleet.Archived: archived,
	}
	o.Standing = make(map[fleet.Standing]int)
	err = db.Each(ctx, tx, func(scan func(...any) error) error {
		var standing fleet.Standing
		var members, expired int
		err := scan(&standing, &members, &expired)
		if o.Standing[standing] = members; standing == fleet.Active {
			o.Expired = expired
		}
		return err
	}, `SELECT standing, count(*), count(*) FILTER (WHERE expires < ?) FROM member
		WHERE host NOT IN (SELECT host FROM host WHERE archived <> 0) GROUP BY standing`, tx.now.UnixNano())
	if err != nil {
		return o, err
	}
	return o, tx.detections(ctx, func(_ fleet.HostID, s finding.Severity, n int) { o.Detected[s] += n },
		"WHERE c.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
}

// results counts the standing results by status. The rollups of checks leave archived
// hosts out, and are few beside the hosts.
func (s *snapshot) results(ctx context.Context, o *fleet.Overview) error {
	c := &o.Counts
	_, err := db.One(ctx, s, `SELECT coalesce(sum(pass), 0), coalesce(sum(fail), 0), coalesce(sum(not_applicable), 0),
		coalesce(sum(unknown), 0), coalesce(sum(error), 0), coalesce(sum(waived), 0),
		coalesce(sum(CASE WHEN check_id = ? THEN fail ELSE 0 END), 0) FROM check_rollup`, []any{pick.PendingCheck},
		&c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived, &o.Pending)
	return err
}

// days returns the last days without holes: a day on which nothing changed has the
// counts of the one before.
func (v *View) days(ctx context.Context, now time.Time) ([]fleet.Day, error) {
	today := now.Unix() / 86400
	var known []fleet.Day // newest first
	err := db.Each(ctx, v.db, func(scan func(...any) error) error {
		var d fleet.Day
		var day int64
		c := &d.Counts
		err := scan(&day, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived, &d.Changes, &d.Detections)
		d.Day = time.Unix(day*86400, 0).UTC()
		known = append(known, d)
		return err
	}, `SELECT day, pass, fail, not_applicable, unknown, error, waived, changes, detections FROM day
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
		for ; d.Day.Before(end); d.Day, d.Changes, d.Detections = d.Day.AddDate(0, 0, 1), 0, 0 {
			if !d.Day.Before(first) {
				days = append(days, d)
			}
		}
	}
	return days, nil
}

// Positions returns the newest committed position of each of a host's lanes.
func (v *View) Positions(ctx context.Context, id fleet.HostID) ([]fleet.Position, error) {
	key, err := id.Bytes()
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	var out []fleet.Position
	err = db.Each(ctx, v.db, func(scan func(...any) error) error {
		var p fleet.Position
		var number, last, digest, ordinal int64
		err := scan(&p.Lane, &number, &last, &digest, &ordinal)
		p.Epoch, p.Sequence, p.Digest = uint64(number), uint64(last), uint64(digest)
		out = append(out, p)
		return err
	}, `SELECT lane, epoch, last, digest, ordinal FROM position p WHERE host = ? AND
		ordinal = (SELECT max(ordinal) FROM position n WHERE n.host = p.host AND n.lane = p.lane) ORDER BY lane`, key)
	if err != nil {
		return nil, fmt.Errorf("read positions of %s: %w", id, sqlite.Classify(err))
	}
	return out, nil
}
