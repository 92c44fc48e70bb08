package store

import (
	"context"
	"fmt"

	"seawall/collector/fleet"
	"seawall/collector/store/host"
	"seawall/collector/store/membership"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
)

// Update has do decide about tokens, members and requests in one transaction, and
// returns when that is durable. Do may be run twice, and must then begin anew. When
// it returns an error, nothing that it wrote is kept, and the error is returned.
func (s *Store) Update(ctx context.Context, do func(*membership.Tx) error) error {
	return s.submit(ctx, func(b *host.Batch) error {
		tx := membership.New(b.Writer, b.Now, membership.Hooks{
			Tell: func(id fleet.HostID, r finding.Result) error {
				return with(b, id, func(h *host.Host) error { return h.Say(r) })
			},
			Archive: func(id fleet.HostID, archived bool) error {
				b.Member(id)
				return with(b, id, func(h *host.Host) error { return h.PutAway(archived) })
			},
			Member: b.Member, Topic: b.Tell,
		})
		err := do(tx)
		if err != nil && !tx.Wrote() {
			return refusal{err}
		}
		return err
	})
}

func with(b *host.Batch, id fleet.HostID, do func(*host.Host) error) error {
	h, err := b.Open(id)
	if err != nil {
		return err
	}
	return do(h)
}

// SaveMember writes one member. See [membership.Tx.PutMember].
func (s *Store) SaveMember(ctx context.Context, m fleet.Member) error {
	return s.Update(ctx, func(tx *membership.Tx) error { return tx.PutMember(m) })
}

// Members returns all members, the longest enrolled first.
func (s *Store) Members(ctx context.Context) ([]fleet.Member, error) {
	return read(membership.Members(ctx, s.data.Readers))
}

// Tokens returns all tokens, the newest first.
func (s *Store) Tokens(ctx context.Context) ([]fleet.Token, error) {
	return read(membership.Tokens(ctx, s.data.Readers))
}

// Requests returns the hosts that wait for approval or were decided upon, the
// oldest first.
func (s *Store) Requests(ctx context.Context) ([]fleet.Request, error) {
	return read(membership.Requests(ctx, s.data.Readers))
}

func read[T any](all []T, err error) ([]T, error) {
	if err != nil {
		return nil, fmt.Errorf("read members: %w", sqlite.Classify(err))
	}
	return all, nil
}
