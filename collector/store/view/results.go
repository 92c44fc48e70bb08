package view

import (
	"context"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/collector/store/view/row"
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
	from, by, where, err := pick.Results(&q)
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
