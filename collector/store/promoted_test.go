package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/scripts/pgtest"
)

// TestPromoted kills the primary while hosts deliver and promotes its synchronous
// standby: the store goes on there, and what it acknowledged is there once.
func TestPromoted(t *testing.T) {
	primary := pgtest.Start(t)
	primary.Execute("postgres", "CREATE DATABASE seawall")
	standby := primary.Standby()
	primary.Execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.Execute("postgres", "SELECT pg_reload_conf()")
	s := reopen(t, pgtest.Both(primary, standby, "seawall"), Config{})
	const hosts = 20
	for n := range hosts {
		enrol(t, s, hostID(n))
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	var told [hosts]uint64
	var wg sync.WaitGroup
	progress := make(chan int, hosts)
	for n := range hosts {
		wg.Go(func() {
			seq := uint64(1)
			for ctx.Err() == nil {
				// A host sends again what was not acknowledged.
				err := s.Apply(ctx, hostID(n), deliver(seq, changed(result("ssh-a", "", finding.Status(seq%2+1)))), nil)
				if err == nil {
					told[n] = seq
					seq++
				}
				select {
				case progress <- n:
				case <-ctx.Done():
				}
				if err == nil && seq > 60 {
					return
				}
			}
			t.Errorf("host %d: %d acknowledged", n, told[n])
		})
	}
	for range 10 * hosts {
		<-progress
	}
	primary.Down()
	went := make(chan struct{})
	go func() {
		wg.Wait()
		close(went)
	}()
	standby.Promote()
	standby.Execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
	standby.Execute("postgres", "SELECT pg_reload_conf()")
	for running := true; running; {
		select {
		case <-progress:
		case <-went:
			running = false
		}
	}
	if err := s.Ready(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for n := range hosts {
		positions, err := s.Positions(ctx, hostID(n))
		if err != nil || len(positions) != 1 || positions[0].Sequence != told[n] {
			t.Errorf("host %d was told %d, there is %+v, %v", n, told[n], positions, err)
		}
		if events := timeline(t, s, fleet.TimelineQuery{Host: hostID(n), Limit: 200}); uint64(len(events)) != told[n] {
			t.Errorf("host %d: %d events of %d records", n, len(events), told[n])
		}
	}
	verifyRollups(t, s)
}
