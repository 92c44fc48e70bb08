package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/scripts/pgtest"
)

// TestPromoted kills the primary while hosts deliver and promotes its synchronous
// standby: the store goes on there, and what it acknowledged is there once.
func TestPromoted(t *testing.T) {
	t.Run("direct", func(t *testing.T) {
		primary, standby := pair(t)
		promoted(t, pgtest.Both(primary, standby, "seawall"), func() {
			primary.Down()
			standby.Promote()
		}, standby)
	})
	// Through a pool nothing asks who is primary: for a while the pool leads to a server
	// that is gone, and then to one that lets nobody write.
	t.Run("through pgbouncer", func(t *testing.T) {
		primary, standby := pair(t)
		pool := primary.Bouncer()
		name := pool.URL(primary.URL("seawall"))
		promoted(t, name, func() {
			primary.Down()
			pool.Toward(standby)
			primary.Until("the pool leads to the standby", func(ctx context.Context) error { return readOnly(ctx, name) })
			standby.Promote()
		}, standby)
	})
}

// pair starts a primary with an empty database and its synchronous standby.
func pair(t *testing.T) (primary, standby *pgtest.Cluster) {
	t.Helper()
	primary = pgtest.Start(t)
	primary.Execute("postgres", "CREATE DATABASE seawall")
	standby = primary.Standby()
	primary.Execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.Execute("postgres", "SELECT pg_reload_conf()")
	return primary, standby
}

// readOnly is nil when a new connection to name leads to a server that lets nobody write.
func readOnly(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, name)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var it string
	if err := conn.QueryRow(ctx, "SHOW transaction_read_only", pgx.QueryExecModeExec).Scan(&it); err != nil {
		return err
	}
	if it != "on" {
		return fmt.Errorf("transaction_read_only is %s", it)
	}
	return nil
}

// promoted has hosts deliver to a store while fail has the standby take over.
func promoted(t *testing.T, name string, fail func(), standby *pgtest.Cluster) {
	s := reopen(t, name, Config{})
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
	went := make(chan struct{})
	go func() {
		wg.Wait()
		close(went)
	}()
	go func() { // they go on meanwhile
		for {
			select {
			case <-progress:
			case <-went:
				return
			}
		}
	}()
	began := time.Now()
	fail()
	standby.Execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
	standby.Execute("postgres", "SELECT pg_reload_conf()")
	standby.Until("the store writes again", s.Ready)
	t.Logf("the store writes again %.1f s after the primary was killed", time.Since(began).Seconds())
	<-went
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
