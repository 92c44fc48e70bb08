package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/erase"
	"seawall/collector/store/postgres"
	"seawall/collector/store/schema"
	"seawall/pkg/finding"
	"seawall/scripts/pgtest"
)

// TestCollectors has two collectors on one database, directly and through pgbouncer.
func TestCollectors(t *testing.T) {
	server := pgtest.Start(t)
	pool := server.Bouncer().URL
	open := func(t *testing.T, pooled bool) [2]*Store {
		name := server.New()
		if pooled {
			name = pool(name)
		}
		both := [2]*Store{reopen(t, name, Config{}), reopen(t, name, Config{})}
		for _, s := range both {
			if heard := s.data.Shared.Listen != nil; heard == pooled {
				t.Fatalf("notifications are expected: %v, through a pool: %v", heard, pooled)
			}
		}
		return both
	}
	for way, pooled := range map[string]bool{"direct": false, "through pgbouncer": true} {
		t.Run(way, func(t *testing.T) {
			t.Run("one host at both", func(t *testing.T) { oneHostAtBoth(t, open(t, pooled)) })
			t.Run("news", func(t *testing.T) { newsOfBoth(t, open(t, pooled)) })
			t.Run("once", func(t *testing.T) { onceOfBoth(t, open(t, pooled)) })
		})
	}
	t.Run("newer schema", func(t *testing.T) { newerSchema(t, open(t, false)) })
	t.Run("stands still", func(t *testing.T) { standsStill(t, server.New()) })
}

// oneHostAtBoth has hosts send the same records to both, at the same time and again:
// each is there once.
func oneHostAtBoth(t *testing.T, both [2]*Store) {
	const hosts, records = 6, 40
	var wg sync.WaitGroup
	for n := range hosts {
		enrol(t, both[n%2], hostID(n))
		for at, s := range both {
			wg.Go(func() {
				for seq := uint64(1); seq <= records; seq++ {
					from := max(seq, 4) - 3
					var items []fleet.Delivery
					for i := from; i <= seq; i++ {
						items = append(items, deliver(i, changed(result("ssh-a", "", finding.Status(i%2+1))))...)
					}
					if err := s.Apply(t.Context(), hostID(n), items, nil); err != nil {
						t.Errorf("collector %d, host %d: %v", at, n, err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	for at, s := range both {
		for n := range hosts {
			d := detail(t, s, hostID(n))
			if events := timeline(t, s, fleet.TimelineQuery{Host: hostID(n), Limit: 200}); len(events) != records || d.Host.Gaps != 0 || d.Host.Counts.Pass != 1 {
				t.Errorf("collector %d, host %d: %d events of %d records, %+v", at, n, len(events), records, d.Host.Counts)
			}
		}
		verifyRollups(t, s)
	}
}

// newsOfBoth has one collector hear of what the other did, and of nothing twice.
func newsOfBoth(t *testing.T, both [2]*Store) {
	a, b := both[0], both[1]
	news, end := b.Elsewhere(16)
	defer end()
	own, end := a.Elsewhere(16)
	defer end()
	enrol(t, a, hostID(0))
	if n := <-news; !slices.Equal(n.Members, []fleet.HostID{hostID(0)}) || n.Lost {
		t.Errorf("after an enrolment: %+v", n)
	}
	if err := a.Write(t.Context(), func(w db.Writer) error {
		db.Tell(w, "weather")
		return w.Exec("UPDATE meta SET value = 1 WHERE name = 'probe'")
	}); err != nil {
		t.Fatal(err)
	}
	if n := <-news; !slices.Equal(n.Topics, []string{"weather"}) || len(n.Members) > 0 || n.Lost {
		t.Errorf("after a change: %+v", n)
	}
	there, end := b.Subscribe(16)
	defer end()
	here, end := a.Subscribe(16)
	defer end()
	began := time.Now()
	apply(t, a, hostID(0), deliver(1, changed(result("ssh-a", "", finding.StatusFail)), changed(result("ssh-b", "", finding.StatusPass)))...)
	for at, updates := range []<-chan fleet.Update{here, there} {
		u := <-updates
		if u.Host != hostID(0) || len(u.Events) != 2 || u.Lost || u.Events[1].Change.Result.Check != "ssh-b" || u.Events[1].ID == 0 {
			t.Errorf("collector %d: %+v", at, u)
		}
	}
	if late := time.Since(began); late > 2*time.Second {
		t.Errorf("the other's change came after %v", late)
	}
	apply(t, b, hostID(0), deliver(3, changed(result("ssh-c", "", finding.StatusFail)))...)
	for at, updates := range []<-chan fleet.Update{here, there} {
		if u := <-updates; len(u.Events) != 1 || u.Events[0].Change.Result.Check != "ssh-c" {
			t.Errorf("collector %d, after the other's change: %+v", at, u)
		}
	}
	if _, err := a.Forget(t.Context(), hostID(0), func(db.Writer, []erase.Count) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if n := <-news; !n.Lost {
		t.Errorf("after a host was forgotten: %+v", n)
	}
	if err := b.Apply(t.Context(), hostID(0), deliver(4, changed(result("ssh-a", "", finding.StatusFail))), nil); !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("the other takes records of a forgotten host: %v", err)
	}
	select {
	case n := <-own:
		t.Errorf("its own news: %+v", n)
	default:
	}
}

// onceOfBoth has both want to do what one may do.
func onceOfBoth(t *testing.T, both [2]*Store) {
	running := make(chan int, 2)
	var ends [2]context.CancelFunc
	var wg sync.WaitGroup
	for at, s := range both {
		var ctx context.Context
		ctx, ends[at] = context.WithCancel(t.Context())
		wg.Go(func() {
			err := s.Once(ctx, "work", func(ctx context.Context) error {
				running <- at
				<-ctx.Done()
				return nil
			})
			if err != nil {
				t.Errorf("collector %d: %v", at, err)
			}
		})
	}
	first := <-running
	ends[first]()
	if second := <-running; second == first {
		t.Error("the one that ended runs again")
	}
	ends[1-first]()
	wg.Wait()
}

// newerSchema has a newer program migrate the database: the older one writes no more
// until it is undone.
func newerSchema(t *testing.T, both [2]*Store) {
	do := func(text string) {
		if err := both[0].Write(t.Context(), func(w db.Writer) error { return w.Exec(text) }); err != nil {
			t.Fatal(err)
		}
	}
	do("INSERT INTO migration VALUES (1000, 'later', '', 0)")
	if err := both[1].Ready(t.Context()); !errors.Is(err, schema.ErrNewer) {
		t.Errorf("a write: %v", err)
	}
	if _, err := both[1].Hosts(t.Context()); err != nil {
		t.Errorf("a page: %v", err)
	}
	if _, err := both[1].data.Readers.ExecContext(t.Context(), "DELETE FROM migration WHERE version = 1000"); err != nil {
		t.Fatal(err)
	}
	for _, s := range both {
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// standsStill has a collector stop in the middle of a transaction. The server ends it.
func standsStill(t *testing.T, name string) {
	s := reopen(t, name, Config{})
	other, err := postgres.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Writer.Begin(""); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Writer.Change("UPDATE meta SET value = 7 WHERE name = 'probe'"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	if err := other.Writer.Commit(); err == nil {
		t.Error("what the server ended is committed")
	}
}
