package store

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
)

// Update has do decide about tokens, members and requests in one transaction, and
// returns when that is durable. Do may be run twice, and must then begin anew. When
// it returns an error, nothing that it wrote is kept, and the error is returned.
func (s *Store) Update(ctx context.Context, do func(*membership.Tx) error) error {
	return s.submit(ctx, func(b *batch) error {
		tx := membership.New(b.Writer, b.now, membership.Hooks{Tell: b.identity, Archive: b.archive})
		err := do(tx)
		if err != nil && !tx.Wrote() {
			return refusal{err}
		}
		return err
	})
}

// identity appends what happened to a host's identity to its timeline.
func (b *batch) identity(id fleet.HostID, r finding.Result) error {
	h, err := b.open(id)
	if err != nil {
		return err
	}
	return h.say(name{}, r)
}

// archive archives a host, or takes it back, for a person.
func (b *batch) archive(id fleet.HostID, at time.Time) error {
	h, err := b.open(id)
	if err != nil {
		return err
	}
	if at.IsZero() {
		return h.archive(false, "taken back by a person")
	}
	return h.archive(true, "archived by a person")
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
