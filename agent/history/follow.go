package history

import (
	"context"
	"errors"

	"seawall/agent/spool"
)

// Follow calls fn with each record of a lane that becomes durable from now on, or from
// the oldest on, until ctx ends, which is no error, or fn fails.
func Follow(ctx context.Context, dir, lane string, fromOldest bool, fn func(spool.Record) error) error {
	r, err := spool.OpenReader(dir, lane)
	if err != nil {
		return err
	}
	defer r.Close()
	if !fromOldest {
		if err := toNewest(r); err != nil {
			return err
		}
	}
	for {
		rec, err := r.Next()
		if errors.Is(err, spool.ErrEmpty) {
			if r.Wait(ctx) != nil {
				return nil // ctx ended
			}
			continue
		}
		if err == nil {
			err = fn(rec)
		}
		if err != nil {
			return err
		}
	}
}

// toNewest moves a reader behind the newest record.
func toNewest(r *spool.Reader) error {
	_, newest, err := r.Bounds()
	if err != nil || newest == (spool.Position{}) {
		return err
	}
	_, err = r.Seek(newest)
	return err
}
