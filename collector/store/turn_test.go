package store

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"seawall/collector/fleet"
	"seawall/collector/store/host"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// TestTurnsThatLie has hosts say of a result what it was before, mostly wrongly: what
// stands is what they said last, and it is counted once.
func TestTurnsThatLie(t *testing.T) {
	s, _ := openTest(t, Config{MaxResults: 6})
	hosts := 0
	rapid.Check(t, func(rt *rapid.T) {
		hosts++ // a new one each time
		id := hostID(hosts)
		stands := map[finding.Key]finding.Result{}
		next := uint64(1)
		for range rapid.IntRange(1, 6).Draw(rt, "batches") {
			var records []wire.Record
			for range rapid.IntRange(1, 8).Draw(rt, "records") {
				r := result([]string{"ssh-a", "patch-security-updates"}[rapid.IntRange(0, 1).Draw(rt, "check")],
					fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "resource")), finding.Status(rapid.IntRange(1, 6).Draw(rt, "status")))
				r.Severity = finding.Severity(rapid.IntRange(0, 5).Draw(rt, "severity"))
				c := finding.Change{Result: r, Previous: finding.Status(rapid.IntRange(0, 6).Draw(rt, "previous")),
					Removed: rapid.IntRange(0, 5).Draw(rt, "removed") == 0}
				if old, ok := stands[r.Key()]; ok && rapid.Bool().Draw(rt, "honest") {
					c.Previous = old.Status
				}
				records = append(records, wire.Record{Change: &c})
				if _, ok := stands[r.Key()]; c.Removed {
					delete(stands, r.Key())
				} else if ok || len(stands) < 6 {
					stands[r.Key()] = r
				}
			}
			apply(t, s, id, deliver(next, records...)...)
			next += uint64(len(records))
		}
		d := detail(t, s, id)
		var severity [6]int
		for _, r := range stands {
			if r.Status == finding.StatusFail {
				severity[r.Severity]++
			}
		}
		if d.Host.BySeverity != severity || len(d.States) != len(stands) {
			rt.Fatalf("%v, %d states; want %v, %d", d.Host.BySeverity, len(d.States), severity, len(stands))
		}
		for _, st := range d.States {
			if want := stands[st.Result.Key()]; st.Result.Status != want.Status || st.Result.Severity != want.Severity {
				rt.Fatalf("%+v, want %+v", st.Result, want)
			}
		}
	})
	verifyRollups(t, s)
}

// TestPagesOfOtherChains asks for what came before events of other hosts and checks,
// before those that have expired, and before numbers that never were.
func TestPagesOfOtherChains(t *testing.T) {
	s, _ := openTest(t, Config{})
	for n := range 60 {
		apply(t, s, hostID(n%3), deliver(uint64(n/3+1), changed(result(fmt.Sprint("ssh-", n%5), "", finding.StatusFail)))...)
	}
	err := s.submit(t.Context(), func(b *host.Batch) error { return b.Exec("DELETE FROM event WHERE id <= 10") })
	if err != nil {
		t.Fatal(err)
	}
	all := timeline(t, s, fleet.TimelineQuery{Limit: 200})
	for _, q := range []fleet.TimelineQuery{{}, {Host: hostID(1)}, {Check: "ssh-2"}, {Host: hostID(2), Check: "ssh-4"}} {
		for _, q.Before = range []int64{-1, 1, 7, 10, 11, 12, 13, 30, 59, 60, 61, 1 << 62} {
			var want []int64
			for _, e := range all {
				if e.ID < q.Before && (q.Host == "" || e.Host == q.Host) && (q.Check == "" || e.Change.Result.Check == q.Check) {
					want = append(want, e.ID)
				}
			}
			var got []int64
			q.Limit = 200
			for _, e := range timeline(t, s, q) {
				got = append(got, e.ID)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%+v: %v, want %v", q, got, want)
			}
		}
	}
	verifyRollups(t, s)
}
