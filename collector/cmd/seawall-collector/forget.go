package main

import (
	"context"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/erase"
)

// forgetter returns what has a host forgotten, by the store and by the roster, which ends
// its stream: a host that goes on delivering is not forgotten.
func forgetter(s *store.Store, m *members) func(context.Context, fleet.HostID, func(db.Writer, int64) error) (int64, error) {
	return func(ctx context.Context, id fleet.HostID, record func(db.Writer, int64) error) (rows int64, err error) {
		err = m.Roster.Forget(ctx, id, func() error {
			_, err := s.Forget(ctx, id, func(w db.Writer, gone []erase.Count) error {
				rows = 0
				for _, c := range gone {
					rows += c.Rows
				}
				return record(w, rows)
			})
			return err
		})
		return rows, err
	}
}
