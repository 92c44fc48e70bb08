package main

import (
	"context"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/erase"
	"seawall/collector/web/settings"
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

// kept says how long what is kept that nobody sets.
func kept(c config) []settings.Kept {
	return []settings.Kept{
		{What: "Standing results and facts of a host", Long: "until the host tells others, or is forgotten"},
		{What: "Hosts that are silent", Long: fmt.Sprintf("archived after %d days (archive-after-days), until forgotten", c.ArchiveAfterDays)},
		{What: "Records that could not be taken", Long: "the newest 1,000 of a host, their names and sizes alone"},
		{What: "Daily sums, which name nobody", Long: "800 days"},
		{What: "Who looks after a finding, and notes", Long: "as long as the finding"},
	}
}
