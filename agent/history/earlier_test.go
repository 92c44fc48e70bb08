package history

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// posture writes a spool of records.
func posture(t *testing.T, records ...wire.Record) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "spool")
	s, err := spool.Open(dir, spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		b, err := wire.Encode(r)
		if err == nil {
			_, err = s.AppendSync(Posture, b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEarlier: what the sensor knew at a time is the last whole state before it and
// the changes from then on; half a state counts for nothing.
func TestEarlier(t *testing.T) {
	day := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	result := func(check string, status finding.Status, at time.Time) finding.Result {
		return finding.Result{Check: check, Status: status, Time: at}
	}
	change := func(after time.Duration, check string, status finding.Status, removed bool) wire.Record {
		return wire.Record{Time: day.Add(after), Change: &finding.Change{Result: result(check, status, day), Removed: removed}}
	}
	part := func(after time.Duration, id uint64, n, of uint32, results ...finding.Result) wire.Record {
		return wire.Record{Time: day.Add(after), State: &finding.StatePart{ID: id, Part: n, Parts: of, Total: 2, Results: results}}
	}
	a, b := result("a", finding.StatusFail, day), result("b", finding.StatusPass, day)
	dir := posture(t,
		change(0, "before-all", finding.StatusFail, false),
		part(time.Hour, 1, 0, 2, a), part(time.Hour, 1, 1, 2, b),
		change(2*time.Hour, "a", finding.StatusPass, false),
		change(3*time.Hour, "b", finding.StatusPass, true),
		part(4*time.Hour, 2, 0, 2, a), // its other part never came
		change(5*time.Hour, "c", finding.StatusFail, false),
	)
	now := day.Add(6 * time.Hour)
	for since, want := range map[string]string{
		"last": "a pass; c fail", "30m": "a pass; c fail", "90m": "a pass", "210m": "a pass; b pass", "5h": "a fail; b pass",
		"2026-11-22T14:30:00Z": "a pass; b pass",
		"7d":                   "error: the spool knows nothing of before", "2026-01-31": "error: the spool knows nothing of before",
		"": "error: want last, a day", "-3h": "error: want last, a day", "-1d": "error: want last, a day",
		"/none/x.json": "error: no such file",
	} {
		e, err := Earlier(since, dir, now)
		if bad, ok := strings.CutPrefix(want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), bad) || !strings.Contains(err.Error(), "--since") {
				t.Errorf("%q: got %v, want %s", since, err, bad)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", since, err)
			continue
		}
		var got []string
		for _, check := range []string{"a", "b", "before-all", "c"} {
			if r, ok := e.Results[finding.Key{Check: check}]; ok {
				got = append(got, check+" "+r.Status.String())
			}
		}
		if strings.Join(got, "; ") != want || e.Time.IsZero() {
			t.Errorf("%q: got %v, want %s", since, got, want)
		}
	}
}

func TestEarlierOfNothing(t *testing.T) {
	if _, err := Earlier("last", posture(t), time.Now()); err == nil {
		t.Error("an empty spool has an earlier look")
	}
	if _, err := Earlier("last", filepath.Join(t.TempDir(), "none"), time.Now()); err == nil || !strings.Contains(err.Error(), "does the sensor run") {
		t.Errorf("got %v", err)
	}
}
