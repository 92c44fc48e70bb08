package store

import (
	"context"
	"errors"
	"fmt"

	"seawall/collector/fleet"
	"seawall/collector/store/host"
)

// Apply takes records of one host, in the order given, and what the host says is
// missing, and returns when that is durable. Records that the store has are
// ignored. A host that is no member gets [fleet.ErrUnknown]. After an error nothing
// of items is known to be durable: send it again.
func (s *Store) Apply(ctx context.Context, id fleet.HostID, items []fleet.Delivery, missing []fleet.Missing) error {
	work, err := host.Prepare(items, missing)
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	return s.take(ctx, said{id, work}, func(b *host.Batch) error {
		h, err := b.Open(id)
		if errors.Is(err, fleet.ErrUnknown) {
			return refusal{err}
		}
		if err != nil {
			return err
		}
		member, err := h.Member()
		if err != nil {
			return err
		}
		if !member {
			return refusal{fmt.Errorf("host %s: %w", id, fleet.ErrUnknown)}
		}
		return h.Apply(work)
	})
}

// Positions returns what of each lane and epoch of a host is durable. The host
// forgets what it is told to be here, so it is not told of what may still be lost.
func (s *Store) Positions(ctx context.Context, id fleet.HostID) ([]fleet.Position, error) {
	positions, err := s.View.Positions(ctx, id)
	if err != nil {
		return nil, err
	}
	// What was read is committed, and on disk when a later transaction is.
	if err := s.submit(ctx, func(*host.Batch) error { return nil }); err != nil {
		return nil, fmt.Errorf("positions of host %s: %w", id, err)
	}
	return positions, nil
}
