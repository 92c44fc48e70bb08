package pending

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/pkg/hostfs"
)

var day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// facts are those of a host with packages pending that were seen at the given time.
func facts(state fact.State, seen time.Time, names ...string) patch.Facts {
	f := patch.Facts{Meta: fact.Meta{State: state}}
	for _, n := range names {
		f.Packages = append(f.Packages, patch.Package{Name: n, Arch: "amd64", FirstSeen: patch.RFC3339(seen)})
	}
	return f
}

// TestBook: a package keeps its time over restarts, failed readings and new fixes,
// and loses it when it is fixed.
func TestBook(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sensor", "pending.json")
	var log bytes.Buffer
	l := slog.New(slog.NewTextHandler(&log, nil))
	steps := []struct {
		after int // days
		facts patch.Facts
		want  map[string]int // days after the first
	}{
		{0, facts(fact.StateKnown, day, "bash", "curl"), map[string]int{"bash": 0, "curl": 0}},
		{1, facts(fact.StateUnknown, day), map[string]int{"bash": 0, "curl": 0}},
		{2, facts(fact.StateError, day), map[string]int{"bash": 0, "curl": 0}},
		{3, func() patch.Facts {
			f := facts(fact.StateKnown, day.AddDate(0, 0, 3))
			f.Stale.Reason = "half-written"
			return f
		}(), map[string]int{"bash": 0, "curl": 0}},
		{4, facts(fact.StateKnown, day.AddDate(0, 0, 4), "curl", "vim"), map[string]int{"curl": 0, "vim": 4}},
		{5, facts(fact.StateKnown, day.AddDate(0, 0, 5), "bash", "curl", "vim"), map[string]int{"bash": 5, "curl": 0, "vim": 4}},
		{6, facts(fact.StateKnown, day), map[string]int{}},
	}
	for i, s := range steps {
		Open(file, l).Note(s.facts, day.AddDate(0, 0, s.after)) // each time a sensor that was just started
		got, err := patch.LoadLedger(hostfs.Root{}, file)
		if err != nil || len(got) != len(s.want) {
			t.Fatalf("step %d: got %v, %v, want %v", i, got, err, s.want)
		}
		for name, after := range s.want {
			if at := got[name+":amd64"]; !at.Equal(day.AddDate(0, 0, after)) {
				t.Errorf("step %d: %s since %v, want day %d", i, name, at, after)
			}
		}
	}
	if log.Len() > 0 {
		t.Errorf("said:\n%s", log.String())
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", fi, err)
	}
}

// TestUnchanged: a reading with nothing new writes nothing.
func TestUnchanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pending.json")
	b := Open(file, slog.New(slog.DiscardHandler))
	b.Note(facts(fact.StateKnown, day, "bash"), day)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	b.Note(facts(fact.StateKnown, day, "bash"), day.AddDate(0, 0, 1))
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the record was written again: %v", err)
	}
}

// TestFailures: a record that is damaged is begun anew, one that cannot be written
// is tried again, and each is said once.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sensor", "pending.json")
	var log bytes.Buffer
	l := slog.New(slog.NewTextHandler(&log, nil))
	if err := os.WriteFile(filepath.Join(dir, "sensor"), nil, 0o600); err != nil { // a file in the folder's place
		t.Fatal(err)
	}
	b := Open(file, l)
	log.Reset() // a path through a file is no ledger either
	for range 3 {
		b.Note(facts(fact.StateKnown, day, "bash"), day)
	}
	if n := strings.Count(log.String(), "not recorded"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
	if err := os.Remove(filepath.Join(dir, "sensor")); err != nil {
		t.Fatal(err)
	}
	b.Note(facts(fact.StateKnown, day, "bash"), day.AddDate(0, 0, 1))
	if got, err := patch.LoadLedger(hostfs.Root{}, file); err != nil || !got["bash:amd64"].Equal(day) {
		t.Errorf("got %v, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	b = Open(file, l)
	if !strings.Contains(log.String(), "is not known") {
		t.Errorf("said:\n%s", log.String())
	}
	b.Note(facts(fact.StateKnown, day.AddDate(0, 0, 2), "bash"), day.AddDate(0, 0, 2))
	if got, err := patch.LoadLedger(hostfs.Root{}, file); err != nil || !got["bash:amd64"].Equal(day.AddDate(0, 0, 2)) {
		t.Errorf("got %v, %v", got, err)
	}
}
