package view

import (
	"context"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/collector/store/view/row"
	"seawall/pkg/finding"
)

// pendingCheck is the check whose failed resources are packages with a security
// update. pending is the condition of the index that has them by name: it must stand
// so in each query that uses it.
const (
	pendingCheck = "patch-security-updates"
	pending      = "s.check_id = 'patch-security-updates' AND s.status = 2"
)

// Packages returns a page of the packages of which security updates are pending,
// those pending on most hosts first. Archived hosts are left out.
func (v *View) Packages(ctx context.Context, q fleet.PackageQuery) (fleet.PackagePage, error) {
	bounds(&q.Page, &q.Size)
	p := fleet.PackagePage{Page: q.Page, Size: q.Size}
	var where pick.Condition
	where.And(pending + " AND s.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
	if len(q.Text) > pick.MaxText {
		return p, fmt.Errorf("read packages: a text of %d bytes; at most %d", len(q.Text), pick.MaxText)
	}
	if q.Text != "" {
		where.And(`lower(s.resource) LIKE ? ESCAPE '\'`, pick.Like(q.Text))
	}
	if !q.From.IsZero() {
		where.And("s.since >= ?", q.From.UnixNano())
	}
	if !q.To.IsZero() {
		where.And("s.since < ?", q.To.UnixNano())
	}
	if err := where.Scope("s.host", q.Scope); err != nil {
		return p, fmt.Errorf("read packages: %w", err)
	}
	groups := "FROM (SELECT s.resource AS resource, count(*) AS hosts, min(s.since) AS since FROM state s WHERE " + where.Text + " GROUP BY s.resource) g"
	err := v.reading(ctx, func(tx db.Querier) error {
		err := db.Each(ctx, tx, func(scan func(...any) error) error {
			var one fleet.Package
			var since int64
			err := scan(&one.Name, &one.Hosts, &since, &p.Total)
			one.Since = row.Time(since)
			p.Packages = append(p.Packages, one)
			return err
		}, "SELECT resource, hosts, since, count(*) OVER () "+groups+" ORDER BY hosts DESC, resource LIMIT ? OFFSET ?",
			append(where.Args, q.Size, q.Page*q.Size)...)
		if err != nil || len(p.Packages) > 0 || q.Page == 0 {
			return err
		}
		_, err = db.One(ctx, tx, "SELECT count(*) "+groups, where.Args, &p.Total)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read packages: %w", err)
	}
	return p, nil
}

// reading calls do with a transaction that reads.
func (v *View) reading(ctx context.Context, do func(db.Querier) error) error {
	tx, err := v.begin(ctx)
	if err != nil {
		return sqlite.Classify(err)
	}
	defer tx.end()
	return sqlite.Classify(do(tx))
}

// Results returns a page of the standing results of a check, those of archived hosts
// left out.
func (v *View) Results(ctx context.Context, q fleet.CheckQuery) (fleet.StatePage, error) {
	bounds(&q.Page, &q.Size)
	p := fleet.StatePage{Page: q.Page, Size: q.Size}
	from, by, where, err := results(&q)
	if err != nil {
		return p, fmt.Errorf("read results of %q: %w", q.Check, err)
	}
	err = v.reading(ctx, func(tx db.Querier) error {
		return db.Each(ctx, tx, func(scan func(...any) error) error {
			st, err := row.State(scan)
			p.States = append(p.States, st)
			return err
		}, "SELECT s.host, h.name, s.since, s.body FROM "+from+" WHERE "+where.Text+" ORDER BY "+by+", s.resource LIMIT ? OFFSET ?",
			append(where.Args, q.Size+1, q.Page*q.Size)...)
	})
	if err != nil {
		return p, fmt.Errorf("read results of %q: %w", q.Check, err)
	}
	if p.More = len(p.States) > q.Size; p.More {
		p.States = p.States[:q.Size]
	}
	return p, nil
}

// results is where the results of a check are found. The hosts on which a check is
// bad, and those with an update pending, have an index; for others each host is asked.
// What is read first is in the order of hosts, named by its own column: then a page
// costs what it shows.
func results(q *fleet.CheckQuery) (from, by string, where pick.Condition, err error) {
	bad := q.Status == finding.StatusUnspecified || q.Status.Bad()
	switch {
	case q.Check == pendingCheck && q.Resource != "" && (q.Status == finding.StatusUnspecified || q.Status == finding.StatusFail):
		from, by = "state s CROSS JOIN host h ON h.host = s.host", "s.host"
		where.And(pending)
	case bad:
		by = "c.host"
		from = "host_check c CROSS JOIN state s ON s.host = c.host AND s.check_id = c.check_id CROSS JOIN host h ON h.host = s.host"
		where.And("c.check_id = ?", q.Check)
	default:
		from, by = "host h CROSS JOIN state s ON s.host = h.host", "h.host"
		where.And("s.check_id = ?", q.Check)
	}
	if q.Status != finding.StatusUnspecified {
		where.And("s.status = ?", q.Status)
	} else {
		where.And("s.status IN (?, ?, ?)", finding.StatusFail, finding.StatusError, finding.StatusUnknown)
	}
	if q.Resource != "" {
		where.And("s.resource = ?", q.Resource)
	}
	where.And("h.archived = 0")
	return from, by, where, where.Scope(by, q.Scope)
}
