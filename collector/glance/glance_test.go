package glance_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/glance"
	"seawall/collector/report"
	"seawall/collector/store"
	"seawall/pkg/finding"
	"seawall/scripts/pgtest"
)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

func TestOnSQLite(t *testing.T) { test(t, filepath.Join(t.TempDir(), "collector.db")) }

func TestOnPostgres(t *testing.T) { test(t, pgtest.Start(t).New()) }

// said is what of a glance is compared.
type said struct {
	Hosts, Never, Online, Fail, Waived int
	Ages                               fleet.Ages
	Ending, Worst                      []string
	Actors                             []fleet.Actor
	Unexplained, Recent, Days          int
}

// test: three hosts, of which the second has the tag prod; the third was admitted and said
// nothing. On the first mara changed something twice, on the second bob once.
func test(t *testing.T, database string) {
	now := func() time.Time { return noon }
	s, err := store.Open(t.Context(), database, store.Config{Log: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for i := range 3 {
		id := host(i)
		if err := s.SaveMember(t.Context(), fleet.Member{Host: id, Key: fleet.KeyHash{byte(i + 1)}, Standing: fleet.Active, Expires: noon.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			if err := s.Apply(t.Context(), id, records(i), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	key, err := host(1).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(w db.Writer) error {
		if err := w.Exec("INSERT INTO waiver VALUES ('W', 'ssh-root', '', ?, '', 'ann', 'known', 'ann', 1, ?, 0, '')", []byte{}, noon.AddDate(0, 1, 0).UnixNano()); err != nil {
			return err
		}
		return w.Exec("INSERT INTO host_tag VALUES (?, 'prod')", key)
	})
	if err != nil {
		t.Fatal(err)
	}
	glances := glance.New(glance.Config{Reports: report.New(report.Config{Data: s, Checks: s.Checks, Hosts: s.HostPage}), Overview: s.OverviewOf,
		Hosts: s.HostPage, Changes: s.Changes, Now: now})
	for name, c := range map[string]struct {
		scope []string
		want  said
	}{
		"fleet": {nil, said{Hosts: 3, Never: 1, Online: 3, Fail: 5, Waived: 2, Ages: fleet.Ages{Month: 2}, Ending: []string{"os-end-of-life"},
			Worst: []string{"patch-security-updates", "ssh-root", "os-end-of-life"}, Actors: []fleet.Actor{{Name: "mara", Changes: 2}, {Name: "bob", Changes: 1}},
			Unexplained: 2, Recent: 5, Days: 1}},
		"scope": {[]string{"prod"}, said{Hosts: 1, Online: 1, Fail: 2, Waived: 1, Ages: fleet.Ages{Month: 1},
			Worst: []string{"patch-security-updates", "ssh-root"}, Actors: []fleet.Actor{{Name: "bob", Changes: 1}}, Unexplained: 1, Recent: 2, Days: 1}},
		"nothing": {[]string{"other"}, said{Days: 1}},
	} {
		g, err := glances.Make(t.Context(), c.scope)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := said{Hosts: g.Hosts, Never: g.Never, Online: g.Presence[fleet.Online], Fail: g.Counts.Fail, Waived: g.Waived[4], Ages: g.Ages,
			Ending: ids(g.Ending), Worst: ids(g.Worst), Actors: g.Actors, Unexplained: g.Unexplained, Recent: len(g.Recent), Days: len(g.Days)}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", name, diff)
		}
		for _, e := range g.Recent {
			if c.scope != nil && e.Host != host(1) {
				t.Errorf("%s: shows a change of %s", name, e.Host)
			}
		}
	}
}

func host(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n+1)) }

func ids(all []fleet.Check) (out []string) {
	for _, c := range all {
		out = append(out, c.Info.ID)
	}
	return out
}

// records are what a host sends: failures, explained by who caused them or not.
func records(n int) []fleet.Delivery {
	user := []string{"mara", "bob"}[n]
	results := []finding.Result{
		{Check: "ssh-root", Status: finding.StatusFail, Severity: finding.SeverityHigh, Cause: &finding.Cause{LoginUser: user, Time: noon}},
		{Check: "patch-security-updates", Resource: "openssl", Status: finding.StatusFail, Severity: finding.SeverityHigh, Since: noon.AddDate(0, 0, -20)},
	}
	if n == 0 {
		results = append(results, finding.Result{Check: "os-end-of-life", Status: finding.StatusFail, Severity: finding.SeverityLow, Cause: &finding.Cause{User: user, Time: noon}})
	}
	out := []fleet.Delivery{{Lane: "health", Epoch: 1, Sequence: 1, Record: finding.Record{Time: noon, Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: "h"}}}}}
	for i, r := range results {
		r.Time = noon.AddDate(0, 0, -20)
		out = append(out, fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: uint64(i + 1), Record: finding.Record{Time: r.Time, Change: &finding.Change{Result: r}}})
	}
	return out
}
