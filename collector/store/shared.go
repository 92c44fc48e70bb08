package store

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/lease"
	"seawall/collector/store/turn"
)

// Elsewhere returns a channel of what other collectors on the same database make
// durable from now on, beside what hosts say, with room for buffer messages, and a
// function that ends it. It comes within a second. A subscriber that does not keep up
// loses messages and is told so. Close closes the channel, too. A file has one
// collector: there, nothing comes.
func (s *Store) Elsewhere(buffer int) (<-chan fleet.News, func()) { return s.news.Subscribe(buffer) }

// Once runs work in one collector at a time of those on the database: in this one while
// it has the lease of that name. Work's context ends when it is lost, and work is run
// again when it is had again. Once returns what work returned by itself, and nil when
// ctx ends. After a collector that was killed another goes on within 20 seconds.
func (s *Store) Once(ctx context.Context, name string, work func(context.Context) error) error {
	if s.data.Shared == nil {
		return work(ctx)
	}
	return lease.New(s, name, s.data.Shared.Collector, s.cfg.Log).Run(ctx, work)
}

// follow begins to follow other collectors and returns what ends that.
func (s *Store) follow(ctx context.Context) (func(), error) {
	if s.data.Shared == nil {
		return func() {}, nil
	}
	newest, err := turn.Newest(ctx, s.data.Readers)
	if err != nil {
		return nil, err
	}
	if err := s.compareClocks(ctx); err != nil {
		return nil, err
	}
	w := turn.NewWatch(newest, turn.Config{
		Collector: s.data.Shared.Collector, Readers: s.data.Readers, Listen: s.data.Shared.Listen, Log: s.cfg.Log,
		Tell: s.tell,
		Lost: func() {
			s.feed.Lose()
			s.news.Lose()
		},
		Remind: func() {
			s.feed.Remind()
			s.news.Remind()
		},
	})
	running, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(running) // it ends with running alone
	}()
	return func() {
		end()
		<-done
	}, nil
}

// maxSkew is how much the clocks of a collector and the database may differ. Whether a
// host is silent, and whether all collectors were away, is told by times of several.
const maxSkew = 30 * time.Second

// compareClocks warns of a clock that is wrong.
func (s *Store) compareClocks(ctx context.Context) error {
	var there int64
	if err := s.data.Readers.QueryRowContext(ctx, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)").Scan(&there); err != nil {
		return fmt.Errorf("ask for the database's time: %w", err)
	}
	if skew := time.Since(time.UnixMilli(there)); skew.Abs() > maxSkew {
		s.cfg.Log.Warn("the clock differs from the database's: hosts may be called silent or not", "ahead", skew.Round(time.Second))
	}
	return nil
}

// maxTold bounds the events of one transaction of another collector that are handed on.
const maxTold = 2000

// tell hands on what another collector did.
func (s *Store) tell(ctx context.Context, c turn.Change) error {
	if c.Whole == turn.Members {
		s.news.Lose()
	}
	if len(c.Members) > 0 || len(c.Topics) > 0 {
		s.news.Publish(fleet.News{Members: c.Members, Topics: c.Topics})
	}
	events, err := s.events(ctx, c)
	if err != nil {
		return fmt.Errorf("read events of another collector: %w", err)
	}
	for _, id := range c.Hosts {
		s.feed.Publish(fleet.Update{Host: id, Events: events[id]})
	}
	return nil
}

// events reads the events of a transaction.
func (s *Store) events(ctx context.Context, c turn.Change) (map[fleet.HostID][]fleet.Event, error) {
	if c.Last == 0 {
		return nil, nil
	}
	all := make(map[fleet.HostID][]fleet.Event, len(c.Hosts))
	after := c.First - 1
	if after == 0 {
		after = -1 // 0 stands for the newest
	}
	for told := 0; after < c.Last; {
		page, err := s.Timeline(ctx, fleet.TimelineQuery{After: after, Limit: 200})
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if after = e.ID; e.ID <= c.Last {
				all[e.Host] = append(all[e.Host], e)
			}
		}
		if told += len(page); told >= maxTold {
			s.feed.Lose()
			break
		}
		if len(page) == 0 {
			break // they have expired
		}
	}
	return all, nil
}
