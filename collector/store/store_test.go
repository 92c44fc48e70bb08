package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

func hostID(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n+1)) }

// openTest opens a store in a folder of the test and returns its path, too.
func openTest(t testing.TB, cfg Config) (*Store, string) {
	t.Helper()
	path := newName(t)
	return reopen(t, path, cfg), path
}

func reopen(t testing.TB, path string, cfg Config) *Store {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Unix(1_800_000_100, 0).UTC() }
	}
	s, err := Open(t.Context(), path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func result(check, resource string, status finding.Status) finding.Result {
	return finding.Result{Check: check, Resource: resource, Status: status, Severity: finding.SeverityHigh,
		Actual: status.String(), Expected: "pass", Time: time.Unix(1_800_000_000, 0).UTC()}
}

func changed(r finding.Result) wire.Record { return wire.Record{Change: &finding.Change{Result: r}} }

// deliver numbers records of epoch 1 of lane posture from the sequence on.
func deliver(from uint64, records ...wire.Record) []fleet.Delivery {
	var items []fleet.Delivery
	for i, r := range records {
		items = append(items, fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: from + uint64(i), Record: r})
	}
	return items
}

// enrol makes a host a member, with a key of its own.
func enrol(t testing.TB, s *Store, id fleet.HostID) {
	t.Helper()
	m := fleet.Member{Host: id, Key: sha256.Sum256([]byte(id)), Standing: fleet.Active, Enrolled: s.cfg.Now(), Since: s.cfg.Now()}
	if err := s.SaveMember(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func apply(t testing.TB, s *Store, id fleet.HostID, items ...fleet.Delivery) {
	t.Helper()
	err := s.Apply(t.Context(), id, items, nil)
	if errors.Is(err, fleet.ErrUnknown) {
		enrol(t, s, id)
		err = s.Apply(t.Context(), id, items, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func detail(t testing.TB, s *Store, id fleet.HostID) fleet.HostDetail {
	t.Helper()
	d, err := s.Host(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func timeline(t testing.TB, s *Store, q fleet.TimelineQuery) []fleet.Event {
	t.Helper()
	events, err := s.Timeline(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestApplyOnce(t *testing.T) {
	s, path := openTest(t, Config{})
	a := hostID(0)
	items := deliver(1, changed(result("ssh-a", "", finding.StatusFail)), changed(result("ssh-b", "", finding.StatusPass)))
	apply(t, s, a, items...)
	apply(t, s, a, items...)
	apply(t, s, a, append(items, deliver(3, changed(result("ssh-a", "", finding.StatusPass)))...)...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, Config{})
	apply(t, s, a, items...)
	if n := len(timeline(t, s, fleet.TimelineQuery{})); n != 3 {
		t.Errorf("%d events of 3 records", n)
	}
	d := detail(t, s, a)
	if d.Host.Counts != (fleet.Counts{Pass: 2}) || len(d.States) != 2 {
		t.Errorf("counts %+v, %d states", d.Host.Counts, len(d.States))
	}
	positions, err := s.Positions(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]fleet.Position{{Lane: "posture", Epoch: 1, Sequence: 3}}, positions); diff != "" {
		t.Errorf("positions (-want +got):\n%s", diff)
	}
	if positions, err = s.Positions(t.Context(), hostID(1)); err != nil || len(positions) > 0 {
		t.Errorf("positions of another host: %v, %v", positions, err)
	}
}

// TestPayload has a record's own bytes be what is kept: they are not encoded again.
func TestPayload(t *testing.T) {
	s, path := openTest(t, Config{})
	items := deliver(1, changed(result("ssh-a", "", finding.StatusFail)))
	payload, err := wire.Encode(items[0].Record)
	if err != nil {
		t.Fatal(err)
	}
	payload = append(payload, 0xf8, 0x07, 1) // a field 127 that this program does not know
	if items[0].Record, err = wire.Decode(payload); err != nil {
		t.Fatal(err)
	}
	items[0].Payload = payload
	apply(t, s, hostID(0), items...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, Config{})
	var kept []byte
	if err := s.data.Readers.QueryRowContext(t.Context(), "SELECT body FROM event").Scan(&kept); err != nil || !bytes.Equal(kept, payload) {
		t.Errorf("kept %x, %v", kept, err)
	}
	if diff := cmp.Diff([]finding.Result{result("ssh-a", "", finding.StatusFail)}, states(detail(t, s, hostID(0)))); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// TestMissing has a host tell what is missing, in the record's own transaction, and
// again: one event for each range.
func TestMissing(t *testing.T) {
	s, path := openTest(t, Config{})
	a := hostID(0)
	enrol(t, s, a)
	items := deliver(1, changed(result("ssh-a", "", finding.StatusFail)))
	items = append(items, deliver(9, changed(result("ssh-a", "", finding.StatusPass)))...)
	items[1].Digest = 1<<63 + 5
	missing := []fleet.Missing{{Lane: "posture", Epoch: 1, From: 2, To: 5, Reason: fleet.Evicted}, {Lane: "posture", Epoch: 1, From: 8, To: 8, Reason: fleet.Damaged}}
	for round := range 3 {
		if err := s.Apply(t.Context(), a, items, missing); err != nil {
			t.Fatal(err)
		}
		if round == 1 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = reopen(t, path, Config{})
		}
	}
	events := timeline(t, s, fleet.TimelineQuery{Check: "agent-records-lost"})
	want := []string{"agent-records-lost posture 2–5 fail from unspecified", "agent-records-lost posture 6–7 fail from unspecified",
		"agent-records-lost posture 8–8 fail from unspecified"}
	if diff := cmp.Diff(want, told(events)); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	if r := events[0].Change.Result; r.Severity != finding.SeverityMedium || r.Actual != "1 record lost: damaged on the host's disk" || events[0].Resync {
		t.Errorf("event %+v", events[0])
	}
	if d := detail(t, s, a); d.Host.Gaps != 7 || len(d.States) != 1 {
		t.Errorf("%d missing, %d states", d.Host.Gaps, len(d.States))
	}
	positions, err := s.Positions(t.Context(), a)
	if diff := cmp.Diff([]fleet.Position{{Lane: "posture", Epoch: 1, Sequence: 9, Digest: 1<<63 + 5}}, positions); diff != "" || err != nil {
		t.Errorf("%v, positions (-want +got):\n%s", err, diff)
	}
	// A range and nothing else moves the position; its last record has no digest.
	if err := s.Apply(t.Context(), a, nil, []fleet.Missing{{Lane: "posture", Epoch: 1, From: 10, To: 12, Reason: fleet.Diverged}}); err != nil {
		t.Fatal(err)
	}
	if positions, err = s.Positions(t.Context(), a); err != nil || positions[0].Sequence != 12 || positions[0].Digest != 0 {
		t.Errorf("positions %+v, %v", positions, err)
	}
	if err := s.Apply(t.Context(), a, nil, []fleet.Missing{{Lane: "posture", Epoch: 1, From: 5, To: 4}}); err == nil {
		t.Error("a range that ends before it begins is taken")
	}
	verifyRollups(t, s)
}

// TestHostsAreApart sends the same names from two hosts.
func TestHostsAreApart(t *testing.T) {
	s, _ := openTest(t, Config{})
	apply(t, s, hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	apply(t, s, hostID(1), deliver(1, changed(result("ssh-a", "", finding.StatusPass)))...)
	apply(t, s, hostID(1), deliver(2, whole())...)
	if d := detail(t, s, hostID(0)); len(d.States) != 1 || d.States[0].Result.Status != finding.StatusFail {
		t.Errorf("first host has %+v", d.States)
	}
	if d := detail(t, s, hostID(1)); len(d.States) != 0 {
		t.Errorf("second host has %+v", d.States)
	}
	c, err := s.Check(t.Context(), "ssh-a")
	if err != nil || c.Check.Hosts != 1 || c.Check.Counts != (fleet.Counts{Fail: 1}) || len(c.States) != 1 {
		t.Errorf("check %+v, %v", c, err)
	}
}

func TestGapsAndLateRecords(t *testing.T) {
	s, _ := openTest(t, Config{})
	a := hostID(0)
	apply(t, s, a, deliver(5, changed(result("ssh-a", "", finding.StatusFail)))...)
	apply(t, s, a, deliver(10, changed(result("ssh-a", "", finding.StatusPass)))...)
	if g := detail(t, s, a).Host.Gaps; g != 4+4 {
		t.Errorf("%d missing, want 8", g)
	}
	// One of the missing comes late, twice: an event, but not the state.
	late := deliver(7, changed(result("ssh-a", "", finding.StatusError)))
	apply(t, s, a, late...)
	apply(t, s, a, late...)
	d := detail(t, s, a)
	if d.Host.Gaps != 7 || d.States[0].Result.Status != finding.StatusPass {
		t.Errorf("%d missing, state %v", d.Host.Gaps, d.States[0].Result.Status)
	}
	if n := len(timeline(t, s, fleet.TimelineQuery{})); n != 3+2 {
		t.Errorf("%d events, want 3 and 2 of what is missing", n)
	}
	// Sequences go on in the next epoch; then a spool that began anew.
	next := fleet.Delivery{Lane: "posture", Epoch: 2, Sequence: 12, Record: changed(result("ssh-a", "", finding.StatusFail))}
	apply(t, s, a, next)
	anew := next
	anew.Epoch, anew.Sequence = 3, 1
	apply(t, s, a, anew)
	if g := detail(t, s, a).Host.Gaps; g != 8 {
		t.Errorf("%d missing, want 8", g)
	}
	// What is sent of an old epoch is late.
	old := deliver(11, changed(result("ssh-a", "", finding.StatusUnknown)))
	apply(t, s, a, old...)
	if d := detail(t, s, a); d.States[0].Result.Status != finding.StatusFail {
		t.Errorf("an old epoch changed the state to %v", d.States[0].Result.Status)
	}
}

func TestRejectedRecordsAreKept(t *testing.T) {
	s, _ := openTest(t, Config{})
	bad := fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: 1, Reject: "record field x: \x1b[31m", Size: 9}
	apply(t, s, hostID(0), bad)
	apply(t, s, hostID(0), bad)
	apply(t, s, hostID(0), deliver(2, changed(result("ssh-a", "", finding.StatusPass)))...)
	d := detail(t, s, hostID(0))
	if d.Host.Rejected != 1 || d.Host.Gaps != 0 || len(d.States) != 1 {
		t.Errorf("%d rejected, %d missing, %d states", d.Host.Rejected, d.Host.Gaps, len(d.States))
	}
	if n := count(t, s, "rejected"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestLimitsOfAHost(t *testing.T) {
	s, _ := openTest(t, Config{MaxResults: 3})
	var records []wire.Record
	for i := range 5 {
		records = append(records, changed(result("ssh-a", strconv.Itoa(i), finding.StatusFail)))
	}
	records = append(records, changed(result("ssh-a", "0", finding.StatusPass)))
	apply(t, s, hostID(0), deliver(1, records...)...)
	if d := detail(t, s, hostID(0)); len(d.States) != 3 || d.Host.Rejected != 2 || d.Host.Counts.Pass != 1 {
		t.Errorf("%d states, %d rejected, %+v", len(d.States), d.Host.Rejected, d.Host.Counts)
	}
	for i := range 20 {
		apply(t, s, hostID(1), fleet.Delivery{Lane: "lane-" + strconv.Itoa(i), Epoch: 1, Sequence: 1, Record: records[0]})
	}
	if d := detail(t, s, hostID(1)); d.Host.Rejected != 12 {
		t.Errorf("%d records of lanes too many rejected, want 12", d.Host.Rejected)
	}
	if err := s.Apply(t.Context(), hostID(2), deliver(1, records[0]), nil); !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("a host that is no member: %v", err)
	}
	if err := s.Apply(t.Context(), "../../etc", nil, nil); err == nil {
		t.Error("an id of a wrong form is taken")
	}
	if err := s.Apply(t.Context(), hostID(1), deliver(0, records[0]), nil); err == nil {
		t.Error("sequence 0 is taken")
	}
}

// TestHugeSequences covers counts that must not overflow.
func TestHugeSequences(t *testing.T) {
	s, _ := openTest(t, Config{})
	r := changed(result("ssh-a", "", finding.StatusPass))
	for i, seq := range []uint64{math.MaxInt64, 1, math.MaxInt64 - 1, 2} {
		apply(t, s, hostID(0), fleet.Delivery{Lane: "posture", Epoch: math.MaxUint64 - uint64(i), Sequence: seq, Record: r})
	}
	if g := detail(t, s, hostID(0)).Host.Gaps; g != 1<<53 {
		t.Errorf("%d missing, want %d", g, uint64(1<<53))
	}
}

func TestManyEpochs(t *testing.T) {
	s, _ := openTest(t, Config{})
	r := changed(result("ssh-a", "", finding.StatusPass))
	for i := range 256 + 50 {
		apply(t, s, hostID(0), fleet.Delivery{Lane: "posture", Epoch: uint64(i), Sequence: uint64(i + 1), Record: r})
	}
	if n := count(t, s, "position"); n != 256 {
		t.Errorf("%d positions, want %d", n, 256)
	}
}

func count(t testing.TB, s *Store, table string) (n int) {
	t.Helper()
	if err := s.data.Readers.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSubscribe(t *testing.T) {
	s, _ := openTest(t, Config{})
	updates, cancel := s.Subscribe(2)
	for i := range 4 {
		apply(t, s, hostID(0), deliver(uint64(i+1), changed(result("ssh-a", "", finding.StatusFail)))...)
	}
	apply(t, s, hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...) // a duplicate tells nothing
	for i := range 2 {
		u := <-updates
		if u.Lost || len(u.Events) != 1 || u.Events[0].ID != int64(i+1) {
			t.Errorf("update %d: %+v", i, u)
		}
	}
	apply(t, s, hostID(0), deliver(5, wire.Record{Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: "web-1"}}})...)
	if u := <-updates; !u.Lost || len(u.Events) != 0 || u.Host != hostID(0) {
		t.Errorf("after a loss: %+v", u)
	}
	cancel()
	cancel()
	if _, open := <-updates; open {
		t.Error("channel is open after cancel")
	}
	last, _ := s.Subscribe(0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, open := <-last; open {
		t.Error("channel is open after Close")
	}
	if err := s.Apply(t.Context(), hostID(0), deliver(9, changed(result("ssh-a", "", finding.StatusFail))), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("apply after Close: %v", err)
	}
}

func TestReady(t *testing.T) {
	s, _ := openTest(t, Config{})
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
