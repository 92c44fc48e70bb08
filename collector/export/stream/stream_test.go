package stream

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/alert"
	"seawall/collector/alert/outbox"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/membership"
	"seawall/pkg/finding"
	"seawall/scripts/pgtest"
)

// scene is a store, a runner of its streams, and a clock that the test moves.
type scene struct {
	*testing.T
	store  *store.Store
	runner *Runner
	box    *outbox.Outbox
	now    time.Time
	seq    map[fleet.HostID]uint64
	told   strings.Builder
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return sceneOn(t, filepath.Join(t.TempDir(), "collector.db"))
}

// sceneOn is one on a database.
func sceneOn(t *testing.T, database string) *scene {
	t.Helper()
	s := &scene{T: t, now: time.Unix(1_800_000_000, 0).UTC(), seq: map[fleet.HostID]uint64{}}
	now := func() time.Time { return s.now }
	var err error
	if s.store, err = store.Open(t.Context(), database, store.Config{Now: now, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.box = outbox.New(s.store, now)
	s.runner = s.another()
	return s
}

// another returns a runner as another collector has it.
func (s *scene) another() *Runner {
	return New(Config{Data: s.store, Source: source(s.store), Version: "1", Now: func() time.Time { return s.now }, Log: slog.New(slog.NewTextHandler(&s.told, nil))})
}

func source(s *store.Store) Source {
	return Source{Timeline: s.Timeline, Detections: s.Detections, Checks: s.Checks, Host: s.Host, HostPage: s.HostPage, Subscribe: s.Subscribe}
}

func changesOf(name string, more ...func(*order.Order)) order.Order {
	v := order.Order{Name: name, Enabled: true, Route: "siem", Format: order.OCSF, What: []string{order.Changes}}
	for _, f := range more {
		f(&v)
	}
	return v
}

func (s *scene) save(v order.Order) {
	s.Helper()
	if err := s.store.Write(s.Context(), func(w db.Writer) error { _, err := order.Save(w, s.now, v); return err }); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) get(name string) order.Progress {
	s.Helper()
	p, err := order.Get(s.Context(), s.store, name)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *scene) pass() {
	s.Helper()
	for {
		more, err := s.runner.Pass(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func host(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n+1)) }

func (s *scene) deliver(n int, records ...finding.Record) {
	s.Helper()
	id := host(n)
	if s.seq[id] == 0 {
		m := fleet.Member{Host: id, Key: sha256.Sum256([]byte(id)), Standing: fleet.Active, Enrolled: s.now, Since: s.now}
		if err := s.store.Update(s.Context(), func(tx *membership.Tx) error { return tx.PutMember(m) }); err != nil {
			s.Fatal(err)
		}
	}
	var items []fleet.Delivery
	for _, r := range records {
		s.seq[id]++
		items = append(items, fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: s.seq[id], Record: r})
	}
	if err := s.store.Apply(s.Context(), id, items, nil); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) change(check string, severity finding.Severity) finding.Record {
	return finding.Record{Time: s.now, Change: &finding.Change{Result: finding.Result{Check: check, Status: finding.StatusFail, Severity: severity, Actual: "yes", Time: s.now}}}
}

// flood delivers n changes of a host in few batches.
func (s *scene) flood(h, from, n int) {
	s.Helper()
	for at := from; at < from+n; at += 500 {
		var records []finding.Record
		for i := at; i < min(at+500, from+n); i++ {
			records = append(records, s.change(fmt.Sprintf("ssh-%05d", i), finding.SeverityHigh))
		}
		s.deliver(h, records...)
	}
}

// sent takes what waits for a route, says that it was sent, and returns the names of the
// checks or rules of its entries, in order.
func (s *scene) sent(route string) (names []string) {
	s.Helper()
	for {
		all, err := s.box.Claim(s.Context(), route, 1)
		if err != nil {
			s.Fatal(err)
		}
		if len(all) == 0 {
			return names
		}
		if all[0].Kind != alert.KindRaw || len(all[0].Body) > maxBody {
			s.Errorf("a parcel of %d bytes for %s", len(all[0].Body), all[0].Kind)
		}
		for line := range strings.Lines(string(all[0].Body)) {
			var e struct {
				Finding struct {
					UID string `json:"uid"`
				} `json:"finding_info"`
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				s.Fatalf("%v: %.80s", err, line)
			}
			_, name, _ := strings.Cut(e.Finding.UID, "/")
			names = append(names, name)
		}
		if err := s.box.Report(s.Context(), alert.Outcome{ID: all[0].ID, Result: alert.Sent}, all[0].Attempt); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *scene) want(what string, want ...string) {
	s.Helper()
	if d := cmp.Diff(want, s.sent("siem")); d != "" {
		s.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// TestFollow: a stream has what happens after it was made, each once, in order, over
// restarts and pauses.
func TestFollow(t *testing.T) {
	s := newScene(t)
	s.deliver(0, s.change("before", finding.SeverityHigh))
	s.save(changesOf("all"))
	s.pass()
	s.want("nothing of before")
	s.deliver(0, s.change("ssh-a", finding.SeverityHigh), s.change("ssh-b", finding.SeverityLow))
	s.deliver(1, s.change("ssh-a", finding.SeverityHigh))
	s.pass()
	s.want("three", "ssh-a", "ssh-b", "ssh-a")
	s.runner = s.another()
	s.pass()
	s.want("nothing twice")
	s.save(changesOf("all", func(v *order.Order) { v.Enabled = false }))
	s.deliver(1, s.change("ssh-c", finding.SeverityHigh))
	s.pass()
	s.want("off")
	s.save(changesOf("all"))
	s.pass()
	s.want("what happened meanwhile", "ssh-c")
	if p := s.get("all"); p.Sent != 4 || p.Lost != 0 || p.Behind != 0 || !p.Reached.Equal(s.now) || p.Waiting != 0 {
		t.Errorf("%+v", p)
	}
}

// TestOnPostgres: of two collectors on one PostgreSQL each entry is put out by one, and the
// whole state goes out.
func TestOnPostgres(t *testing.T) {
	s := sceneOn(t, pgtest.Start(t).URL("postgres"))
	s.save(changesOf("all", func(v *order.Order) { v.What, v.EveryHours = order.Kinds(), 24 }))
	s.deliver(0, s.change("ssh-a", finding.SeverityHigh), s.change("ssh-b", finding.SeverityLow))
	s.pass()
	s.want("changes, then the state", "ssh-a", "ssh-b", "ssh-a", "ssh-b")
	s.runner = s.another()
	s.deliver(1, s.change("ssh-c", finding.SeverityHigh))
	s.pass()
	s.want("the other collector", "ssh-c")
	s.save(changesOf("all", func(v *order.Order) { v.Enabled = false }))
	if p := s.get("all"); p.Enabled || p.Sent != 5 || p.Lost != 0 || p.Behind != 0 || p.Waiting != 0 {
		t.Errorf("%+v", p)
	}
	if err := s.store.Write(t.Context(), func(w db.Writer) error { return order.Delete(w, "all") }); err != nil {
		t.Fatal(err)
	}
}

// TestFilters: severity, families and tags bound what is sent; what is good again has the
// severity that it had.
func TestFilters(t *testing.T) {
	s := newScene(t)
	s.save(changesOf("few", func(v *order.Order) {
		v.MinSeverity, v.Tags = finding.SeverityMedium, []string{"prod"}
	}))
	good := s.change("ssh-a", finding.SeverityHigh)
	good.Change.Result.Status, good.Change.Previous = finding.StatusPass, finding.StatusFail
	s.deliver(0, s.change("ssh-a", finding.SeverityHigh), s.change("ssh-low", finding.SeverityLow), good)
	s.deliver(1, s.change("ssh-elsewhere", finding.SeverityHigh))
	key, err := host(0).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Write(t.Context(), func(w db.Writer) error { return w.Exec("INSERT INTO host_tag (host, tag) VALUES (?, 'prod')", key) }); err != nil {
		t.Fatal(err)
	}
	s.pass()
	s.want("of one host", "ssh-a", "ssh-a")
}

// TestDetections: each report of a detection that says something new is sent.
func TestDetections(t *testing.T) {
	s := newScene(t)
	s.save(changesOf("storms", func(v *order.Order) { v.What = []string{order.Detections} }))
	storm := func(count uint64) finding.Record {
		return finding.Record{Time: s.now, Detection: &finding.Detection{ID: "51", Rule: "r", Title: "t", Severity: finding.SeverityHigh, Count: count, First: s.now, Last: s.now}}
	}
	s.deliver(0, storm(1))
	s.pass()
	s.want("first", "detections/51")
	s.deliver(0, storm(9))
	s.pass()
	s.want("grown", "detections/51")
}

// TestWhole: the whole state goes out when the stream is made and once in a while, host by
// host, whatever happens between.
func TestWhole(t *testing.T) {
	s := newScene(t)
	var want []string
	for n := range 2*atOnce + 1 {
		check := fmt.Sprintf("ssh-%d", n)
		s.deliver(n, s.change(check, finding.SeverityHigh))
		want = append(want, check)
	}
	s.save(changesOf("state", func(v *order.Order) { v.What, v.EveryHours = []string{order.Findings}, 24 }))
	s.runner.texts.read = time.Time{}
	p := s.get("state")
	b, err := s.runner.next(t.Context(), &p)
	if err != nil || !b.to.Walking || b.items != atOnce {
		t.Fatalf("%+v, %v", b, err)
	}
	s.pass()
	s.want("all", want...)
	if p := s.get("state"); p.Walking || !p.Round.Equal(s.now) {
		t.Errorf("%+v", p)
	}
	s.now = s.now.Add(23 * time.Hour)
	s.pass()
	s.want("not yet")
	s.now = s.now.Add(time.Hour)
	s.pass()
	s.want("again", want...)
}

// TestBehind: a route that is away has a bounded number of parcels, the rest waits in the
// timeline, and everything arrives once when it is back.
func TestBehind(t *testing.T) {
	s := newScene(t)
	s.save(changesOf("all"))
	const n = (maxWaiting + 20) * maxItems
	s.flood(0, 0, n)
	s.pass()
	p := s.get("all")
	if p.Behind <= 0 || p.Waiting < maxWaiting || p.Waiting > maxWaiting+2*perBatch {
		t.Fatalf("behind by %d, %d on their way", p.Behind, p.Waiting)
	}
	s.now = s.now.Add(2 * tooLate)
	s.pass()
	s.pass()
	if got := strings.Count(s.told.String(), "an export is behind"); got != 1 {
		t.Errorf("told %d times: %s", got, s.told.String())
	}
	var got []string
	for range 10 {
		got = append(got, s.sent("siem")...)
		s.pass()
	}
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != n || len(got) != n {
		t.Errorf("%d entries of %d", len(got), n)
	}
	if p := s.get("all"); p.Behind != 0 || p.Sent != n || !strings.Contains(s.told.String(), "goes on") {
		t.Errorf("%+v", p)
	}
}

// TestTwo: of two collectors that go on from one place, one puts it in.
func TestTwo(t *testing.T) {
	s := newScene(t)
	s.save(changesOf("all"))
	s.deliver(0, s.change("ssh-a", finding.SeverityHigh))
	other := s.another()
	p := s.get("all")
	var batches []*batch
	for _, r := range []*Runner{s.runner, other} {
		b, err := r.next(t.Context(), &p)
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
	if err := s.runner.put(t.Context(), &p, batches[0]); err != nil {
		t.Fatal(err)
	}
	if err := other.put(t.Context(), &p, batches[1]); !errors.Is(err, order.ErrMoved) {
		t.Errorf("the second: %v", err)
	}
	s.want("once", "ssh-a")
}

// TestLost: what the timeline no longer has is counted.
func TestLost(t *testing.T) {
	s := newScene(t)
	s.save(changesOf("all"))
	s.flood(0, 0, 10)
	s.now = s.now.Add(gone + time.Hour)
	s.deliver(0, s.change("ssh-last", finding.SeverityHigh))
	if err := s.store.Write(t.Context(), func(w db.Writer) error {
		return w.Exec("DELETE FROM event WHERE id < (SELECT max(id) FROM event)")
	}); err != nil {
		t.Fatal(err)
	}
	s.pass()
	s.want("the last", "ssh-last")
	if p := s.get("all"); p.Lost < 10 || p.Sent != 1 {
		t.Errorf("%+v", p)
	}
}

// TestRun: what happens goes out without being asked for, and Run ends with its context.
func TestRun(t *testing.T) {
	s := newScene(t)
	s.save(changesOf("all"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.runner.Run(ctx) }()
	s.deliver(0, s.change("ssh-a", finding.SeverityHigh))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(20 * time.Second); s.get("all").Sent == 0; {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("nothing went out")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s.want("it", "ssh-a")
}
