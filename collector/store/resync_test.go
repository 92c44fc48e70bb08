package store

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/store/host"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// told is the timeline, oldest first, a line for each event.
func told(events []fleet.Event) []string {
	var lines []string
	for i := len(events) - 1; i >= 0; i-- {
		c := events[i].Change
		line := fmt.Sprintf("%s %s %s from %s", c.Result.Check, c.Result.Resource, c.Result.Status, c.Previous)
		if c.Removed {
			line += " removed"
		}
		if events[i].Resync {
			line += " resync"
		}
		if events[i].Moved {
			line += " moved"
		}
		if c.Result.Cause != nil {
			line += " by " + c.Result.Cause.Exe
		}
		lines = append(lines, line)
	}
	return lines
}

// TestResync has a host come back with a state that differs in every way: each
// difference is told once, to readers and to subscribers, whatever is sent again.
func TestResync(t *testing.T) {
	s, path := openTest(t, Config{})
	a := hostID(0)
	by := func(r finding.Result, exe string) finding.Result {
		r.Cause = &finding.Cause{Exe: exe}
		return r
	}
	stays, value := result("ssh-stays", "", finding.StatusFail), result("ssh-value", "", finding.StatusFail)
	gone := by(result("ssh-gone", "x", finding.StatusFail), "/bin/old")
	turns := by(result("ssh-turns", "", finding.StatusPass), "/bin/old")
	grave := by(result("ssh-grave", "", finding.StatusFail), "/bin/old")
	apply(t, s, a, deliver(1, whole(stays, value, gone, turns, grave))...)
	if events := timeline(t, s, fleet.TimelineQuery{}); len(events) > 0 {
		t.Fatalf("a first state is told as %q", told(events))
	}

	updates, end := s.Subscribe(8)
	value.Actual = "other"
	turns = result("ssh-turns", "", finding.StatusFail)
	grave.Severity, grave.Cause = finding.SeverityCritical, nil
	stays.Evidence = []finding.Evidence{{File: "/etc/ssh/sshd_config", Line: 7}}
	fresh := result("ssh-fresh", "", finding.StatusUnknown)
	caused := by(result("ssh-fresh", "y", finding.StatusFail), "/bin/tee") // its change was lost on the way
	again := []finding.Result{stays, value, turns, grave, fresh, caused}
	var items []fleet.Delivery
	for i, r := range parts(7, again...) {
		items = append(items, deliver(uint64(2+i), r)...)
	}
	for _, item := range items {
		apply(t, s, a, item)
		apply(t, s, a, item)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	end()
	var heard []fleet.Event
	for u := range updates {
		heard = append(heard, u.Events...)
	}
	s = reopen(t, path, Config{})
	apply(t, s, a, items...)
	// The same state in other parts says nothing new.
	apply(t, s, a, deliver(uint64(2+len(items)), whole(again...))...)

	events := timeline(t, s, fleet.TimelineQuery{})
	want := []string{
		"ssh-fresh  unknown from unspecified resync",
		"ssh-fresh y fail from unspecified resync by /bin/tee",
		"ssh-gone x pass from fail removed resync",
		"ssh-grave  fail from fail resync",
		"ssh-turns  fail from pass resync",
		"ssh-value  fail from fail resync",
	}
	if diff := cmp.Diff(want, told(events)); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	for i := range heard {
		if diff := cmp.Diff(events[len(events)-1-i], heard[i]); diff != "" {
			t.Errorf("subscribers hear otherwise (-timeline +heard):\n%s", diff)
		}
	}
	if len(heard) != len(want) {
		t.Errorf("subscribers hear %d events, want %d", len(heard), len(want))
	}
	if d, err := s.Overview(t.Context()); err != nil || d.Days[len(d.Days)-1].Changes != len(want) {
		t.Errorf("the day has %+v, %v", d.Days[len(d.Days)-1], err)
	}
	verifyRollups(t, s)
}

// TestResyncOfAMuteCheck: what stands of a check's resources stays when the agent
// starts and cannot evaluate the check, and is settled when it can.
func TestResyncOfAMuteCheck(t *testing.T) {
	s, _ := openTest(t, Config{})
	a := hostID(0)
	zlib, curl := result("patch-x", "zlib", finding.StatusFail), result("patch-x", "curl", finding.StatusFail)
	own, pass := result("patch-y", "", finding.StatusFail), result("ssh-a", "", finding.StatusPass)
	apply(t, s, a, deliver(1, whole(zlib, curl, own, pass))...)
	broken := result("patch-x", "", finding.StatusError)
	apply(t, s, a, deliver(2, whole(broken, result("patch-y", "", finding.StatusUnknown), pass))...)
	apply(t, s, a, deliver(3, whole(broken, result("patch-y", "", finding.StatusUnknown), pass))...)
	want := []string{"patch-x  error from unspecified resync", "patch-y  unknown from fail resync"}
	if diff := cmp.Diff(want, told(timeline(t, s, fleet.TimelineQuery{}))); diff != "" {
		t.Errorf("started with a broken file (-want +got):\n%s", diff)
	}
	apply(t, s, a, deliver(4, whole(curl, own, pass))...)
	want = append(want, "patch-x  pass from error removed resync", "patch-x zlib pass from fail removed resync", "patch-y  fail from unknown resync")
	if diff := cmp.Diff(want, told(timeline(t, s, fleet.TimelineQuery{}))); diff != "" {
		t.Errorf("it can be read again (-want +got):\n%s", diff)
	}
	verifyRollups(t, s)
}

// TestResyncNeedsAState has single changes come before the first whole state: that
// state is still the first, and a late part of an older one tells nothing.
func TestResyncNeedsAState(t *testing.T) {
	s, _ := openTest(t, Config{})
	a := hostID(0)
	apply(t, s, a, deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	apply(t, s, a, deliver(3, whole(result("ssh-a", "", finding.StatusPass), result("ssh-b", "", finding.StatusFail)))...)
	apply(t, s, a, deliver(2, whole(result("ssh-c", "", finding.StatusFail)))...)
	wrong := whole(result("ssh-d", "", finding.StatusFail))
	wrong.State.Digest[0]++
	apply(t, s, a, deliver(4, wrong)...)
	const missed = "agent-records-lost posture 2–2 fail from unspecified"
	if got := told(timeline(t, s, fleet.TimelineQuery{})); len(got) != 2 || got[1] != missed {
		t.Errorf("timeline %q", got)
	}
	// An empty state is a state.
	apply(t, s, a, deliver(5, whole(), whole(result("ssh-e", "", finding.StatusFail)))...)
	want := []string{"ssh-a  fail from unspecified", missed, "ssh-a  pass from pass removed resync",
		"ssh-b  pass from fail removed resync", "ssh-e  fail from unspecified resync"}
	if diff := cmp.Diff(want, told(timeline(t, s, fleet.TimelineQuery{}))); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

// TestMoved tells a change of value from one of the evidence's place.
func TestMoved(t *testing.T) {
	s, _ := openTest(t, Config{})
	a := hostID(0)
	r := result("ssh-a", "", finding.StatusFail)
	r.Evidence = []finding.Evidence{{File: "/etc/ssh/sshd_config", Line: 7}}
	apply(t, s, a, deliver(1, changed(r))...)
	step := func(seq uint64, alter func(*finding.Result)) {
		alter(&r)
		r.Evidence = []finding.Evidence{{File: "/etc/ssh/sshd_config", Line: 7 + int(seq)}}
		apply(t, s, a, deliver(seq, wire.Record{Change: &finding.Change{Result: r, Previous: finding.StatusFail}})...)
	}
	step(2, func(*finding.Result) {})
	step(3, func(r *finding.Result) { r.Actual = "other" })
	step(4, func(r *finding.Result) { r.Time = r.Time.Add(time.Second) })
	step(5, func(r *finding.Result) { r.Severity = finding.SeverityLow })
	step(6, func(r *finding.Result) { r.Status = finding.StatusPass })
	want := []string{"ssh-a  fail from unspecified", "ssh-a  fail from fail moved", "ssh-a  fail from fail",
		"ssh-a  fail from fail moved", "ssh-a  fail from fail", "ssh-a  pass from fail"}
	if diff := cmp.Diff(want, told(timeline(t, s, fleet.TimelineQuery{}))); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

// TestResyncMendsRows damages what stands: the next whole state is taken.
func TestResyncMendsRows(t *testing.T) {
	s, _ := openTest(t, Config{})
	a := hostID(0)
	r := result("ssh-a", "", finding.StatusFail)
	apply(t, s, a, deliver(1, whole(r, result("ssh-b", "", finding.StatusFail)))...)
	if err := s.submit(t.Context(), func(b *host.Batch) error { return b.Exec("UPDATE state SET body = ?", []byte{0}) }); err != nil {
		t.Fatal(err)
	}
	apply(t, s, a, deliver(2, wire.Record{Change: &finding.Change{Result: result("ssh-b", "", finding.StatusFail), Previous: finding.StatusFail}})...)
	apply(t, s, a, deliver(3, whole(r))...)
	if diff := cmp.Diff([]finding.Result{r}, states(detail(t, s, a))); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	verifyRollups(t, s)
}

// BenchmarkResync takes a whole state of 1,000 results of which one in ten differs.
func BenchmarkResync(b *testing.B) {
	s, _ := openTest(b, Config{})
	all := many(1000, finding.StatusFail)
	seq := uint64(1)
	for b.Loop() {
		for i := range all {
			if i%10 == 0 {
				all[i].Actual = strconv.FormatUint(seq, 10)
			}
		}
		for _, r := range wire.SplitState(all, 0) {
			apply(b, s, hostID(0), deliver(seq, wire.Record{State: &r})...)
			seq++
		}
	}
}
