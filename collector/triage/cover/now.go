package cover

import (
	"context"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Now counts what waivers stand for at the time when somebody asks.
type Now struct {
	data db.DB
	now  func() time.Time
}

// New returns a Now.
func New(data db.DB, now func() time.Time) Now { return Now{data, now} }

// OnHosts is the function of that name.
func (n Now) OnHosts(ctx context.Context, ids []fleet.HostID) (map[fleet.HostID]int, error) {
	return OnHosts(ctx, n.data, n.now(), ids)
}

// Decisions is the function of that name.
func (n Now) Decisions(ctx context.Context, check string, ids []fleet.HostID) ([]fleet.Care, error) {
	return Decisions(ctx, n.data, n.now(), check, ids)
}

// ByCheck returns how many failed results of each check waivers stand for, on the hosts
// of a scope; of no scope, on all.
func (n Now) ByCheck(ctx context.Context, scope []string) (map[string]int, error) {
	all, err := Counts(ctx, n.data, n.now(), Hosts{Scope: scope})
	by := make(map[string]int)
	for _, c := range all {
		if c.Status == finding.StatusFail {
			by[c.Check] += c.Results
		}
	}
	return by, err
}
