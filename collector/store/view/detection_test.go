package view

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/view/row"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

func stormBody(t *testing.T, storm string) []byte {
	t.Helper()
	b, err := wire.Encode(wire.Record{Detection: &finding.Detection{ID: storm, Rule: "r", Count: 1, Title: "of " + storm}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// detected has 120 detections of three hosts, four rules and the six severities.
func detected(t *testing.T) *View {
	t.Helper()
	rows := map[string][][]any{"detection_count": {{mustKey(t, 1), 5, 7}, {mustKey(t, 2), 5, 1}, {mustKey(t, 2), 2, 3}, {mustKey(t, 2), 77, 3}, {mustKey(t, 3), 1, 9}}}
	for i := range 3 {
		rows["host (host, first_seen, last_seen, name, archived)"] = append(rows["host (host, first_seen, last_seen, name, archived)"],
			[]any{mustKey(t, i+1), 0, now.UnixNano(), fmt.Sprint("host-", i+1), i / 2})
	}
	for i := range 120 {
		storm := fmt.Sprintf("%02x", i)
		rows["detection"] = append(rows["detection"], []any{mustKey(t, i%3+1), storm, i + 1, now.UnixNano(), fmt.Sprint("rule-", i%4),
			i % 6, 1, now.Add(-time.Hour).UnixNano(), now.UnixNano(), i % 2, stormBody(t, storm)})
	}
	return fill(t, rows)
}

func TestDetections(t *testing.T) {
	v := detected(t)
	for _, q := range []fleet.DetectionQuery{
		{}, {Host: id(2)}, {Rule: "rule-3"}, {Severity: 5}, {Host: id(1), Rule: "rule-1"}, {Host: id(3), Severity: 2}, {Rule: "rule-2", Severity: 4},
		{Host: id(3), Rule: "rule-0", Severity: 2}, {Rule: "none"}, {Host: id(9)},
	} {
		want := 0
		for i := range 120 {
			if (q.Host == "" || q.Host == id(i%3+1)) && (q.Rule == "" || q.Rule == fmt.Sprint("rule-", i%4)) && (q.Severity == 0 || int(q.Severity) == i%6) {
				want++
			}
		}
		n := 0
		for q.Limit, q.Before = 7, 1000; ; {
			page, err := v.Detections(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				i := int(d.Place - 1)
				if d.Place >= q.Before || d.Host != id(i%3+1) || d.HostName != fmt.Sprint("host-", i%3+1) || d.Detection.Title != fmt.Sprintf("of %02x", i) ||
					int(d.Detection.Severity) != i%6 || d.Detection.Ended != (i%2 == 1) || !d.Detection.First.Equal(now.Add(-time.Hour)) || !d.Received.Equal(now) {
					t.Errorf("%+v: before %d: %+v", q, q.Before, d)
				}
				q.Before = d.Place
				n++
			}
			if len(page) < q.Limit {
				break
			}
		}
		if n != want {
			t.Errorf("%+v: %d detections, want %d", q, n, want)
		}
	}
	for after, want := range map[int64]string{-1: "[1 2 3]", 100: "[101 102 103]", 118: "[119 120]", 120: "[]"} {
		page, err := v.Detections(t.Context(), fleet.DetectionQuery{After: after, Limit: 3})
		places := []int64{}
		for _, d := range page {
			places = append(places, d.Place)
		}
		if got := fmt.Sprint(places); err != nil || got != want {
			t.Errorf("after %d: %s, want %s, %v", after, got, want, err)
		}
	}
	for limit, want := range map[int]int{0: 50, -3: 50, 500: 120} {
		if page, err := v.Detections(t.Context(), fleet.DetectionQuery{Limit: limit}); err != nil || len(page) != want {
			t.Errorf("limit %d: %d, %v", limit, len(page), err)
		}
	}
}

// TestDetectionPlans: no list sorts, or reads rows that it does not show unless a host's
// or a rule's bound them.
func TestDetectionPlans(t *testing.T) {
	v := detected(t)
	for where, want := range map[string]string{
		"":                    "detection_place",
		" AND d.host = ?":     "detection_host",
		" AND d.rule = ?":     "detection_rule",
		" AND d.severity = ?": "detection_severity",
	} {
		args := []any{9, 1}
		if where != "" {
			args = []any{9, 1, 1}
		}
		rows, err := v.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+row.DetectionColumns+"WHERE d.place < ?"+where+" ORDER BY d.place DESC LIMIT ?", args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var a, b, c int
			var step string
			if err := rows.Scan(&a, &b, &c, &step); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(step + "\n")
		}
		if rows.Err() != nil || !strings.Contains(plan.String(), want) || strings.Contains(plan.String(), "TEMP B-TREE") {
			t.Errorf("%q: %s%v", where, plan.String(), rows.Err())
		}
		rows.Close()
	}
}

func TestDetection(t *testing.T) {
	v := detected(t)
	d, err := v.Detection(t.Context(), id(2), "01")
	if err != nil || d.Detection.ID != "01" || d.Place != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	for _, c := range []struct {
		host  fleet.HostID
		storm string
	}{{id(1), "01"}, {id(2), "ff"}, {id(9), "01"}, {"nonsense", "01"}, {id(2), "' OR 1"}} {
		if _, err := v.Detection(t.Context(), c.host, c.storm); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := v.Detections(t.Context(), fleet.DetectionQuery{Host: "nonsense"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a host of another form: %v", err)
	}
}

// TestDetected: counts are of the rollup, and the fleet's without archived hosts.
func TestDetected(t *testing.T) {
	v := detected(t)
	o, err := v.Overview(t.Context())
	if err != nil || o.Detected != [6]int{0, 0, 3, 0, 0, 8} || len(o.Detections) != maxNewest || o.Detections[0].Place != 120 {
		t.Errorf("overview: %v, %d, %v", o.Detected, len(o.Detections), err)
	}
	hosts, err := v.Hosts(t.Context())
	if err != nil || len(hosts) != 3 || hosts[0].Detected != [6]int{5: 7} || hosts[1].Detected != [6]int{2: 3, 5: 1} || hosts[2].Detected != [6]int{1: 9} {
		t.Errorf("hosts: %+v, %v", hosts, err)
	}
	if d, err := v.Host(t.Context(), id(2)); err != nil || d.Host.Detected != [6]int{2: 3, 5: 1} {
		t.Errorf("host: %v, %v", d.Host.Detected, err)
	}
}

// TestDamagedDetection: a row that holds something else is an error.
func TestDamagedDetection(t *testing.T) {
	key := mustKey(t, 1)
	for _, body := range [][]byte{[]byte("garbage"), stateBody(t, "ssh-a", "", finding.StatusFail)} {
		v := fill(t, map[string][][]any{"host (host, first_seen, last_seen)": {{key, 0, 0}}, "detection": {{key, "aa", 1, 0, "r", 1, 1, 0, 0, 0, body}}})
		if _, err := v.Detections(t.Context(), fleet.DetectionQuery{}); err == nil {
			t.Error("list: no error")
		}
		if _, err := v.Detection(t.Context(), id(1), "aa"); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("one: %v", err)
		}
	}
}
