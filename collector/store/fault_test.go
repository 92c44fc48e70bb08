package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/collector/store/purge"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

func TestSecondProcessIsRefused(t *testing.T) {
	s, path := openTest(t, Config{})
	if _, err := Open(t.Context(), path, Config{}); !errors.Is(err, sqlite.ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	reopen(t, path, Config{})
}

func TestDamagedDatabase(t *testing.T) {
	s, path := openTest(t, Config{})
	for i := range 200 {
		apply(t, s, hostID(0), deliver(uint64(i+1), changed(result("ssh-a", fmt.Sprint(i), finding.StatusFail)))...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte){
		"header": func(b []byte) { copy(b, "not a database at all") },
		"schema": func(b []byte) { clear(b[100:4096]) },
	} {
		b := append([]byte(nil), data...)
		damage(b)
		bad := filepath.Join(t.TempDir(), "bad.db")
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), bad, Config{}); !errors.Is(err, sqlite.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
	// Damage in the tables is found when they are used: nothing is said durable.
	b := append([]byte(nil), data...)
	for i := 2 * 4096; i < len(b); i++ {
		b[i] = 0xaa
	}
	bad := filepath.Join(t.TempDir(), "bad.db")
	if err := os.WriteFile(bad, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = Open(t.Context(), bad, Config{})
	if err == nil {
		err = s.Apply(t.Context(), hostID(0), deliver(500, changed(result("ssh-a", "", finding.StatusFail))), nil)
		s.Close()
	}
	if !errors.Is(err, sqlite.ErrDamaged) {
		t.Errorf("tables: %v, want ErrDamaged", err)
	}
}

// TestFullDisk fills a small file system of its own.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		if errors.Is(err, unix.EPERM) {
			t.Fatal("mounting a file system needs root")
		}
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	s := reopen(t, filepath.Join(dir, "collector.db"), Config{})
	defer s.Close()
	enrol(t, s, hostID(0))
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	r := result("ssh-a", "", finding.StatusFail)
	r.Actual = strings.Repeat("x", 4000)
	durable := uint64(0)
	var full error
	for full == nil && durable < 10_000 {
		if full = s.Apply(t.Context(), hostID(0), deliver(durable+1, changed(r)), nil); full == nil {
			durable++
		}
	}
	if full == nil || durable < 10 {
		t.Fatalf("%d records fit, then %v", durable, full)
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Log("a probe still fits")
	}
	if n := len(timeline(t, s, fleet.TimelineQuery{Limit: 200})); uint64(n) != min(durable, 200) {
		t.Errorf("%d events are there, %d were durable", n, durable)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	apply(t, s, hostID(0), deliver(durable+1, changed(r))...)
	if n := count(t, s, "event"); uint64(n) != durable+1 {
		t.Errorf("%d events, want %d", n, durable+1)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("with room again: %v", err)
	}
	verifyRollups(t, s)
}

// TestKilledWriter kills a process that writes, again and again, and compares what
// it was told to be durable with what is there.
func TestKilledWriter(t *testing.T) {
	if path := os.Getenv("STORE_TEST_WRITER"); path != "" {
		writeUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "collector.db")
	told := uint64(0)
	for round := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
		cmd.Env = append(os.Environ(), "STORE_TEST_WRITER="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 5 + round*7 {
			var seq uint64
			if _, err := fmt.Fscanln(out, &seq); err != nil {
				break
			}
			told = max(told, seq)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		s := reopen(t, path, Config{})
		positions, err := s.Positions(t.Context(), hostID(0))
		if err != nil || len(positions) != 1 || positions[0].Sequence < told {
			t.Fatalf("round %d: told %d durable, store has %+v, %v", round, told, positions, err)
		}
		if n := count(t, s, "event"); uint64(n) != positions[0].Sequence {
			t.Fatalf("round %d: %d events, position %d", round, n, positions[0].Sequence)
		}
		verifyRollups(t, s)
		s.Close()
	}
}

// writeUntilKilled goes on after what is there, overlapping by three, and prints
// each sequence that is durable.
func writeUntilKilled(t *testing.T, path string) {
	s := reopen(t, path, Config{})
	next := uint64(1)
	positions, err := s.Positions(t.Context(), hostID(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range positions {
		next = max(p.Sequence, 3) - 2
	}
	for {
		var records []wire.Record
		for i := range 5 {
			records = append(records, changed(result("ssh-a", fmt.Sprint((next+uint64(i))%7), finding.Status(next%6+1))))
		}
		apply(t, s, hostID(0), deliver(next, records...)...)
		next += 5
		fmt.Println(next - 1)
	}
}

// TestStreamsAtOnce commits groups of many streams and compares the sums.
func TestStreamsAtOnce(t *testing.T) {
	s, _ := openTest(t, Config{})
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			for i := range 10 {
				apply(t, s, hostID(n), deliver(uint64(i*2+1), changed(result("ssh-a", "", finding.StatusFail)),
					changed(result("ssh-b", fmt.Sprint(i), finding.StatusPass)))...)
			}
		})
	}
	wg.Wait()
	o, err := s.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.Hosts != 12 || o.Counts != (fleet.Counts{Pass: 120, Fail: 12}) || o.Presence[fleet.Online] != 12 || len(o.Recent) != 20 {
		t.Errorf("overview %+v", o)
	}
	verifyRollups(t, s)
}

func TestOverviewOverDays(t *testing.T) {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	s, _ := openTest(t, Config{Now: func() time.Time { return now }})
	apply(t, s, hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	now = now.AddDate(0, 0, 3)
	apply(t, s, hostID(0), deliver(2, changed(result("ssh-b", "", finding.StatusFail)))...)
	now = now.AddDate(0, 0, 1).Add(time.Minute)
	o, err := s.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var fails, changes []int
	for _, d := range o.Days {
		fails, changes = append(fails, d.Counts.Fail), append(changes, d.Changes)
	}
	if fmt.Sprint(fails, changes) != "[1 1 1 2 2] [1 0 0 1 0]" {
		t.Errorf("fails %v, changes %v", fails, changes)
	}
	if o.Presence[fleet.Silent] != 0 || o.Presence[fleet.Offline] != 1 || len(o.Worst) != 2 {
		t.Errorf("overview %+v", o)
	}
}

func TestTimelineExpires(t *testing.T) {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	s, _ := openTest(t, Config{Now: func() time.Time { return now }, Retention: 24 * time.Hour})
	var records []wire.Record
	for i := range purge.Step + 500 {
		records = append(records, changed(result("ssh-a", "", finding.Status(i%2+1))))
	}
	apply(t, s, hostID(0), deliver(1, records...)...)
	// The writer goroutine is idle: nothing else runs in it.
	pass := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(4 * time.Minute) {
			s.sweep()
		}
	}
	pass(23 * time.Hour)
	apply(t, s, hostID(0), deliver(purge.Step+501, changed(result("ssh-b", "", finding.StatusFail)))...)
	pass(2 * time.Hour)
	if pause := s.expire(); pause != expirePause {
		t.Errorf("pause %v after the first step", pause)
	}
	if pause := s.expire(); pause != expireEvery {
		t.Errorf("pause %v after the last step", pause)
	}
	events := timeline(t, s, fleet.TimelineQuery{})
	if len(events) != 1 || events[0].Change.Result.Check != "ssh-b" || events[0].ID != purge.Step+501 {
		t.Errorf("%d events left", len(events))
	}
	if d := detail(t, s, hostID(0)); len(d.States) != 2 {
		t.Errorf("%d states left", len(d.States))
	}
	var expired int
	if err := s.data.Readers.QueryRowContext(t.Context(), "SELECT value FROM meta WHERE name = 'events_expired'").Scan(&expired); err != nil || expired != purge.Step+500 {
		t.Errorf("%d counted as expired, %v", expired, err)
	}
}

// TestClockAhead sets the collector's clock a year ahead and back: nothing becomes
// old by that, and nothing is deleted.
func TestClockAhead(t *testing.T) {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	s, _ := openTest(t, Config{Now: func() time.Time { return now }})
	apply(t, s, hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail)))...)
	err := s.Update(t.Context(), func(tx *membership.Tx) error {
		return errors.Join(tx.PutToken(fleet.Token{ID: "00", Expires: now.Add(time.Hour)}), tx.PutRequest(fleet.Request{Again: now, Decision: fleet.Waiting}))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{366 * 24 * time.Hour, time.Minute, -366 * 24 * time.Hour} {
		now = now.Add(d)
		s.expire() // the writer goroutine is idle
		s.sweep()
	}
	tokens, err := s.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	requests, err := s.Requests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if events := timeline(t, s, fleet.TimelineQuery{}); len(events) != 1 || len(tokens) != 1 || len(requests) != 1 {
		t.Errorf("%d events, %d tokens, %d requests left", len(events), len(tokens), len(requests))
	}
}

func TestTimelinePages(t *testing.T) {
	s, _ := openTest(t, Config{})
	for n := range 2 {
		for i := range 120 {
			apply(t, s, hostID(n), deliver(uint64(i+1), changed(result("ssh-"+string(rune('a'+i%2)), "", finding.StatusFail)))...)
		}
	}
	q := fleet.TimelineQuery{Host: hostID(1), Check: "ssh-b"}
	total, last := 0, int64(1<<62)
	for page := timeline(t, s, q); len(page) > 0; page = timeline(t, s, q) {
		for _, e := range page {
			if e.Host != hostID(1) || e.Change.Result.Check != "ssh-b" || e.ID >= last {
				t.Fatalf("event %+v", e)
			}
			last = e.ID
		}
		total += len(page)
		q.Before = last
	}
	if total != 60 {
		t.Errorf("%d events over all pages, want 60", total)
	}
	if n := len(timeline(t, s, fleet.TimelineQuery{Limit: 5000})); n != 200 {
		t.Errorf("%d events on a page, limit 200", n)
	}
	if _, err := s.Timeline(t.Context(), fleet.TimelineQuery{Host: "nonsense"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a host of a wrong form: %v", err)
	}
}
