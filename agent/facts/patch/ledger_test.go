package patch

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

func known(names ...string) Facts {
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}}
	for _, n := range names {
		f.Packages = append(f.Packages, Package{Name: n, Arch: "amd64"})
	}
	return f
}

func TestMerge(t *testing.T) {
	l := Ledger{}
	if !l.Merge(known("a", "b"), day) || l.Merge(known("a", "b"), day.Add(time.Hour)) {
		t.Error("changed once, then not")
	}
	fixed := known("a", "b")
	fixed.Packages[0].Fixed = "newer" // still pending
	l.Merge(fixed, day.Add(2*time.Hour))
	for _, f := range []Facts{{Meta: fact.Meta{State: fact.StateUnknown}}, {Meta: fact.Meta{State: fact.StateError}},
		{Meta: fact.Meta{State: fact.StateKnown}, Stale: Stale{Reason: "broken"}}} {
		if l.Merge(f, day.Add(3*time.Hour)) {
			t.Errorf("%+v changes the ledger", f)
		}
	}
	if !l.Merge(known("b", "c"), day.Add(4*time.Hour)) {
		t.Error("not changed")
	}
	if d := cmp.Diff(Ledger{"b:amd64": day, "c:amd64": day.Add(4 * time.Hour)}, l); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	seen := known("d")
	seen.Packages[0].FirstSeen = RFC3339(day) // as the Reader saw it
	l.Merge(seen, day.Add(5*time.Hour))
	if !l["d:amd64"].Equal(day) {
		t.Errorf("first seen %v, the Reader said %v", l["d:amd64"], day)
	}
}

// TestWrongClock: neither a clock that starts in the past nor one that was ahead
// makes up, or takes away, days for good.
func TestWrongClock(t *testing.T) {
	signed := func(f Facts) Facts {
		f.Metadata.Date = RFC3339(day.AddDate(0, 0, -2))
		return f
	}
	past, ahead := day.AddDate(-10, 0, 0), day.AddDate(12, 0, 0)
	l := Ledger{"old:amd64": day.AddDate(0, 0, -9)}
	l.Merge(signed(known("old", "new")), past)
	want := Ledger{"old:amd64": day.AddDate(0, 0, -9), "new:amd64": day.AddDate(0, 0, -2)}
	if d := cmp.Diff(want, l); d != "" {
		t.Errorf("a clock in the past (-want +got):\n%s", d)
	}
	l.Merge(signed(known("old", "new", "later")), ahead)
	if !l.Merge(signed(known("old", "new", "later")), day) {
		t.Error("the clock was set right, and nothing changed")
	}
	want["later:amd64"] = day
	if d := cmp.Diff(want, l); d != "" {
		t.Errorf("a clock that was ahead (-want +got):\n%s", d)
	}
}

// TestClockOfAReader: days are never negative, nor counted by a clock that is behind.
func TestClockOfAReader(t *testing.T) {
	p := &place{dir: t.TempDir(), now: day}
	put(t, p.dir, "db", "curl")
	put(t, p.dir, LedgerFile, `{"version":1,"pending":{"curl:amd64":"2038-01-19T03:14:07Z"}}`)
	r := NewReader(p.read)
	if got := r.Read(context.Background(), p.env(t)).Packages[0]; got.FirstSeen != RFC3339(day) || got.DaysPending != 0 {
		t.Errorf("recorded by a clock that was ahead: %+v", got)
	}
	p.now = day.AddDate(0, 0, 8)
	if got := r.Read(context.Background(), p.env(t)).Packages[0]; got.FirstSeen != RFC3339(day) || got.DaysPending != 8 {
		t.Errorf("eight days later: %+v", got)
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := LoadLedger(root, LedgerFile); err != nil || len(l) != 0 {
		t.Errorf("no file: %v, %v", l, err)
	}
	put(t, dir, LedgerFile, "old")
	want := Ledger{"openssl:amd64": day, "curl:all": day.Add(-time.Hour)}
	if err := want.Save(filepath.Join(dir, LedgerFile)); err != nil {
		t.Fatal(err)
	}
	got, err := LoadLedger(root, LedgerFile)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v\n-want +got:\n%s", err, d)
	}
	entries, err := os.ReadDir(filepath.Dir(filepath.Join(dir, LedgerFile)))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if fi, err := os.Stat(filepath.Join(dir, LedgerFile)); err != nil || fi.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if err := want.Save(filepath.Join(dir, "none", "x")); err == nil {
		t.Error("saved where no directory is")
	}
	long := Ledger{strings.Repeat("x", maxLedger): day}
	if err := long.Save(filepath.Join(dir, LedgerFile)); err == nil {
		t.Error("saved what could not be read again")
	}
}

func TestDamagedLedger(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"version":2}`, `{"version":1,"pending":{"a":"yesterday"}}`, strings.Repeat("[", 20000)} {
		if l, err := parseLedger([]byte(text)); err == nil {
			t.Errorf("%.40q: %v", text, l)
		}
	}
	l, err := parseLedger([]byte(`{"version":1,"pending":{"a:all":"0001-01-01T00:00:00Z","b:all":"2026-01-01T00:00:00Z"}}`))
	if err != nil || len(l) != 1 {
		t.Errorf("%v, %v", l, err)
	}
}

// TestFirstSeen: from the sensor's file, from this Reader's own memory, or from now
// on; a damaged file is as none.
func TestFirstSeen(t *testing.T) {
	p := &place{dir: t.TempDir(), now: day}
	put(t, p.dir, "db", "curl openssl")
	put(t, p.dir, LedgerFile, `{"version":1,"pending":{"openssl:amd64":"2026-11-09T11:00:00Z","gone:amd64":"2026-01-01T00:00:00Z"}}`)
	r := NewReader(p.read)
	seen := func(f Facts) map[string]int {
		m := map[string]int{}
		for _, p := range f.Packages {
			m[p.Name+" "+p.FirstSeen] = p.DaysPending
		}
		return m
	}
	first := r.Read(context.Background(), p.env(t))
	if d := cmp.Diff(map[string]int{"openssl 2026-11-09T11:00:00Z": 12, "curl 2026-11-21T12:00:00Z": 0}, seen(first)); d != "" {
		t.Errorf("first look (-want +got):\n%s", d)
	}
	put(t, p.dir, LedgerFile, "damaged")
	put(t, p.dir, "db", "openssl curl new")
	p.now = day.AddDate(0, 0, 3)
	want := map[string]int{"openssl 2026-11-09T11:00:00Z": 15, "curl 2026-11-21T12:00:00Z": 3, "new 2026-11-24T12:00:00Z": 0}
	if d := cmp.Diff(want, seen(r.Read(context.Background(), p.env(t)))); d != "" {
		t.Errorf("three days later (-want +got):\n%s", d)
	}
	if first.Packages[0].DaysPending != 0 {
		t.Error("an answer that was given has changed")
	}
	put(t, p.dir, "db", "openssl")
	r.Read(context.Background(), p.env(t))
	put(t, p.dir, "db", "openssl curl")
	p.now = day.AddDate(0, 0, 4)
	want = map[string]int{"openssl 2026-11-09T11:00:00Z": 16, "curl 2026-11-25T12:00:00Z": 0}
	if d := cmp.Diff(want, seen(r.Read(context.Background(), p.env(t)))); d != "" {
		t.Errorf("installed and pending again (-want +got):\n%s", d)
	}
}

func FuzzLedger(f *testing.F) {
	f.Add([]byte(`{"version":1,"pending":{"a:all":"2026-01-01T00:00:00Z"}}`))
	f.Add([]byte(`{"version":1,"pending":{"":"9999-12-31T23:59:59.999+23:59"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseLedger(b)
		if err != nil {
			return
		}
		file := filepath.Join(t.TempDir(), "l")
		if len(l) > 100 {
			return
		}
		if err := l.Save(file); err != nil {
			t.Fatalf("read and not saved: %v", err)
		}
		saved, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseLedger(saved); err != nil || len(again) != len(l) {
			t.Errorf("%d packages, %d read again: %v", len(l), len(again), err)
		}
	})
}
