package view

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Of a scope is told what its hosts have, and nothing else.
func TestPart(t *testing.T) {
	result := func(host int, check string, status finding.Status) []any {
		return []any{mustKey(t, host), check, "", int(status), 4, 0, stateBody(t, check, "", status)}
	}
	v := fill(t, map[string][][]any{
		"host (host, first_seen, last_seen, name, archived, pass, fail, severity4)": {
			{mustKey(t, 1), 0, now.UnixNano(), "mine", 0, 1, 1, 1}, {mustKey(t, 2), 0, 0, "theirs", 0, 0, 2, 2}, {mustKey(t, 3), 0, 0, "gone", 1, 0, 1, 1}},
		"host_tag":   {{mustKey(t, 1), "mine"}, {mustKey(t, 3), "mine"}, {mustKey(t, 2), "theirs"}},
		"state":      {result(1, "ssh-a", finding.StatusFail), result(1, "ssh-b", finding.StatusPass), result(2, "ssh-a", finding.StatusFail), result(2, "ssh-c", finding.StatusFail), result(3, "ssh-a", finding.StatusFail)},
		"host_check": {{mustKey(t, 1), "ssh-a", 1}, {mustKey(t, 2), "ssh-a", 1}, {mustKey(t, 2), "ssh-c", 1}, {mustKey(t, 3), "ssh-a", 1}},
		"check_rollup (check_id, pass, fail, hosts)": {{"ssh-a", 0, 2, 2}, {"ssh-b", 1, 0, 0}, {"ssh-c", 0, 1, 1}},
		"detection_count": {{mustKey(t, 1), 4, 2}, {mustKey(t, 2), 5, 7}},
	})
	scope := []string{"mine"}
	o, err := v.OverviewOf(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	want := fleet.Overview{
		Hosts: 1, Presence: map[fleet.Presence]int{fleet.Online: 1, fleet.Silent: 0, fleet.Offline: 0, fleet.Archived: 1}, Standing: map[fleet.Standing]int{},
		Counts: fleet.Counts{Pass: 1, Fail: 1}, BySeverity: [6]int{4: 1}, Detected: [6]int{4: 2},
		Worst: []fleet.Check{{Info: finding.CheckInfo{ID: "ssh-a"}, Counts: fleet.Counts{Fail: 1}, Hosts: 1}},
	}
	for i := range o.Worst { // a check's text is not what this is about
		o.Worst[i].Info = finding.CheckInfo{ID: o.Worst[i].Info.ID}
	}
	if d := cmp.Diff(want, o); d != "" {
		t.Errorf("the overview of a scope:\n%s", d)
	}
	checks, err := v.ChecksOf(t.Context(), scope)
	if err != nil || len(checks) != 2 {
		t.Errorf("%d checks of the scope, %v; want 2", len(checks), err)
	}
	d, err := v.CheckOf(t.Context(), "ssh-a", scope)
	if err != nil || len(d.States) != 1 || d.States[0].HostName != "mine" || d.Check.Counts.Fail != 1 {
		t.Errorf("a check of the scope: %+v, %v", d, err)
	}
	if _, err := v.CheckOf(t.Context(), "ssh-c", scope); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a check that others alone have: %v", err)
	}
	within, err := v.Within(t.Context(), scope)
	if d := cmp.Diff(map[fleet.HostID]bool{id(1): true, id(3): true}, within); d != "" || err != nil {
		t.Errorf("hosts within: %v\n%s", err, d)
	}
	if _, err := v.Within(t.Context(), nil); err == nil {
		t.Error("no scope has all hosts")
	}
}

// A page of a scope's changes goes on where others have many.
func TestTimelineOfScope(t *testing.T) {
	v := timeline(t, 300)
	all, err := v.TimelineOf(t.Context(), fleet.TimelineQuery{Limit: 120}, []string{"odd"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.ID%2 == 0 {
			t.Fatalf("change %d is of another host", e.ID)
		}
	}
	if len(all) != 120 {
		t.Errorf("%d changes, want 120", len(all))
	}
	detections, err := v.Detections(t.Context(), fleet.DetectionQuery{Scope: []string{"none"}})
	if err != nil || len(detections) != 0 {
		t.Errorf("%d detections of nobody, %v", len(detections), err)
	}
}
