package patch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch/watch"
	"seawall/pkg/hostfs"
)

var day = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// place is a host whose database is one file: a pending package in each line,
// "broken" where it cannot be read, "unknown" where there is nothing to know.
type place struct {
	dir   string
	now   time.Time
	reads int
	while func() // done while the file is read
}

func (p *place) env(t *testing.T) fact.Env {
	t.Helper()
	root, err := hostfs.Open(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: func() time.Time { return p.now }}
}

func (p *place) read(_ context.Context, env fact.Env) *Answer {
	p.reads++
	a := &Answer{Files: watch.New(env.Root), Dates: Dates{Date: day, File: "/db"}}
	f := &a.Facts
	f.Meta.Depend("/db")
	text, err := a.Files.ReadFile("/db", 0)
	if p.while != nil {
		p.while()
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.Meta.State = fact.StateAbsent
	case err != nil || string(text) == "broken":
		f.Meta.State, f.Meta.Reason, a.Failed = fact.StateError, "line 3: broken", true
	case string(text) == "unknown":
		f.Meta.State, f.Meta.Reason = fact.StateUnknown, "no security source"
	default:
		f.Meta.State, f.Manager = fact.StateKnown, "dpkg"
		for _, name := range strings.Fields(string(text)) {
			f.Packages = append(f.Packages, Package{Name: name, Arch: "amd64", Fixed: "2"})
		}
		a.Empty = len(text) == 0
	}
	return a
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestKeepsTheLastGoodAnswer(t *testing.T) {
	p := &place{dir: t.TempDir(), now: day}
	r, ctx := NewReader(p.read), context.Background()
	put(t, p.dir, "db", "broken")
	if f := r.Read(ctx, p.env(t)); f.Meta.State != fact.StateError || len(f.Packages) != 0 || f.Stale != (Stale{}) {
		t.Fatalf("broken from the start: %+v", f)
	}
	put(t, p.dir, "db", "curl openssl")
	if f := r.Read(ctx, p.env(t)); f.Meta.State != fact.StateKnown || len(f.Packages) != 2 || f.Stale != (Stale{}) {
		t.Fatalf("good: %+v", f)
	}
	p.now = day.Add(10 * time.Minute)
	r.Read(ctx, p.env(t)) // still good: the answer is as old as this look

	put(t, p.dir, "db", "broken")
	p.now = day.Add(time.Hour)
	for range 2 {
		f := r.Read(ctx, p.env(t))
		want := Stale{Since: "2026-11-21T12:10:00Z", AgeSeconds: 3000, Reason: "line 3: broken"}
		if d := cmp.Diff(want, f.Stale); d != "" || f.Meta.State != fact.StateKnown || len(f.Packages) != 2 || f.Metadata.AgeSeconds != 3600 {
			t.Errorf("broken afterwards: %+v\n%s", f, d)
		}
	}
	if p.reads != 4 {
		t.Errorf("%d readings, want 4: what is broken is read again each time, what is good is not", p.reads)
	}
	if err := os.Remove(filepath.Join(p.dir, "db")); err != nil {
		t.Fatal(err)
	}
	if f := r.Read(ctx, p.env(t)); f.Stale.Reason != "no package database" || len(f.Packages) != 2 {
		t.Errorf("gone afterwards: %+v", f)
	}
	put(t, p.dir, "db", "unknown")
	if f := r.Read(ctx, p.env(t)); f.Meta.State != fact.StateUnknown || len(f.Packages) != 0 || f.Stale != (Stale{}) {
		t.Errorf("unknown is no failure: %+v", f)
	}
	put(t, p.dir, "db", "curl")
	if f := r.Read(ctx, p.env(t)); len(f.Packages) != 1 || f.Stale != (Stale{}) {
		t.Errorf("good again: %+v", f)
	}
}

// TestFilesThatChange: what changes while it is read is read again, but not for
// ever, and is not kept.
func TestFilesThatChange(t *testing.T) {
	p := &place{dir: t.TempDir(), now: day}
	put(t, p.dir, "db", "a")
	r := NewReader(p.read)
	p.while = func() {
		if p.reads == 1 {
			put(t, p.dir, "db", "a b")
		}
	}
	if f := r.Read(context.Background(), p.env(t)); len(f.Packages) != 2 || p.reads != 2 {
		t.Errorf("%d packages after %d readings, want 2 after 2", len(f.Packages), p.reads)
	}
	p.reads = 0
	put(t, p.dir, "db", "x")
	p.while = func() { put(t, p.dir, "db", strings.Repeat("x ", p.reads+1)) }
	if f := r.Read(context.Background(), p.env(t)); f.Meta.State != fact.StateKnown || p.reads != attempts {
		t.Errorf("state %s after %d readings, want known after %d", f.Meta.State, p.reads, attempts)
	}
	p.while = nil
	if f := r.Read(context.Background(), p.env(t)); len(f.Packages) != attempts+1 {
		t.Errorf("%d packages: an answer from changing files was kept", len(f.Packages))
	}
}

func TestPicksTheDatabase(t *testing.T) {
	full := &place{dir: t.TempDir(), now: day}
	put(t, full.dir, "db", "a")
	is := func(state fact.State, e bool) database {
		return func(_ context.Context, env fact.Env) *Answer {
			a := &Answer{Files: watch.New(env.Root), Empty: e}
			a.Facts.Meta.State = state
			a.Facts.Meta.Depend("/other")
			return a
		}
	}
	for name, tt := range map[string]struct {
		databases []database
		want      fact.State
		packages  int
	}{
		"none":              {[]database{is(fact.StateAbsent, false), is(fact.StateAbsent, false)}, fact.StateAbsent, 0},
		"the second":        {[]database{is(fact.StateAbsent, false), full.read}, fact.StateKnown, 1},
		"the full one":      {[]database{is(fact.StateError, true), full.read}, fact.StateKnown, 1},
		"the empty one":     {[]database{is(fact.StateError, true), is(fact.StateAbsent, false)}, fact.StateError, 0},
		"the first of both": {[]database{is(fact.StateUnknown, false), full.read}, fact.StateUnknown, 0},
	} {
		f := NewReader(tt.databases...).Read(context.Background(), full.env(t))
		if f.Meta.State != tt.want || len(f.Packages) != tt.packages || len(f.Meta.Depends) == 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestStopped(t *testing.T) {
	p := &place{dir: t.TempDir(), now: day}
	put(t, p.dir, "db", "a")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	NewReader(p.read).Read(ctx, p.env(t))
	if p.reads != 1 {
		t.Errorf("%d readings after the stop", p.reads)
	}
}
