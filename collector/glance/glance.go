// Package glance puts together what the overview says of the fleet or of a scope: the
// store's overview, and what of a brief report and of the last day's changes is beside it.
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
	maxDays   = 30
	maxActors = 5
	// maxLooked is how many changes of the last day are looked at.
	maxLooked = 200
)

// Config is what [Glances] works with. All fields must be set.
type Config struct {
	Reports  *report.Reports
	Overview func(ctx context.Context, scope []string) (fleet.Overview, error)
	Hosts    func(ctx context.Context, q fleet.HostQuery) (fleet.HostPage, error)
	Changes  func(ctx context.Context, q fleet.ChangeQuery) (fleet.ChangePage, error)
	Now      func() time.Time
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
	if out.Overview, err = g.config.Overview(ctx, scope); err != nil {
		return err
	}
	if len(scope) > 0 { // the store keeps none of a scope
		out.Days = r.Days
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
