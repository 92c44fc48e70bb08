package view

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/part"
	"seawall/collector/store/view/pick"
	"seawall/pkg/finding"
)

// maxTries bounds how often changes of a part of the fleet are looked for: a query
// for them reads a bounded number of events, most of which may be of other hosts.
const maxTries = 4

// What hosts can be filtered by changes seldom. The results of a part of the fleet,
// counted by check, are in no rollup, and each of them is read.
const (
	facetsFor = 10 * time.Second
	checksFor = 30 * time.Second
)

// of is a scope as package part takes it.
func of(scope []string) part.Scope {
	return func(column string) (string, []any, error) {
		var c pick.Condition
		err := c.Scope(column, scope)
		return c.Text, c.Args, err
	}
}

// Within returns the hosts of a scope, archived ones, too.
func (v *View) Within(ctx context.Context, scope []string) (map[fleet.HostID]bool, error) {
	all, err := part.Within(ctx, v.db, of(scope))
	if err != nil {
		return nil, fmt.Errorf("read the hosts of a scope: %w", sqlite.Classify(err))
	}
	return all, nil
}

// Facets returns what hosts of a scope can be filtered by, as it was at most ten seconds
// ago. Callers must not change it.
func (v *View) Facets(ctx context.Context, scope []string) (fleet.Facets, error) {
	return v.facets.Of(scope, func() (f fleet.Facets, err error) {
		err = v.reading(ctx, func(tx db.Querier) error {
			f, err = part.Facets(ctx, tx, of(scope))
			return err
		})
		if err != nil {
			return f, fmt.Errorf("read facets: %w", err)
		}
		return f, nil
	})
}

// sum sums up the hosts of a scope.
func (v *View) sum(ctx context.Context, scope []string) (o fleet.Overview, err error) {
	tx, err := v.begin(ctx)
	if err != nil {
		return o, err
	}
	defer tx.end()
	if o, err = part.Sum(ctx, tx, of(scope), part.Moment{Now: tx.now, Silent: tx.outages.Silent(tx.now), Offline: tx.outages.Offline(tx.now)}); err != nil {
		return o, err
	}
	var counted pick.Condition
	counted.And("c.host NOT IN (SELECT host FROM host WHERE archived <> 0)")
	if err := counted.Scope("c.host", scope); err != nil {
		return o, err
	}
	return o, tx.detections(ctx, func(_ fleet.HostID, s finding.Severity, n int) { o.Detected[s] += n }, "WHERE "+counted.Text, counted.Args...)
}

// OverviewOf is [View.Overview] of the hosts of a scope alone. It has no Days, and no
// Requests: what asks to be admitted is in nobody's scope yet.
func (v *View) OverviewOf(ctx context.Context, scope []string) (o fleet.Overview, err error) {
	if len(scope) == 0 {
		return v.Overview(ctx)
	}
	if o, err = v.sum(ctx, scope); err != nil {
		return o, fmt.Errorf("read overview of a scope: %w", sqlite.Classify(err))
	}
	checks, err := v.ChecksOf(ctx, scope)
	if err != nil {
		return o, err
	}
	for _, c := range checks {
		if c.Hosts > 0 {
			o.Worst = append(o.Worst, c)
		}
	}
	slices.SortFunc(o.Worst, func(a, b fleet.Check) int {
		return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), cmp.Compare(b.Counts.Fail, a.Counts.Fail), strings.Compare(a.Info.ID, b.Info.ID))
	})
	o.Worst = o.Worst[:min(maxWorst, len(o.Worst))]
	if o.Recent, err = v.TimelineOf(ctx, fleet.TimelineQuery{Limit: maxRecent}, scope); err != nil {
		return o, err
	}
	o.Detections, err = v.Detections(ctx, fleet.DetectionQuery{Limit: maxNewest, Scope: scope})
	return o, err
}

// ChecksOf is [View.Checks] of the hosts of a scope alone, as they were at most half a
// minute ago. A check has the text that most hosts of the fleet have. Callers must not
// change it.
func (v *View) ChecksOf(ctx context.Context, scope []string) ([]fleet.Check, error) {
	if len(scope) == 0 {
		return v.Checks(ctx)
	}
	return v.parts.Of(scope, func() ([]fleet.Check, error) {
		counted, err := part.ByCheck(ctx, v.db, of(scope))
		if err != nil {
			return nil, fmt.Errorf("count the checks of a scope: %w", sqlite.Classify(err))
		}
		all, err := v.Checks(ctx)
		var checks []fleet.Check
		for _, c := range all {
			if own := counted[c.Info.ID]; own != nil {
				checks = append(checks, fleet.Check{Info: c.Info, Counts: own.Counts, Hosts: own.Hosts})
			}
		}
		return checks, err
	})
}

// CheckOf is [View.Check] of the hosts of a scope alone. A check that none of them has
// is an error that is fs.ErrNotExist.
func (v *View) CheckOf(ctx context.Context, id string, scope []string) (d fleet.CheckDetail, err error) {
	if len(scope) == 0 {
		return v.Check(ctx, id)
	}
	checks, err := v.ChecksOf(ctx, scope)
	if err != nil {
		return d, err
	}
	n := slices.IndexFunc(checks, func(c fleet.Check) bool { return c.Info.ID == id })
	if n < 0 {
		return d, fmt.Errorf("read check %q: %w", id, fs.ErrNotExist)
	}
	d.Check = checks[n]
	for _, status := range []finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown,
		finding.StatusWaived, finding.StatusPass, finding.StatusNotApplicable} {
		if len(d.States) >= maxStates {
			break
		}
		p, err := v.Results(ctx, fleet.CheckQuery{Check: id, Status: status, Scope: scope, Size: maxStates - len(d.States)})
		if err != nil {
			return d, err
		}
		d.States = append(d.States, p.States...)
	}
	d.Remedies, err = v.remedies(ctx, id, scope)
	return d, err
}

// TimelineOf is [View.Timeline] of the hosts of a scope alone. Where changes of other
// hosts are many it may have fewer than there are.
func (v *View) TimelineOf(ctx context.Context, q fleet.TimelineQuery, scope []string) ([]fleet.Event, error) {
	if len(scope) == 0 {
		return v.Timeline(ctx, q)
	}
	var events []fleet.Event
	c := fleet.ChangeQuery{Host: q.Host, Check: q.Check, Scope: scope, Before: q.Before, Limit: q.Limit}
	for range maxTries {
		p, err := v.Changes(ctx, c)
		if err != nil {
			return nil, err
		}
		events = append(events, p.Events...)
		c.Before, c.Limit = p.Next, q.Limit-len(events)
		if p.Next == 0 || c.Limit <= 0 {
			break
		}
	}
	return events, nil
}
