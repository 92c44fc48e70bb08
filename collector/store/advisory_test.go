package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"seawall/collector/advisory"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/advice"
	"seawall/collector/store/erase"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// update is a pending update with the line of evidence that names advisories.
func update(resource, line string, status finding.Status) finding.Result {
	r := result(advisory.Check, resource, status)
	r.Severity, r.Evidence = finding.SeverityHigh, []finding.Evidence{{Text: line}}
	return r
}

// named is each name with the number of hosts and updates that have it.
func named(t *testing.T, s *Store) string {
	t.Helper()
	var all []string
	for _, kind := range []advisory.Kind{advisory.Vendor, advisory.CVE} {
		p, err := s.Advisories(t.Context(), advisory.Query{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Advisories {
			all = append(all, fmt.Sprintf("%s:%d/%d", a.Name, a.Hosts, a.Packages))
			sameOnPage(t, s, a)
		}
	}
	return strings.Join(all, " ")
}

// sameOnPage: the page of a name has what the list counts.
func sameOnPage(t *testing.T, s *Store, a advisory.Advisory) {
	t.Helper()
	p, err := s.Advised(t.Context(), advisory.HostQuery{Name: a.Name})
	if err != nil {
		t.Fatal(err)
	}
	hosts := map[fleet.HostID]bool{}
	for i := range p.States {
		hosts[p.States[i].Host] = true
	}
	if len(p.States) != a.Packages || len(hosts) != a.Hosts {
		t.Errorf("%s: the page has %d updates of %d hosts, the list counts %d of %d", a.Name, len(p.States), len(hosts), a.Packages, a.Hosts)
	}
}

// TestAdvisories: the names follow what stands, whichever way the host says it.
func TestAdvisories(t *testing.T) {
	s, _ := openTest(t, Config{})
	a, b := hostID(0), hostID(1)
	enrol(t, s, a)
	enrol(t, s, b)
	fail, pass := finding.StatusFail, finding.StatusPass
	seq := uint64(0)
	tell := func(r finding.Result, previous finding.Status, removed bool) wire.Record {
		return wire.Record{Change: &finding.Change{Result: r, Previous: previous, Removed: removed}}
	}
	for _, step := range []struct {
		record wire.Record
		want   string
	}{
		{tell(update("x", "Important RHSA-2024:1: CVE-2024-1", fail), 0, false), "RHSA-2024:1:1/1 CVE-2024-1:1/1"},
		{tell(update("y", "RHSA-2024:1", fail), 0, false), "RHSA-2024:1:1/2 CVE-2024-1:1/1"},
		{tell(update("x", "RHSA-2024:2", fail), fail, false), "RHSA-2024:1:1/1 RHSA-2024:2:1/1"},  // in other words
		{tell(update("x", "RHSA-2024:2", pass), fail, false), "RHSA-2024:1:1/1"},                  // as the store has it
		{tell(update("x", "RHSA-2024:3", fail), pass, false), "RHSA-2024:1:1/1 RHSA-2024:3:1/1"},  // and back
		{tell(update("y", "", pass), fail, true), "RHSA-2024:3:1/1"},                              // installed
		{tell(result("ssh-a", "RHSA-2024:9", fail), 0, false), "RHSA-2024:3:1/1"},                 // no update
		{tell(update("x", "held: see RHSA-2024:9", fail), finding.StatusError, false), ""},        // nothing named
		{tell(update("z", "RHSA-2024:4, RHSA-2024:4", fail), 0, false), "RHSA-2024:4:1/1"},        // once
		{tell(update("z", "RHSA-2024:4", finding.StatusUnknown), fail, false), ""},                // nobody knows
		{tell(update("z", "RHSA-2024:5", fail), finding.StatusUnknown, false), "RHSA-2024:5:1/1"}, // known again
	} {
		seq++
		apply(t, s, a, deliver(seq, step.record)...)
		if got := named(t, s); got != step.want {
			t.Fatalf("after record %d: %q, want %q", seq, got, step.want)
		}
	}
	apply(t, s, b, deliver(1, tell(update("z", "RHSA-2024:5", fail), 0, false))...)
	if got := named(t, s); got != "RHSA-2024:5:2/2" {
		t.Errorf("on two hosts: %q", got)
	}
	whole := []finding.Result{update("v", "RHSA-2024:6: CVE-2024-6", fail)}
	whole[0].Since = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, part := range wire.SplitState(whole, 0) {
		part.ID = 1
		seq++
		apply(t, s, a, deliver(seq, wire.Record{State: &part})...)
	}
	if got := named(t, s); got != "RHSA-2024:5:1/1 RHSA-2024:6:1/1 CVE-2024-6:1/1" {
		t.Errorf("after a whole state: %q", got)
	}
	caught(t, s)
	if p, err := s.Advisories(t.Context(), advisory.Query{Text: "RHSA-2024:6"}); err != nil || len(p.Advisories) != 1 || !p.Advisories[0].Since.Equal(whole[0].Since) {
		t.Errorf("since when the host says that it waits: %+v, %v", p, err)
	}
	if _, err := s.Forget(t.Context(), a, func(db.Writer, []erase.Count) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := named(t, s); got != "RHSA-2024:5:1/1" {
		t.Errorf("after the host is forgotten: %q", got)
	}
}

// caught: what stood before there was the table is read from what stands.
func caught(t *testing.T, s *Store) {
	t.Helper()
	want := named(t, s)
	var more []bool
	err := s.Write(t.Context(), func(w db.Writer) error {
		err := errors.Join(w.Exec("DELETE FROM advisory"), w.Exec("DELETE FROM advised"), w.Exec("INSERT INTO advisory_waiting SELECT host FROM host"))
		for range 3 {
			if err == nil {
				var again bool
				again, err = advice.Catch(w, 1)
				more = append(more, again)
			}
		}
		return err
	})
	if got := named(t, s); err != nil || got != want || fmt.Sprint(more) != "[true true false]" || count(t, s, "advisory_waiting") != 0 {
		t.Errorf("caught up: %q in steps %v, %v, want %q", got, more, err, want)
	}
}
