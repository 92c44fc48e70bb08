package view

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

var now = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

// fill opens a database and puts rows into it as the store would.
func fill(t *testing.T, rows map[string][][]any) *View {
	t.Helper()
	readers, put := empty(t)
	for into, all := range rows {
		for _, row := range all {
			text := "INSERT INTO " + into + " VALUES (?" + strings.Repeat(", ?", len(row)-1) + ")"
			if err := put(text, row...); err != nil {
				t.Fatal(err)
			}
		}
	}
	return New(readers, func() time.Time { return now })
}

func id(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n)) }

func mustKey(t *testing.T, n int) []byte {
	t.Helper()
	k, err := id(n).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func stateBody(t *testing.T, check, resource string, status finding.Status) []byte {
	t.Helper()
	b, err := wire.Encode(wire.Record{Change: &finding.Change{Result: finding.Result{Check: check, Resource: resource, Status: status}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPresence(t *testing.T) {
	ages := []time.Duration{0, 3 * time.Minute, 4 * time.Minute, 23 * time.Hour, 25 * time.Hour}
	want := []fleet.Presence{fleet.Online, fleet.Online, fleet.Silent, fleet.Silent, fleet.Offline}
	var rows [][]any
	for i, age := range ages {
		rows = append(rows, []any{mustKey(t, i), 0, now.Add(-age).UnixNano()})
	}
	v := fill(t, map[string][][]any{"host (host, first_seen, last_seen)": rows})
	hosts, err := v.Hosts(t.Context())
	if err != nil || len(hosts) != len(ages) {
		t.Fatalf("%d hosts, %v", len(hosts), err)
	}
	for i, h := range hosts {
		if h.ID != id(i) || h.Presence != want[i] {
			t.Errorf("host %s silent for %v is %s, want %s", h.ID, ages[i], h.Presence, want[i])
		}
	}
	o, err := v.Overview(t.Context())
	if err != nil || o.Presence[fleet.Online] != 2 || o.Presence[fleet.Silent] != 2 || o.Presence[fleet.Offline] != 1 {
		t.Errorf("presence %v, %v", o.Presence, err)
	}
}

func TestStatesAreInOrder(t *testing.T) {
	key := mustKey(t, 1)
	info, err := wire.Encode(wire.Record{Pack: &finding.Pack{Checks: []finding.CheckInfo{{ID: "zz-last-id", Family: "aa", Title: "First family"}}}})
	if err != nil {
		t.Fatal(err)
	}
	var states [][]any
	for _, k := range [][2]string{{"ssh-b", "x"}, {"ssh-a", "y"}, {"ssh-a", "x"}, {"zz-last-id", ""}} {
		states = append(states, []any{key, k[0], k[1], 2, 3, now.UnixNano(), stateBody(t, k[0], k[1], finding.StatusFail)})
	}
	v := fill(t, map[string][][]any{
		"host (host, first_seen, last_seen)": {{key, 0, 0}},
		"info":                               {{[]byte("h"), "zz-last-id", 1, info}},
		"host_info":                          {{key, "zz-last-id", []byte("d"), []byte("h")}},
		"state":                              states,
	})
	d, err := v.Host(t.Context(), id(1))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range d.States {
		got = append(got, s.Result.Check+"/"+s.Result.Resource)
	}
	if s := strings.Join(got, " "); s != "zz-last-id/ ssh-a/x ssh-a/y ssh-b/x" {
		t.Errorf("order %s", s)
	}
	if d.Checks["zz-last-id"].Title != "First family" || d.Checks["ssh-a"].Family != "ssh" || len(d.Checks) != 3 {
		t.Errorf("texts %+v", d.Checks)
	}
}

func TestCheckIsBounded(t *testing.T) {
	const bad = (maxStates+10-1)/100 + 1
	key := mustKey(t, 1)
	var states [][]any
	for i := range maxStates + 10 {
		status := finding.StatusPass
		if i%100 == 0 {
			status = finding.StatusError
		}
		resource := fmt.Sprint(i)
		states = append(states, []any{key, "ssh-a", resource, status, 3, 0, stateBody(t, "ssh-a", resource, status)})
	}
	v := fill(t, map[string][][]any{
		"host (host, first_seen, last_seen)":   {{key, 0, 0}},
		"check_rollup (check_id, pass, error)": {{"ssh-a", len(states) - bad, bad}},
		"host_check":                           {{key, "ssh-a", bad}},
		"state":                                states,
	})
	d, err := v.Check(t.Context(), "ssh-a")
	if err != nil || len(d.States) != maxStates {
		t.Fatalf("%d states, %v", len(d.States), err)
	}
	for i, s := range d.States {
		if wrong := s.Result.Status == finding.StatusError; wrong != (i < bad) {
			t.Fatalf("state %d is %s", i, s.Result.Status)
		}
	}
}

// TestDamagedBodies has rows that no program of ours writes: errors, no panics.
func TestDamagedBodies(t *testing.T) {
	key := mustKey(t, 1)
	heartbeat, err := wire.Encode(wire.Record{Heartbeat: &finding.Heartbeat{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{[]byte("garbage"), heartbeat} {
		v := fill(t, map[string][][]any{
			"host (host, first_seen, last_seen)": {{key, 0, 0}},
			"state":                              {{key, "ssh-a", "", 2, 3, 0, body}},
			"event (id, host, lane, epoch, seq, received, check_id, body)": {{1, key, "posture", 1, 1, 0, "ssh-a", body}},
			"check_rollup (check_id, fail, hosts)":                         {{"ssh-a", 1, 1}},
			"info":                                                         {{[]byte("h"), "ssh-a", 1, body}},
		})
		if _, err := v.Host(t.Context(), id(1)); err == nil {
			t.Error("host: no error")
		}
		if _, err := v.Timeline(t.Context(), fleet.TimelineQuery{}); err == nil {
			t.Error("timeline: no error")
		}
		if _, err := v.Checks(t.Context()); err == nil {
			t.Error("checks: no error")
		}
		if _, err := v.Overview(t.Context()); err == nil {
			t.Error("overview: no error")
		}
	}
	v := fill(t, map[string][][]any{"host (host, first_seen, last_seen, heartbeat)": {{key, 0, 0, stateBody(t, "ssh-a", "", 2)}}})
	if _, err := v.Hosts(t.Context()); err == nil {
		t.Error("hosts: no error")
	}
}

func TestDaysAreBounded(t *testing.T) {
	today := now.Unix() / 86400
	v := fill(t, map[string][][]any{"day (day, fail, changes)": {{today - 100, 1, 5}, {today - 2, 3, 7}, {today + 5, 9, 9}}})
	days, err := v.days(t.Context(), now)
	if err != nil || len(days) != maxDays {
		t.Fatalf("%d days, %v", len(days), err)
	}
	if first, last := days[0], days[maxDays-1]; first.Counts.Fail != 1 || first.Changes != 0 || last.Counts.Fail != 3 ||
		!last.Day.Equal(now.Truncate(24*time.Hour)) || days[maxDays-3].Changes != 7 {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

// TestDamagedChain has events that name themselves, a newer one, and one that is not
// there: pages end.
func TestDamagedChain(t *testing.T) {
	key, body := mustKey(t, 1), stateBody(t, "ssh-a", "", finding.StatusFail)
	event := func(id, before int) []any { return []any{id, key, "posture", 1, id, 0, "ssh-a", body, before, before} }
	const columns = "event (id, host, lane, epoch, seq, received, check_id, body, host_before, check_before)"
	for name, c := range map[string]struct {
		events [][]any
		want   int
	}{
		"itself": {[][]any{event(3, 3)}, 1},
		"newer":  {[][]any{event(2, 3), event(3, 2)}, 2},
		"gone":   {[][]any{event(3, 1)}, 1},
		"absurd": {[][]any{event(3, -7)}, 1},
	} {
		v := fill(t, map[string][][]any{
			"host (host, first_seen, last_seen, newest)": {{key, 0, 0, 3}}, "check_newest": {{"ssh-a", 3}}, columns: c.events})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		for _, q := range []fleet.TimelineQuery{{Host: id(1), Limit: 200}, {Check: "ssh-a", Limit: 200}, {Host: id(1), Check: "ssh-none"}} {
			want := c.want
			if q.Host != "" && q.Check != "" {
				want = 0
			}
			if events, err := v.Timeline(ctx, q); err != nil || len(events) != want {
				t.Errorf("%s: %d events, want %d, %v", name, len(events), want, err)
			}
		}
		cancel()
	}
}
