package store

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// model is what a host's spool would be, and what the store must make of it.
type model struct {
	sent   []fleet.Delivery // in order, without those evicted before they were sent
	state  map[finding.Key]finding.Result
	storms map[string]finding.Detection
	events int
	whole  bool // a whole state was sent
	gaps   uint64
	epoch  uint64
	next   uint64
	away   bool // archived
}

// miss skips records, and says of none, all or the middle of them why.
func (m *model) miss(t *rapid.T) []fleet.Missing {
	n := uint64(rapid.IntRange(3, 6).Draw(t, "missing"))
	from, to := m.next, m.next+n-1
	m.next += n
	m.gaps += n
	switch rapid.IntRange(0, 2).Draw(t, "told") {
	case 0:
		m.events++
		return nil
	case 1:
		m.events += 3 // the ends are ranges of their own
		return []fleet.Missing{{Lane: "posture", Epoch: m.epoch, From: from + 1, To: to - 1, Reason: fleet.Damaged}}
	}
	m.events++
	// A range that begins before the hole claims nothing more.
	return []fleet.Missing{{Lane: "posture", Epoch: m.epoch, From: max(from, 3) - 2, To: to, Reason: fleet.Evicted}}
}

// archive puts the host away, so that the fleet's rollups are without it.
func (m *model) archive(rt *rapid.T, t *testing.T, s *Store, id fleet.HostID) {
	if err := s.Update(t.Context(), func(tx *membership.Tx) error { return tx.Archive(id, true) }); err != nil {
		rt.Fatal(err)
	}
	m.away = true
	m.events++
	verifyRollups(t, s)
}

func (m *model) record(t *rapid.T) wire.Record {
	draw := func() finding.Result {
		return result("check-"+strconv.Itoa(rapid.IntRange(0, 4).Draw(t, "check")),
			strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "resource")),
			finding.Status(rapid.IntRange(1, 6).Draw(t, "status")))
	}
	kind := rapid.IntRange(0, 11).Draw(t, "kind")
	if kind > 9 {
		return m.storm(t)
	}
	if kind > 0 {
		r := draw()
		removed := rapid.IntRange(0, 4).Draw(t, "removed") == 0
		m.events++
		if m.state[r.Key()] = r; removed {
			delete(m.state, r.Key())
		}
		return wire.Record{Change: &finding.Change{Result: r, Removed: removed}}
	}
	next := make(map[finding.Key]finding.Result)
	var results []finding.Result
	for range rapid.IntRange(0, 6).Draw(t, "results") {
		r := draw()
		if _, twice := next[r.Key()]; !twice {
			next[r.Key()] = r
			results = append(results, r)
		}
	}
	if m.whole {
		m.events += differences(m.state, next)
	}
	m.state, m.whole = next, true
	return whole(results...)
}

// storm reports one of a few storms, not always with more than before.
func (m *model) storm(t *rapid.T) wire.Record {
	d := finding.Detection{
		ID: strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "storm")), Rule: "rule", Count: uint64(rapid.IntRange(1, 6).Draw(t, "count")),
		Severity: finding.Severity(rapid.IntRange(0, 5).Draw(t, "severity")), Ended: rapid.IntRange(0, 3).Draw(t, "ended") == 0,
	}
	was := m.storms[d.ID]
	if d.Count > was.Count || d.Count == was.Count && d.Ended && !was.Ended {
		now := d
		now.Ended = d.Ended || was.Ended
		m.storms[d.ID] = now
	}
	return wire.Record{Detection: &d}
}

// differences counts the keys that one state has and the other has not, or with
// another verdict.
func differences(a, b map[finding.Key]finding.Result) int {
	n := 0
	for k, r := range a {
		if b[k].Status != r.Status {
			n++
		}
	}
	for k := range b {
		if _, had := a[k]; !had {
			n++
		}
	}
	return n
}

// TestModel sends spools with gaps, new epochs, duplicates and restarts of the
// store, on PostgreSQL to one of two collectors at a time, and compares with the model
// and the rollups with a count of everything.
func TestModel(t *testing.T) {
	fewer(t, "40")
	rapid.Check(t, func(rt *rapid.T) {
		path := newName(t)
		stores := []*Store{reopen(t, path, Config{})}
		if os.Getenv(serverVariable) != "" {
			stores = append(stores, reopen(t, path, Config{}))
		}
		hosts := []*model{
			{state: make(map[finding.Key]finding.Result), storms: make(map[string]finding.Detection), epoch: 1, next: 1},
			{state: make(map[finding.Key]finding.Result), storms: make(map[string]finding.Detection), epoch: 1, next: 1},
		}
		enrolled := make([]bool, len(hosts))
		for range rapid.IntRange(1, 12).Draw(rt, "batches") {
			n := rapid.IntRange(0, 1).Draw(rt, "host")
			at := rapid.IntRange(0, len(stores)-1).Draw(rt, "collector")
			s := stores[at]
			m := hosts[n]
			from := len(m.sent)
			var missing []fleet.Missing
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0:
				m.epoch++
			case 1:
				missing = m.miss(rt)
			case 2:
				from = rapid.IntRange(0, len(m.sent)).Draw(rt, "again")
			case 3:
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				s = reopen(t, path, Config{})
				stores[at] = s
			case 4:
				if enrolled[n] {
					m.archive(rt, t, s, hostID(n))
				}
			}
			for range rapid.IntRange(1, 5).Draw(rt, "records") {
				m.sent = append(m.sent, fleet.Delivery{Lane: "posture", Epoch: m.epoch, Sequence: m.next, Record: m.record(rt)})
				m.next++
			}
			if !enrolled[n] {
				enrol(t, s, hostID(n))
				enrolled[n] = true
			}
			if err := s.Apply(t.Context(), hostID(n), m.sent[from:], missing); err != nil {
				rt.Fatal(err)
			}
			if m.away {
				m.away = false
				m.events++ // of its return
			}
		}
		s := stores[0]
		for n, m := range hosts {
			if len(m.sent) > 0 {
				m.compare(rt, t, s, hostID(n))
			}
		}
		verifyRollups(t, s)
		for _, s := range stores {
			s.Close()
		}
	})
}

func (m *model) compare(rt *rapid.T, t *testing.T, s *Store, id fleet.HostID) {
	d := detail(t, s, id)
	var want []finding.Result
	for _, r := range m.state {
		want = append(want, r)
	}
	slices.SortFunc(want, finding.Compare)
	if diff := cmp.Diff(want, states(d)); diff != "" {
		rt.Errorf("state (-want +got):\n%s", diff)
	}
	if d.Host.Gaps != m.gaps || d.Host.Rejected != 0 {
		rt.Errorf("%d missing, want %d; %d rejected", d.Host.Gaps, m.gaps, d.Host.Rejected)
	}
	m.compareStorms(rt, t, s, d.Host)
	n := 0
	for q := (fleet.TimelineQuery{Host: id, Limit: 200}); ; {
		events := timeline(t, s, q)
		if len(events) == 0 {
			break
		}
		n += len(events)
		q.Before = events[len(events)-1].ID
	}
	if n != m.events {
		rt.Errorf("%d events, want %d", n, m.events)
	}
}

func (m *model) compareStorms(rt *rapid.T, t *testing.T, s *Store, h fleet.Host) {
	all, err := s.Detections(t.Context(), fleet.DetectionQuery{Host: h.ID, Limit: 200})
	if err != nil {
		rt.Fatal(err)
	}
	got := make(map[string]finding.Detection)
	var detected [6]int
	for _, d := range all {
		x := d.Detection
		detected[x.Severity]++
		x.First, x.Last = time.Time{}, time.Time{} // of receipt, as the host said none
		got[x.ID] = x
	}
	if diff := cmp.Diff(m.storms, got); diff != "" || detected != h.Detected || len(got) != len(all) {
		rt.Errorf("detections (-want +got), %v counted, want %v:\n%s", h.Detected, detected, diff)
	}
}

// verifyRollups counts everything anew.
func verifyRollups(t *testing.T, s *Store) {
	t.Helper()
	const counts = `count(CASE WHEN status = 1 THEN 1 END), count(CASE WHEN status = 2 THEN 1 END), count(CASE WHEN status = 3 THEN 1 END),
		count(CASE WHEN status = 4 THEN 1 END), count(CASE WHEN status = 5 THEN 1 END), count(CASE WHEN status = 6 THEN 1 END)`
	const present = "WITH present AS (SELECT * FROM state WHERE host IN (SELECT host FROM host WHERE archived = 0)) "
	const columns = "pass, fail, not_applicable, unknown, error, waived"
	for what, query := range map[string]string{
		"host": `SELECT count(*) FROM host h WHERE (` + columns + `, severity4, pending) <> (SELECT ` + counts + `,
			count(CASE WHEN status = 2 AND severity = 4 THEN 1 END), count(CASE WHEN status = 2 AND check_id = 'patch-security-updates' THEN 1 END)
			FROM state s WHERE s.host = h.host)`,
		"check": `SELECT count(*) FROM check_rollup c WHERE (` + columns + `, hosts) <> (SELECT ` + counts + `,
			count(DISTINCT CASE WHEN status IN (2, 4, 5) THEN host END) FROM present s WHERE s.check_id = c.check_id)`,
		"missing check": "SELECT count(*) FROM state WHERE check_id NOT IN (SELECT check_id FROM check_rollup)",
		"day": `SELECT count(*) FROM (SELECT * FROM day ORDER BY day DESC LIMIT 1) x WHERE (` + columns + `)
			<> (SELECT ` + counts + ` FROM present)`,
		"bad": `SELECT count(*) FROM (SELECT host, check_id, count(*) AS bad FROM state WHERE status IN (2, 4, 5) GROUP BY 1, 2
			EXCEPT SELECT host, check_id, bad FROM host_check) x`,
		"bad of no state": "SELECT count(*) FROM (SELECT host, check_id, bad FROM host_check EXCEPT SELECT host, check_id, count(*) FROM state WHERE status IN (2, 4, 5) GROUP BY 1, 2) x",
		"detections":      "SELECT count(*) FROM (SELECT host, severity, count(*) FROM detection GROUP BY 1, 2 EXCEPT SELECT * FROM detection_count) x",
		"no detections":   "SELECT count(*) FROM (SELECT * FROM detection_count EXCEPT SELECT host, severity, count(*) FROM detection GROUP BY 1, 2) x",
		"places":          "SELECT count(*) - count(DISTINCT place) FROM detection",
		// What a chain's oldest event follows has expired.
		"chain of a host": `SELECT count(*) FROM (SELECT host_before, lag(id) OVER (PARTITION BY host ORDER BY id) AS was FROM event) x
			WHERE host_before <> was`,
		"chain of a check": `SELECT count(*) FROM (SELECT check_before, lag(id) OVER (PARTITION BY check_id ORDER BY id) AS was FROM event) x
			WHERE check_before <> was`,
		"newest of a host":   "SELECT count(*) FROM host h WHERE newest <> (SELECT max(id) FROM event e WHERE e.host = h.host)",
		"newest of a check":  "SELECT count(*) FROM event e WHERE id > coalesce((SELECT event FROM check_newest n WHERE n.check_id = e.check_id), 0)",
		"events of a record": "SELECT count(*) FROM (SELECT 1 FROM event GROUP BY host, lane, epoch, seq, ordinal HAVING count(*) > 1) x",
	} {
		var wrong int
		if err := s.data.Readers.QueryRowContext(t.Context(), present+query).Scan(&wrong); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if wrong > 0 {
			t.Errorf("rollup %s: %d rows are wrong", what, wrong)
		}
	}
}

// fewer has rapid make n rounds in this test, unless -rapid.checks says otherwise.
func fewer(t *testing.T, n string) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f == nil || f.Value.String() != f.DefValue {
		return
	}
	if err := f.Value.Set(n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
}
