package store

import (
	"time"

	"seawall/collector/db"
	"seawall/collector/retention"
	"seawall/collector/store/host"
	"seawall/collector/store/presence"
	"seawall/collector/store/purge"
	"seawall/collector/store/rollup"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/turn"
	"seawall/collector/trail"
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
		var keep time.Duration
		var now time.Time
		if more, keep, now, err = s.old(b, outages); err != nil || more {
			return err
		}
		if more, err = rollup.Days(b.Writer, b.Now); err != nil || more {
			return err
		}
		b.Whole = turn.Hosts // of rows that other collectors remember, some may be gone
		return purge.Rest(b.Writer, now, keep)
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

// old deletes a little of what is kept for a time that a person may set, and returns for
// how long changes are kept, and the time as things age, see [Store.expire].
func (s *Store) old(b *host.Batch, outages presence.Outages) (more bool, keep time.Duration, now time.Time, err error) {
	for _, step := range []struct {
		kind retention.Kind
		do   func(w db.Writer, now time.Time, keep time.Duration) (bool, error)
	}{
		{retention.Trail, func(w db.Writer, now time.Time, keep time.Duration) (bool, error) {
			n, err := trail.Cut(w, b.Now, now.Add(-keep), purge.Step)
			return n == purge.Step, err
		}},
		{retention.Waivers, purge.Waivers},
		{retention.Detections, purge.Detections},
		{retention.Changes, purge.Events},
	} {
		if keep, err = retention.Of(b.Writer, step.kind, s.cfg.Retention); err != nil {
			return false, 0, now, err
		}
		if now = outages.Before(b.Now, keep).Add(keep); keep == 0 {
			continue
		}
		if more, err = step.do(b.Writer, now, keep); err != nil || more {
			return more, 0, now, err
		}
	}
	return false, keep, now, nil
}
