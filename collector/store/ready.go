package store

import (
	"context"
	"fmt"

	"seawall/collector/store/host"
)

// Ready makes a write durable, and so says whether the store can take records.
func (s *Store) Ready(ctx context.Context) error {
	err := s.submit(ctx, func(b *host.Batch) error {
		return b.Exec("UPDATE meta SET value = ? WHERE name = 'probe'", b.Now.UnixNano())
	})
	if err != nil {
		return fmt.Errorf("write probe: %w", err)
	}
	return nil
}
