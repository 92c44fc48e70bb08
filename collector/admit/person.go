package admit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/collector/store/membership"
	"seawall/collector/trail"
)

// Change revokes, releases or archives a member, as a person or a program of one wants it,
// and returns it as it is then. What it may not deliver any more has ended on return. One
// that is no member is an error that is fs.ErrNotExist, and a change that cannot be, such
// as the release of one that is revoked, one that is fs.ErrPermission.
func (m *Members) Change(ctx context.Context, host fleet.HostID, change, reason string) (fleet.Member, error) {
	if !host.Valid() {
		return fleet.Member{}, fmt.Errorf("host %q: %w", host, fs.ErrNotExist)
	}
	_, err := m.Roster.Find(ctx, host)
	if refused, ok := errors.AsType[*roster.Refused](err); ok {
		err = fmt.Errorf("%w: %w", refused, fs.ErrNotExist)
	}
	if err != nil {
		return fleet.Member{}, fmt.Errorf("host %s: %w", host, err)
	}
	switch change {
	case "revoke":
		_, err = m.Roster.Change(ctx, host, func(one *fleet.Member) error {
			if one.Standing != fleet.Revoked {
				one.Standing, one.Reason, one.Since = fleet.Revoked, reason, time.Now().UTC()
			}
			return nil
		})
	case "release":
		_, err = m.Roster.Change(ctx, host, func(one *fleet.Member) error {
			if one.Standing != fleet.Active {
				one.Since = time.Now().UTC()
			}
			return roster.Release(one)
		})
	case "archive":
		err = m.update(ctx, func(tx *membership.Tx) error {
			if err := tx.Archive(host, true); err != nil {
				return err
			}
			return tx.Did(trail.By(ctx), "host archive", string(host), reason)
		})
	default:
		err = fmt.Errorf("there is no change %q: %w", change, fs.ErrPermission)
	}
	if refused, ok := errors.AsType[*roster.Refused](err); ok {
		err = fmt.Errorf("%w: %w", refused, fs.ErrPermission)
	}
	if err != nil {
		return fleet.Member{}, fmt.Errorf("change host %s: %w", host, err)
	}
	one, _ := m.Roster.Member(host)
	if change == "archive" { // the roster need not know: it delivers as before
		one.Archived = time.Now().UTC()
	}
	return one, nil
}

// Decide approves or rejects a machine that waits. One that is not known is an error that
// is fs.ErrNotExist.
func (m *Members) Decide(ctx context.Context, id string, d fleet.Decision) (fleet.Request, error) {
	r, err := m.Enrolment.Decide(ctx, id, d)
	if errors.Is(err, enrol.ErrNoRequest) {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return r, err
}

// Invite makes a token with the label, uses, scope, tags and approval of as, zeros meaning the
// default, and returns its text. What cannot be one is an error that is fs.ErrInvalid;
// where there is no room for another, fs.ErrPermission.
func (m *Members) Invite(ctx context.Context, as fleet.Token, life time.Duration) (text string, made fleet.Token, err error) {
	i := enrol.Invitation{TTL: life, Uses: as.Uses, Label: as.Label, Scope: as.Scope, Tags: as.Tags, Approval: as.Approval}
	if err := i.Check(); err != nil {
		return "", fleet.Token{}, fmt.Errorf("%w: %w", fs.ErrInvalid, err)
	}
	secret, made, err := m.Enrolment.Invite(ctx, i)
	if errors.Is(err, enrol.ErrFull) {
		err = fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	if err != nil {
		return "", fleet.Token{}, err
	}
	return secret.Text(), made, nil
}

// Withdraw ends a token. One that is not known is an error that is fs.ErrNotExist.
func (m *Members) Withdraw(ctx context.Context, id string) error {
	_, err := m.Enrolment.Withdraw(ctx, id)
	if errors.Is(err, enrol.ErrNoToken) {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}
