package sensor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/spool"
	"seawall/agent/witness"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// toyHost is a host of two groups with one check each, whose results are set by
// the test.
type toyHost struct {
	mu       sync.Mutex
	actual   string
	resource string
	looks    [][]string
	looked   chan struct{}
	gate     chan struct{} // where set, a look waits for it to be closed
}

func (h *toyHost) set(actual string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.actual = actual
}

func (h *toyHost) host() Host {
	return Host{
		Groups:   []string{"one", "two"},
		Affected: func(name string) []string { return []string{strings.TrimPrefix(name, "/")} },
		Depends:  func() []string { return nil },
		Pack:     func() []finding.CheckInfo { return nil },
		Look: func(_ context.Context, groups ...string) Reading {
			h.mu.Lock()
			defer h.mu.Unlock()
			if len(groups) == 0 {
				groups = []string{"one", "two"}
			}
			slices.Sort(groups)
			h.looks = append(h.looks, groups)
			select {
			case h.looked <- struct{}{}:
			default:
			}
			if h.gate != nil {
				<-h.gate
			}
			r := Reading{Checks: groups}
			for _, g := range groups {
				r.Results = append(r.Results, finding.Result{Check: g, Resource: h.resource, Status: finding.StatusFail, Actual: h.actual, Time: time.Now()})
			}
			return r
		},
	}
}

// startToy runs a sensor of h over a spool in dir.
func startToy(t *testing.T, h *toyHost, dir string, adjust ...func(*Config)) (s *Sensor, log *syncBuffer) {
	t.Helper()
	sp, err := spool.Open(filepath.Join(dir, "spool"), spool.Config{Lanes: map[string]int64{lanePosture: 1 << 20, laneHealth: 256 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	log = &syncBuffer{}
	ready := make(chan struct{})
	cfg := Config{
		Spool: sp, Host: h.host(), Log: slog.New(slog.NewTextHandler(log, nil)), Audit: witness.Config{Mode: witness.Off},
		Coalesce: time.Millisecond, Heartbeat: time.Hour,
		Notify: func(state string) {
			if state == "READY=1" {
				close(ready)
			}
		},
	}
	for _, a := range adjust {
		a(&cfg)
	}
	s, err = New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, sp.Close()); err != nil {
			t.Error(err)
		}
	})
	<-ready
	return s, log
}

// until waits for the condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestOnlyWhatIsAffectedIsLookedAt(t *testing.T) {
	h := &toyHost{looked: make(chan struct{}, 1)}
	s, _ := startToy(t, h, t.TempDir())
	count := func(group string) int {
		h.mu.Lock()
		defer h.mu.Unlock()
		n := 0
		for _, l := range h.looks {
			if slices.Contains(l, group) {
				n++
			}
		}
		return n
	}
	until(t, "the looks at start", func() bool { return count("one") == 2 && count("two") == 2 })
	s.offer(change{name: "/one"})
	until(t, "a look at one", func() bool { return count("one") == 3 })
	if n := count("two"); n != 2 {
		t.Errorf("two was looked at %d times, want 2", n)
	}
}

// TestByTheClock: a group that changes without a file is looked at with heartbeats,
// another is not.
func TestByTheClock(t *testing.T) {
	h := &toyHost{looked: make(chan struct{}, 1)}
	startToy(t, h, t.TempDir(), func(c *Config) {
		c.Heartbeat = 10 * time.Millisecond
		c.Host.Clocked = map[string]time.Duration{"one": time.Millisecond}
	})
	count := func(group string) (n int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, l := range h.looks {
			if slices.Contains(l, group) {
				n++
			}
		}
		return n
	}
	until(t, "looks by the clock", func() bool { return count("one") >= 5 })
	if n := count("two"); n > 2 {
		t.Errorf("two was looked at %d times, want 2", n)
	}
}

// TestSpacing: a group whose files change again and again is looked at once, at
// once, and then now and then; what changed last is seen.
func TestSpacing(t *testing.T) {
	const spacing = 100 * time.Millisecond
	h := &toyHost{looked: make(chan struct{}, 1)}
	s, _ := startToy(t, h, t.TempDir(), func(c *Config) {
		c.Host.Spacing = map[string]time.Duration{"one": spacing}
		look := c.Host.Look
		c.Host.Look = func(ctx context.Context, groups ...string) Reading {
			r := look(ctx, groups...)
			r.Took = map[string]time.Duration{"one": time.Microsecond}
			return r
		}
	})
	looks := func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		n := 0
		for _, l := range h.looks {
			if slices.Contains(l, "one") {
				n++
			}
		}
		return n
	}
	until(t, "the looks at start", func() bool { return looks() == 2 })
	begin := time.Now()
	changes := time.NewTicker(time.Millisecond)
	defer changes.Stop()
	for time.Since(begin) < 5*spacing {
		<-changes.C
		s.offer(change{name: "/one"})
	}
	// One for each spacing, and no more, however slow this machine is.
	if n, most := looks()-2, int(time.Since(begin)/spacing)+1; n < 1 || n > most {
		t.Errorf("%d looks in %v, want 1 to %d", n, time.Since(begin), most)
	}
	before := looks()
	s.offer(change{name: "/one"})
	until(t, "a look at the last change", func() bool { return looks() > before })
}

func TestOverflowMakesEverythingStale(t *testing.T) {
	h := &toyHost{looked: make(chan struct{}, 16)}
	s, log := startToy(t, h, t.TempDir())
	until(t, "the second look at start", func() bool { return len(h.looked) >= 2 })
	gate := make(chan struct{})
	h.mu.Lock()
	h.gate = gate
	before := len(h.looks)
	h.mu.Unlock()
	s.offer(change{name: "/one"})
	until(t, "a look that takes long", func() bool { return len(h.looked) >= 3 })
	for range 2 * queueLength {
		s.offer(change{name: "/one"})
	}
	close(gate)
	until(t, "a look at everything", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return slices.ContainsFunc(h.looks[before:], func(l []string) bool { return slices.Contains(l, "two") })
	})
	if !strings.Contains(log.String(), "checking everything") {
		t.Errorf("nothing was said of it:\n%s", log)
	}
}

// TestFullDisk: what cannot be spooled is spooled when there is room again, and
// meanwhile the sensor lives.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	// Before the sensor ends, as cleanups run in reverse; the mount goes with the
	// last file.
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	h := &toyHost{looked: make(chan struct{}, 1), actual: "0"}
	s, log := startToy(t, h, dir)

	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, bytes.Repeat([]byte{1}, 2<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
	// The page that is begun may take a few more.
	for i := 1; !strings.Contains(log.String(), "record not in the spool"); i++ {
		if i > 5000 {
			t.Fatal("the full disk was not noticed")
		}
		h.set(fmt.Sprint(i))
		s.offer(change{name: "/one"})
		<-h.looked
	}
	h.set("last")
	s.offer(change{name: "/one"})
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	until(t, "the spool to take records again", func() bool { return strings.Contains(log.String(), "takes records again") })

	r, err := spool.OpenReader(filepath.Join(dir, "spool"), lanePosture)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	actual := ""
	until(t, "the last change", func() bool {
		for {
			rec, err := r.Next()
			if errors.Is(err, spool.ErrEmpty) {
				return actual == "last"
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := wire.Decode(rec.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if got.Change != nil && got.Change.Result.Check == "one" {
				actual = got.Change.Result.Actual
			}
		}
	})
}

// TestEvictedStateIsToldAgain: when the whole state has made room for other records,
// the sensor appends it again, and the checks' text before it.
func TestEvictedStateIsToldAgain(t *testing.T) {
	dir := t.TempDir()
	h := &toyHost{looked: make(chan struct{}, 1), actual: "0"}
	s, _ := startToy(t, h, dir, func(c *Config) {
		c.Heartbeat = 20 * time.Millisecond
		c.Host.Pack = func() []finding.CheckInfo { return []finding.CheckInfo{{ID: "one", Title: "One"}} }
	})
	r, err := spool.OpenReader(filepath.Join(dir, "spool"), lanePosture)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// As many changes as the lane can hold, and more.
	noise, err := wire.Encode(wire.Record{Time: time.Now(), Change: &finding.Change{
		Result: finding.Result{Check: "noise", Status: finding.StatusFail, Actual: strings.Repeat("x", 3000), Time: time.Now()}}})
	if err != nil {
		t.Fatal(err)
	}
	var first uint64
	for range 1 << 20 / len(noise) {
		at, err := s.cfg.Spool.Append(lanePosture, noise)
		if err != nil {
			t.Fatal(err)
		}
		if first == 0 {
			first = at.Seq
		}
	}
	packs, states := 0, 0
	until(t, "the state behind the noise", func() bool {
		for {
			rec, err := r.Next()
			if errors.Is(err, spool.ErrEmpty) {
				return packs > 0 && states > 0
			}
			if err != nil {
				t.Fatal(err)
			}
			// It may be told before the last of the noise, as soon as the first has gone.
			if rec.Seq <= first {
				continue
			}
			got, err := wire.Decode(rec.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if got.Pack != nil {
				packs++
			}
			if got.State != nil {
				states++
			}
		}
	})
	if err := s.cfg.Spool.Sync(); err != nil {
		t.Error(err)
	}
	if packs > 1 || states > 1 {
		t.Errorf("the checks' text was told %d times, the state %d times; want once", packs, states)
	}
}
