// Package glance makes what the overview says: of the whole fleet from the rollups that
// the store keeps, of a scope from its hosts' rows, as a report does.
package glance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/report"
	"seawall/collector/triage/cover"
)

const (
	maxWorst  = 10
	maxRecent = 20
	maxDays   = 30
	maxActors = 5
	// maxLooked is how many changes of the last day are looked at.
	maxLooked = 200
)

// Config is what [Glances] works with. All fields must be set.
type Config struct {
	Reports *report.Reports
	Whole   func(ctx context.Context) (fleet.Overview, error) // of the fleet
	Hosts   func(ctx context.Context, q fleet.HostQuery) (fleet.HostPage, error)
	Changes func(ctx context.Context, q fleet.ChangeQuery) (fleet.ChangePage, error)
	Now     func() time.Time
}

// Glances makes glances. It is safe for concurrent use.
type Glances struct{ config Config }

// New returns what makes glances.
func New(c Config) *Glances { return &Glances{c} }

// Make returns what the overview says of a scope, of the whole fleet where that is empty.
func (g *Glances) Make(ctx context.Context, scope []string) (out fleet.Glance, err error) {
	if err := g.make(ctx, scope, &out); err != nil {
		return fleet.Glance{}, fmt.Errorf("make overview: %w", err)
	}
	return out, nil
}

func (g *Glances) make(ctx context.Context, scope []string, out *fleet.Glance) (err error) {
	now := g.config.Now()
	r, err := g.config.Reports.Brief(ctx, now, cover.Hosts{Scope: scope}, maxDays)
	if err != nil {
		return err
	}
	if len(scope) == 0 {
		out.Overview, err = g.config.Whole(ctx)
	} else {
		out.Overview, err = g.part(ctx, scope, r)
	}
	if err != nil {
		return err
	}
	out.Waived = r.Waived
	out.Ages = fleet.Ages{Week: r.Pending.Week, Month: r.Pending.Month, Quarter: r.Pending.Quarter, Longer: r.Pending.Longer}
	for _, c := range r.Checks {
		if slices.Contains(ending(), c.Info.ID) {
			out.Ending = append(out.Ending, check(c))
		}
	}
	if out.Never, err = g.count(ctx, fleet.HostQuery{Scope: scope, Never: true}); err != nil {
		return err
	}
	return g.actors(ctx, now, scope, out)
}

// ending are the checks of what ends on a day.
func ending() []string {
	return []string{"tls-certificate-expiring", "tls-certificate-expired", "tls-certificate-chain-expiry", "os-end-of-life"}
}

func check(c report.Check) fleet.Check {
	return fleet.Check{Info: c.Info, Hosts: c.Hosts, Counts: fleet.Counts{Fail: c.Bad}}
}

// part is the overview of a scope. What belongs to no host (who asks to be admitted) is
// not in it.
func (g *Glances) part(ctx context.Context, scope []string, r *report.Report) (o fleet.Overview, err error) {
	o = fleet.Overview{Hosts: r.Hosts, Counts: r.Counts, BySeverity: r.Failing, Pending: r.Pending.All, Days: r.Days, Detected: r.Detected,
		Presence: make(map[fleet.Presence]int), Standing: make(map[fleet.Standing]int)}
	for _, p := range []fleet.Presence{fleet.Online, fleet.Silent, fleet.Offline, fleet.Archived} {
		if o.Presence[p], err = g.count(ctx, fleet.HostQuery{Scope: scope, Presence: p}); err != nil {
			return o, err
		}
	}
	for _, s := range []fleet.Standing{fleet.Active, fleet.Quarantined, fleet.Revoked} {
		if o.Standing[s], err = g.count(ctx, fleet.HostQuery{Scope: scope, Standing: s}); err != nil {
			return o, err
		}
	}
	if o.Expired, err = g.count(ctx, fleet.HostQuery{Scope: scope, Expired: true}); err != nil {
		return o, err
	}
	for _, c := range r.Checks[:min(maxWorst, len(r.Checks))] {
		o.Worst = append(o.Worst, check(c))
	}
	changes, err := g.config.Changes(ctx, fleet.ChangeQuery{Scope: scope, Limit: maxRecent})
	o.Recent = changes.Events
	return o, err
}

// count returns how many hosts a query selects.
func (g *Glances) count(ctx context.Context, q fleet.HostQuery) (int, error) {
	q.Size = 1
	p, err := g.config.Hosts(ctx, q)
	return p.Total, err
}

// actors adds who made the changes of the last day.
func (g *Glances) actors(ctx context.Context, now time.Time, scope []string, out *fleet.Glance) error {
	p, err := g.config.Changes(ctx, fleet.ChangeQuery{Scope: scope, Since: now.Add(-24 * time.Hour), Limit: maxLooked})
	if err != nil {
		return err
	}
	by := make(map[string]int)
	for i := range p.Events {
		cause := p.Events[i].Change.Result.Cause
		if cause == nil || cmp.Or(cause.LoginUser, cause.User) == "" {
			out.Unexplained++
			continue
		}
		by[cmp.Or(cause.LoginUser, cause.User)]++
	}
	for name, n := range by {
		out.Actors = append(out.Actors, fleet.Actor{Name: name, Changes: n})
	}
	slices.SortFunc(out.Actors, func(a, b fleet.Actor) int {
		return cmp.Or(cmp.Compare(b.Changes, a.Changes), cmp.Compare(a.Name, b.Name))
	})
	out.Actors = out.Actors[:min(maxActors, len(out.Actors))]
	out.More = p.Next != 0
	return nil
}
