package report

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// reading reads a report in one transaction. Within is a condition on h.host.
type reading struct {
	q      db.Querier
	now    time.Time
	within string
	args   []any
	all    bool // the fleet's rollups have it
	brief  bool
}

// each reads the rows of a query whose last parameters are those of within, and more
// after them.
func (w *reading) each(ctx context.Context, row func(scan func(...any) error) error, text string, more ...any) error {
	return db.Each(ctx, w.q, row, text, append(append([]any(nil), w.args...), more...)...)
}

func (w *reading) read(ctx context.Context, r *Report) error {
	for _, step := range []struct {
		what string
		do   func(context.Context, *Report) error
	}{{"hosts", w.hosts}, {"checks", w.checks}, {"packages", w.packages}, {"ages of updates", w.ages}, {"detections", w.detections}} {
		if err := step.do(ctx, r); err != nil {
			return fmt.Errorf("read %s: %w", step.what, err)
		}
	}
	return nil
}

const sums = `coalesce(sum(h.pass), 0), coalesce(sum(h.fail), 0), coalesce(sum(h.not_applicable), 0), coalesce(sum(h.unknown), 0),
	coalesce(sum(h.error), 0), coalesce(sum(h.waived), 0)`

// hosts reads the sums over hosts.
func (w *reading) hosts(ctx context.Context, r *Report) error {
	n, c := &r.Failing, &r.Counts
	return w.each(ctx, func(scan func(...any) error) error {
		return scan(&r.Hosts, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived,
			&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &r.Pending.All)
	}, "SELECT count(*), "+sums+`, coalesce(sum(h.severity0), 0), coalesce(sum(h.severity1), 0), coalesce(sum(h.severity2), 0),
		coalesce(sum(h.severity3), 0), coalesce(sum(h.severity4), 0), coalesce(sum(h.severity5), 0), coalesce(sum(h.pending), 0)
		FROM host h WHERE `+w.within)
}

// checks reads how many results of which check are bad.
func (w *reading) checks(ctx context.Context, r *Report) error {
	row := func(scan func(...any) error) error {
		var c Check
		err := scan(&c.Info.ID, &c.Hosts, &c.Bad)
		c.Info.Title = c.Info.ID
		r.Checks = append(r.Checks, c)
		return err
	}
	if w.all {
		return db.Each(ctx, w.q, row, `SELECT check_id, hosts, fail + unknown + error FROM check_rollup WHERE hosts > 0
			ORDER BY hosts DESC, check_id LIMIT ?`, maxChecks)
	}
	return w.each(ctx, row, "SELECT h.check_id, count(*) AS hosts, sum(h.bad) FROM host_check h WHERE h.bad > 0 AND "+w.within+
		" GROUP BY h.check_id ORDER BY hosts DESC, h.check_id LIMIT ?", maxChecks)
}

// pending are the results that are pending security updates, by an index of their own.
const pending = "state h WHERE h.check_id = 'patch-security-updates' AND h.status = 2 AND "

// packages reads the packages that are pending on most hosts.
func (w *reading) packages(ctx context.Context, r *Report) error {
	if w.brief {
		return nil
	}
	return w.each(ctx, func(scan func(...any) error) error {
		var p Package
		var since int64
		err := scan(&p.Name, &p.Hosts, &since)
		p.Since = time.Unix(0, since).UTC()
		r.Packages = append(r.Packages, p)
		return err
	}, "SELECT h.resource, count(*) AS hosts, min(h.since) FROM "+pending+w.within+" GROUP BY h.resource ORDER BY hosts DESC, h.resource LIMIT ?", maxPackages)
}

// ages reads for how long updates are pending.
func (w *reading) ages(ctx context.Context, r *Report) error {
	p := &r.Pending
	before := func(days int) any { return w.now.AddDate(0, 0, -days).UnixNano() }
	args := append([]any{before(7), before(30), before(90)}, w.args...)
	_, err := db.One(ctx, w.q, `SELECT coalesce(sum(CASE WHEN h.since < ? THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN h.since < ? THEN 1 ELSE 0 END), 0),
		coalesce(sum(CASE WHEN h.since < ? THEN 1 ELSE 0 END), 0), count(*) FROM `+pending+w.within, args, &p.Month, &p.Quarter, &p.Longer, &p.All)
	p.Week, p.Month, p.Quarter = p.All-p.Month, p.Month-p.Quarter, p.Quarter-p.Longer
	return err
}

// detections reads how many are kept.
func (w *reading) detections(ctx context.Context, r *Report) error {
	return w.each(ctx, func(scan func(...any) error) error {
		var severity finding.Severity
		var n int
		err := scan(&severity, &n)
		if int(severity) < len(r.Detected) {
			r.Detected[severity] += n
		}
		return err
	}, "SELECT h.severity, sum(h.n) FROM detection_count h WHERE "+w.within+" GROUP BY h.severity")
}

// trend reads the last days. The last of them is as it is now.
func (w *reading) trend(ctx context.Context, now fleet.Counts, days int) ([]fleet.Day, error) {
	today := w.now.Unix() / 86400
	from := today - int64(days) + 1
	known := make(map[int64]fleet.Day)
	row := func(scan func(...any) error) error {
		var day int64
		var d fleet.Day
		c := &d.Counts
		err := scan(&day, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived, &d.Changes, &d.Detections)
		known[max(day, from)] = d
		return err
	}
	var err error
	if w.all {
		// A day on which nothing changed has no row: what was before goes on.
		err = db.Each(ctx, w.q, row, `SELECT day, pass, fail, not_applicable, unknown, error, waived, CASE WHEN day < ? THEN 0 ELSE changes END,
			CASE WHEN day < ? THEN 0 ELSE detections END FROM day WHERE day >= coalesce((SELECT max(day) FROM day WHERE day <= ?), 0) ORDER BY day`, from, from, from)
	} else {
		err = w.each(ctx, row, `SELECT h.day, sum(h.pass), sum(h.fail), 0, sum(h.unknown), sum(h.error), 0, 0, 0 FROM host_day h
			WHERE `+w.within+" AND h.day >= ? GROUP BY h.day ORDER BY h.day", from)
	}
	if err != nil {
		return nil, fmt.Errorf("read the last days: %w", err)
	}
	last := known[today]
	last.Counts = now
	known[today] = last
	return series(known, from, today), nil
}

// series puts days in order from the first that is known, each without a row as the one
// before.
func series(known map[int64]fleet.Day, from, today int64) (all []fleet.Day) {
	var before fleet.Day
	for day := from; day <= today; day++ {
		d, ok := known[day]
		if !ok && len(all) == 0 {
			continue
		}
		if !ok {
			d = fleet.Day{Counts: before.Counts}
		}
		d.Day = time.Unix(day*86400, 0).UTC()
		all, before = append(all, d), d
	}
	return all
}
