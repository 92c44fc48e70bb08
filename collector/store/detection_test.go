package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

func detected(storm string, count uint64, at time.Time) wire.Record {
	return wire.Record{Detection: &finding.Detection{ID: storm, Rule: "shell-reverse", Title: "A shell talks", Severity: finding.SeverityHigh,
		Count: count, First: at, Last: at, Techniques: []string{"T1059.004"}, Samples: []finding.Sample{{Serial: count, Command: "bash -i"}}}}
}

// laneOfDetections numbers records of epoch 1 of the lane of detections from the sequence on.
func laneOfDetections(from uint64, records ...wire.Record) []fleet.Delivery {
	items := deliver(from, records...)
	for i := range items {
		items[i].Lane = "detections"
	}
	return items
}

// TestDetections sends a storm that grows over both lanes' traffic and restarts: it is
// one row with its newest report, told once, and a gap of its lane is told as others.
func TestDetections(t *testing.T) {
	s, path := openTest(t, Config{})
	a, at := hostID(0), time.Unix(1_800_000_000, 0).UTC()
	first := laneOfDetections(1, detected("aa", 1, at), detected("bb", 1, at))
	apply(t, s, a, first...)
	apply(t, s, a, deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	more := laneOfDetections(5, detected("aa", 9, at.Add(time.Minute))) // 3 and 4 are missing
	apply(t, s, a, more...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, Config{})
	apply(t, s, a, append(first, more...)...)
	all, err := s.Detections(t.Context(), fleet.DetectionQuery{})
	if err != nil || len(all) != 2 {
		t.Fatalf("%d detections, %v", len(all), err)
	}
	want := *detected("aa", 9, at.Add(time.Minute)).Detection
	want.First = at
	if diff := cmp.Diff(fleet.Detection{Place: 3, Host: a, Received: s.cfg.Now(), Detection: want}, all[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	d := detail(t, s, a)
	events := timeline(t, s, fleet.TimelineQuery{})
	if d.Host.Gaps != 2 || d.Host.Detected != [6]int{4: 2} || len(events) != 2 || events[0].Change.Result.Resource != "detections 3–4" {
		t.Errorf("%d missing, %v detected, %d events", d.Host.Gaps, d.Host.Detected, len(events))
	}
	o, err := s.Overview(t.Context())
	if err != nil || len(o.Days) == 0 || o.Days[len(o.Days)-1].Detections != 2 || o.Detected != d.Host.Detected {
		t.Errorf("overview: %+v, %v", o.Detected, err)
	}
	verifyRollups(t, s)
}

// TestDetectionsTell: a subscriber hears of a detection, and not of one that it heard of.
func TestDetectionsTell(t *testing.T) {
	s, _ := openTest(t, Config{})
	enrol(t, s, hostID(0))
	updates, end := s.Subscribe(8)
	defer end()
	items := laneOfDetections(1, detected("aa", 1, time.Unix(1_800_000_000, 0)))
	for range 2 {
		apply(t, s, hostID(0), items...)
	}
	if u := <-updates; u.Host != hostID(0) || len(u.Events) != 0 {
		t.Errorf("told %+v", u)
	}
	if len(updates) != 0 {
		t.Errorf("told again: %+v", <-updates)
	}
}

// TestDetectionsExpire: what nothing was heard of for the retention goes, and its count.
func TestDetectionsExpire(t *testing.T) {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	s, _ := openTest(t, Config{Now: func() time.Time { return now }, Retention: 24 * time.Hour})
	apply(t, s, hostID(0), laneOfDetections(1, detected("aa", 1, now), detected("bb", 1, now), detected("cc", 1, now))...)
	// The writer goroutine is idle: nothing else runs in it.
	pass := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(4 * time.Minute) {
			s.sweep()
		}
	}
	pass(23 * time.Hour)
	apply(t, s, hostID(0), laneOfDetections(4, detected("bb", 2, now), detected("dd", 1, now))...)
	pass(2 * time.Hour)
	s.expire()
	all, err := s.Detections(t.Context(), fleet.DetectionQuery{})
	if err != nil || len(all) != 2 || all[0].Detection.ID != "dd" || all[1].Detection.ID != "bb" {
		t.Errorf("%d detections left, %v", len(all), err)
	}
	if d := detail(t, s, hostID(0)); d.Host.Detected != [6]int{4: 2} {
		t.Errorf("%v counted", d.Host.Detected)
	}
	verifyRollups(t, s)
	apply(t, s, hostID(0), laneOfDetections(6, detected("aa", 2, now))...)
	if all, err = s.Detections(t.Context(), fleet.DetectionQuery{}); err != nil || len(all) != 3 || all[0].Detection.ID != "aa" {
		t.Errorf("one that is told of again: %d detections, %v", len(all), err)
	}
}

// TestDetectionsAreBounded: a host that makes up storms keeps what it may.
func TestDetectionsAreBounded(t *testing.T) {
	s, _ := openTest(t, Config{MaxDetections: 100})
	var records []wire.Record
	for i := range 1000 {
		records = append(records, detected(fmt.Sprintf("%x", i), 1, s.cfg.Now()))
	}
	apply(t, s, hostID(0), laneOfDetections(1, records...)...)
	d := detail(t, s, hostID(0))
	if n := d.Host.Detected[4]; n > 100 || n < 95 || d.Host.Rejected != 0 {
		t.Errorf("%d kept, %d refused", n, d.Host.Rejected)
	}
	verifyRollups(t, s)
}
