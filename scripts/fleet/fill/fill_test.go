package fill

import (
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/pkg/finding"
)

// TestFill has what the store says of a small fleet be what was planned.
func TestFill(t *testing.T) {
	plan := Plan{Hosts: 100, Days: 10, Seed: 1, Now: time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)}
	path := filepath.Join(t.TempDir(), "x.db")
	if err := plan.Into(t.Context(), path, io.Discard); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), path, store.Config{Retention: plan.Retention(), ArchiveAfter: plan.Retention(), Now: func() time.Time { return plan.Now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o, err := s.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := o.Counts
	if o.Hosts != 100 || o.Presence[fleet.Online] < 95 || o.Presence[fleet.Online] > 97 || o.Pending == 0 {
		t.Errorf("%d hosts, presence %v, %d pending", o.Hosts, o.Presence, o.Pending)
	}
	if all := c.Pass + c.Fail + c.NotApplicable - o.Pending; all != 99*(Checks-1) {
		t.Errorf("%d results, want those of 99 hosts", all)
	}
	if len(o.Days) != 11 || o.Days[5].Changes < 50 || o.Days[10].Counts != c {
		t.Errorf("%d days: %+v, counts %+v", len(o.Days), o.Days, c)
	}
	d, err := s.Host(t.Context(), ID(7))
	if err != nil || d.Host.Rejected != 0 || d.Host.Gaps != 0 || d.Host.Labels.Region == "" || len(d.Checks) != Checks {
		t.Errorf("host %+v, %v", d.Host, err)
	}
	events := changes(t, s)
	if again := changes(t, s); events < 600 || events != again {
		t.Errorf("%d changes of 100 hosts in 10 days", events)
	}
	p, err := s.HostPage(t.Context(), fleet.HostQuery{Scope: []string{"team-3"}})
	if err != nil || p.Total != 10 {
		t.Errorf("%d hosts of a team, %v", p.Total, err)
	}
	packages, err := s.Packages(t.Context(), fleet.PackageQuery{Size: 500})
	pending := 0
	for _, p := range packages.Packages {
		pending += p.Hosts
	}
	if err != nil || pending != o.Pending {
		t.Errorf("%d updates by package, %d by host, %v", pending, o.Pending, err)
	}
}

func changes(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	for q := (fleet.ChangeQuery{Limit: 200}); ; {
		p, err := s.Changes(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Events {
			if r := e.Change.Result; r.Check == "" || r.Status == finding.StatusUnspecified {
				t.Fatalf("event %+v", e)
			}
		}
		n += len(p.Events)
		if q.Before = p.Next; q.Before == 0 {
			return n
		}
	}
}

func TestFillStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := (Plan{Hosts: 1, Days: 1}).Into(ctx, filepath.Join(t.TempDir(), "x.db"), io.Discard); err == nil {
		t.Error("filled after the end")
	}
}
