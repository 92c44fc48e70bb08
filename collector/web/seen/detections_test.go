package seen

import (
	"fmt"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

var now = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// hosts are n hosts, the newest first.
func hosts(n int) []fleet.Host {
	all := make([]fleet.Host, n)
	for i := range all {
		id := n - 1 - i
		all[i] = fleet.Host{ID: fleet.HostID(fmt.Sprintf("%032x", id)), Labels: finding.Host{Name: fmt.Sprintf("host-%03d", id)}}
	}
	return all
}

func detections(n int) (out []fleet.Detection) {
	for i := range n {
		out = append(out, fleet.Detection{Place: int64(n - i), Host: "a", Detection: finding.Detection{ID: fmt.Sprintf("%x", n-i), Rule: "rule", Count: 1}})
	}
	return out
}

func TestDetections(t *testing.T) {
	hosts := hosts(300)
	for i := range hosts {
		hosts[i].Detected[i%6] = i % 2
	}
	hosts[0].Detected = [6]int{}
	q := fleet.DetectionQuery{Host: hosts[0].ID, Rule: "a b&c", Severity: finding.SeverityHigh, Before: 900}
	p := detectionsOf(now, q, detections(frame.PageSize+1), hosts)
	b := p.Body.(detectionsBody)
	const filter = "host=0000000000000000000000000000012b&rule=a+b%26c&severity=high"
	if b.Older != "/detections?before=2&"+filter || b.Newest != "/detections?"+filter || p.API != "/api/v1/detections?before=900&"+filter || !b.Any() {
		t.Errorf("older %s, newest %s, as JSON %s", b.Older, b.Newest, p.API)
	}
	if len(b.Storms) != frame.PageSize || p.Live.Host != q.Host || p.Live.Since != -1 {
		t.Errorf("%d shown, %+v", len(b.Storms), p.Live)
	}
	if len(b.Severities) != 6 || !b.Severities[2].Chosen || b.Severities[2].Value != "high" || b.Severities[0].Chosen {
		t.Errorf("severities %+v", b.Severities)
	}
	// The chosen host is among them though it has none.
	if len(b.Hosts) != 152 || b.Hosts[0].Chosen || !b.Hosts[1].Chosen || b.Hosts[1].Label != "host-299" {
		t.Errorf("%d hosts, %+v", len(b.Hosts), b.Hosts[:2])
	}
	p = detectionsOf(now, fleet.DetectionQuery{}, detections(frame.PageSize), nil)
	if b = p.Body.(detectionsBody); b.Older != "" || b.Newest != "" || b.Any() || !b.Severities[0].Chosen || len(b.Hosts) != 1 || p.API != "/api/v1/detections" {
		t.Errorf("all: %+v", b)
	}
}

func TestDetection(t *testing.T) {
	d := detections(1)[0]
	p := detectionOf(now, d)
	s := p.Body.(frame.Storm)
	if p.Title != "rule" || p.API != "/api/v1/hosts/a/detections/1" || s.First().Command != "" {
		t.Errorf("%+v", p)
	}
	d.Detection.Title, d.Detection.ID = "title", "../x?y"
	d.Detection.Samples = []finding.Sample{{Command: "one"}, {Command: "two"}}
	if s = (frame.Storm{Now: now, Detection: d}); s.Name() != "title" || s.Path() != "/hosts/a/detections/..%2Fx%3Fy" || s.First().Command != "one" {
		t.Errorf("%s at %s", s.Name(), s.Path())
	}
	all := []finding.Process{{PID: 3}, {PID: 2}, {PID: 1}}
	if got := chain(all); got[0].PID != 1 || got[2].PID != 3 || all[0].PID != 3 {
		t.Errorf("chain %v of %v", got, all)
	}
}

// TestOpen: what a host did not end is over some time after its last report.
func TestOpen(t *testing.T) {
	for _, tt := range []struct {
		ended bool
		ago   time.Duration
		want  bool
	}{{false, 0, true}, {false, 15*time.Minute - 1, true}, {false, 15 * time.Minute, false}, {true, 0, false}} {
		d := detections(1)[0]
		d.Detection.Ended, d.Received = tt.ended, now.Add(-tt.ago)
		if got := (frame.Storm{Now: now, Detection: d}).Open(); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
