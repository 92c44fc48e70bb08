package fill

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/membership"
)

// atOnce is how many hosts deliver at a time: the store takes what is ready into one
// transaction.
const atOnce = 128

// Plan is a fleet and its past.
type Plan struct {
	Hosts, Days int
	Seed        uint64
	Now         time.Time // the end of the last day
}

// Retention is that of a store which keeps the whole past of a plan.
func (p Plan) Retention() time.Duration { return time.Duration(p.Days+10) * 24 * time.Hour }

// Clock is the collector's time while the past goes by.
type Clock struct{ now atomic.Int64 }

// Set sets the time.
func (c *Clock) Set(t time.Time) { c.now.Store(t.UnixNano()) }

// Now returns it.
func (c *Clock) Now() time.Time { return time.Unix(0, c.now.Load()).UTC() }

// Into fills the empty store that is named as the collector's option --store: a file of
// SQLite, which is made, or the URL of a PostgreSQL database.
func (p Plan) Into(ctx context.Context, name string, progress io.Writer) (err error) {
	clock := new(Clock)
	clock.Set(p.start(0))
	s, err := store.Open(ctx, name, store.Config{Retention: p.Retention(), ArchiveAfter: p.Retention(), Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return p.Fill(ctx, s, clock, progress)
}

func (p Plan) start(day int) time.Time { return p.Now.AddDate(0, 0, day-p.Days) }

// Fill lets the past of a fleet go by in an empty store, whose clock is given.
func (p Plan) Fill(ctx context.Context, s *store.Store, clock *Clock, progress io.Writer) error {
	known, err := read()
	if err != nil {
		return err
	}
	clock.Set(p.start(0))
	if err := p.enrol(ctx, s); err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	hosts := make([]*host, p.Hosts)
	for n := range hosts {
		hosts[n] = newHost(n, p.Days, p.Seed, known)
	}
	for day := range p.Days + 1 {
		begin := p.start(day).Add(-time.Hour)
		clock.Set(begin)
		var group errgroup.Group
		group.SetLimit(atOnce)
		for n, h := range hosts {
			if h.until < day || h.until == 0 {
				continue
			}
			// The hour before the day's end goes by host after host.
			at := begin.Add(time.Hour * time.Duration(n) / time.Duration(p.Hosts))
			group.Go(func() error { return h.live(ctx, s, clock, day, at) })
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("day %d: %w", day, err)
		}
		fmt.Fprintf(progress, "\rday %d of %d", day, p.Days)
	}
	fmt.Fprintln(progress)
	return p.settle(ctx, s, clock)
}

// live is a host's day. The first is that on which it enrolled.
func (h *host) live(ctx context.Context, s *store.Store, clock *Clock, day int, at time.Time) error {
	clock.Set(at)
	says := h.day
	if day == 0 {
		says = func(int, time.Time) ([]fleet.Delivery, error) { return h.first(at) }
	}
	items, err := says(day, at)
	if err != nil || len(items) == 0 {
		return err
	}
	return s.Apply(ctx, ID(h.n), items, nil)
}

// enrol admits the hosts. Each tenth is of a team by its tag.
func (p Plan) enrol(ctx context.Context, s *store.Store) error {
	err := s.Update(ctx, func(tx *membership.Tx) error {
		for n := range p.Hosts {
			m := fleet.Member{Host: ID(n), Key: sha256.Sum256([]byte(ID(n))), Standing: fleet.Active, Since: tx.Now(), Enrolled: tx.Now(),
				Expires: p.Now.AddDate(0, 0, 1+n%30), Machine: fleet.Machine{HostName: fmt.Sprintf("host-%05d.example.net", n)}}
			if err := tx.PutMember(m); err != nil {
				return fmt.Errorf("host %d: %w", n, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Write(ctx, func(w db.Writer) error {
		for n := range p.Hosts {
			key, err := ID(n).Bytes()
			if err != nil {
				return err
			}
			if err := w.Exec("INSERT INTO host_tag (host, tag) VALUES (?, ?)", key, fmt.Sprintf("team-%d", n%10)); err != nil {
				return fmt.Errorf("tag host %d: %w", n, err)
			}
		}
		return nil
	})
}

// settle has the last day end now: hosts that live spoke within the last minutes. The
// collector was away between its days as far as it knows, and would call nobody silent.
func (p Plan) settle(ctx context.Context, s *store.Store, clock *Clock) error {
	clock.Set(p.Now)
	return s.Write(ctx, func(w db.Writer) error {
		day := p.start(p.Days).Add(-time.Hour).UnixNano()
		return errors.Join(w.Exec("DELETE FROM outage"),
			w.Exec("UPDATE meta SET value = ? WHERE name = 'alive'", p.Now.UnixNano()),
			w.Exec("UPDATE host SET last_seen = ? WHERE last_seen >= ?", p.Now.UnixNano(), day))
	})
}
