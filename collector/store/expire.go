package store

import (
	"time"

	"seawall/collector/store/host"
	"seawall/collector/store/presence"
	"seawall/collector/store/purge"
	"seawall/collector/store/rollup"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/turn"
)

const (
	expirePause = 50 * time.Millisecond
	expireEvery = 10 * time.Minute
)

// expire deletes a little of what is too old and returns when to go on. It runs in
// the writer between transactions, so each step is short. Things age while the
// collector runs, as hosts' silence does: a clock that jumps ahead deletes nothing.
func (s *Store) expire() time.Duration {
	more := false
	err := s.chore(func(b *host.Batch) error {
		if err := presence.Mark(b.Writer, b.Now); err != nil {
			return err
		}
		outages, err := presence.Load(b.Writer)
		if err != nil {
			return err
		}
		now := outages.Before(b.Now, s.cfg.Retention).Add(s.cfg.Retention)
		if more, err = purge.Events(b.Writer, now, s.cfg.Retention); err != nil || more {
			return err
		}
		if more, err = purge.Detections(b.Writer, now, s.cfg.Retention); err != nil || more {
			return err
		}
		if more, err = rollup.Days(b.Writer, b.Now); err != nil || more {
			return err
		}
		b.Whole = turn.Hosts // of rows that other collectors remember, some may be gone
		return purge.Rest(b.Writer, now, s.cfg.Retention)
	})
	if err != nil {
		s.cfg.Log.Error("old events stay", "err", sqlite.Classify(err))
		return expireEvery
	}
	if more {
		return expirePause
	}
	clear(s.hosts) // of their rows, some may be gone
	if err := s.data.tidy(); err != nil {
		s.cfg.Log.Warn("database does not shrink", "err", err)
	}
	return expireEvery
}
