package store

import (
	"context"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/erase"
	"seawall/collector/store/host"
)

// Forget deletes a host everywhere, in one transaction together with what record
// writes, and returns how many rows of which tables are gone. It has looked for what
// may be left: nothing is, or there is an error and all is as before. What the host
// sends from then on is refused, as that of one that never was a member. A host that
// is not known is an error that is [fleet.ErrUnknown].
func (s *Store) Forget(ctx context.Context, id fleet.HostID, record func(db.Writer, []erase.Count) error) (gone []erase.Count, err error) {
	err = s.submit(ctx, func(b *host.Batch) error {
		var err error
		if gone, err = b.Forget(id); err != nil {
			return fmt.Errorf("forget host %s: %w", id, err)
		}
		return record(b.Writer, gone)
	})
	return gone, err
}
