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
	pick.Page(&q.Page, &q.Size)
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
	case q.Check == pick.PendingCheck && q.Resource != "" && (q.Status == finding.StatusUnspecified || q.Status == finding.StatusFail):
		from, by = "state s CROSS JOIN host h ON h.host = s.host", "s.host"
		where.And(pick.Pending)
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
	where.Since("s.since", q.From, q.To)
	where.And("h.archived = 0")
	return from, by, where, where.Scope(by, q.Scope)
}
