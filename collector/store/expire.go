package store

import (
	"errors"
	"time"

	"seawall/collector/db"
	"seawall/collector/retention"
	"seawall/collector/store/host"
	"seawall/collector/store/presence"
	"seawall/collector/store/purge"
	"seawall/collector/store/rollup"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/turn"
	"seawall/collector/store/week"
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
	dropped, more := s.week(), false
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
	if more || dropped {
		return expirePause
	}
	clear(s.hosts) // of their rows, some may be gone
	if err := s.data.Tidy(); err != nil {
		s.cfg.Log.Warn("database does not shrink", "err", err)
	}
	return expireEvery
}

// week begins the week's part of the timeline, and drops the oldest one, where it has
// parts. It reports whether it is to be asked again soon.
func (s *Store) week() (more bool) {
	if !s.data.Weeks {
		return false
	}
	err := s.chore(func(b *host.Batch) error {
		outages, err := presence.Load(b.Writer)
		if err != nil {
			return err
		}
		keep, err := retention.Of(b.Writer, retention.Changes, s.cfg.Retention)
		if err != nil {
			return err
		}
		if keep == 0 {
			_, err = week.Begin(b.Writer, b.Now, 0)
			return err
		}
		more, err = week.Begin(b.Writer, b.Now, b.Now.Sub(outages.Before(b.Now, keep)))
		return err
	})
	switch {
	case errors.Is(err, week.ErrRead):
		s.cfg.Log.Info("the timeline's parts wait", "err", err)
	case err != nil:
		s.cfg.Log.Error("the timeline's parts stay", "err", err)
	}
	return more && err == nil
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
