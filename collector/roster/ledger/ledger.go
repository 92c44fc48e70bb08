// Package ledger keeps the roster's members in the store and says in a host's
// timeline what became of its identity, and in the audit trail who made it so, in the
// transaction that does: nobody can change a standing and forget to tell.
package ledger

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/collector/trail"
	"seawall/pkg/finding"
)

// Ledger is the roster's records.
type Ledger struct {
	// Update does something in a transaction of the store, durable on return. It may
	// call the function twice.
	Update func(context.Context, func(*membership.Tx) error) error
	// Read calls a function with a transaction that reads.
	Read func(context.Context, func(db.Querier) error) error
}

// Members returns all members.
func (l Ledger) Members(ctx context.Context) (members []fleet.Member, err error) {
	err = l.Read(ctx, func(q db.Querier) (err error) {
		members, err = membership.Members(ctx, q)
		return err
	})
	return members, err
}

// Some returns those of the hosts that are members.
func (l Ledger) Some(ctx context.Context, hosts []fleet.HostID) (members []fleet.Member, err error) {
	keys := make([]any, len(hosts))
	for i, host := range hosts {
		if keys[i], err = host.Bytes(); err != nil {
			return nil, err
		}
	}
	err = l.Read(ctx, func(q db.Querier) (err error) {
		members, err = membership.Some(ctx, q, keys)
		return err
	})
	return members, err
}

// Change changes a member, and tells what became of it.
func (l Ledger) Change(ctx context.Context, host fleet.HostID, do func(*fleet.Member) error) (fleet.Member, error) {
	done := make(chan fleet.Member, 1)
	err := l.Update(ctx, func(tx *membership.Tx) error {
		select { // it is called again
		case <-done:
		default:
		}
		before, known, err := tx.Member(host)
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("host %s is not a member: %w", host, fleet.ErrUnknown)
		}
		m := before
		if err := do(&m); err != nil {
			return err
		}
		m.Host = host
		done <- m
		if m == before {
			return nil
		}
		if err := tx.PutMember(m); err != nil {
			return err
		}
		if m.Standing != before.Standing {
			if err := tx.Did(trail.By(ctx), deed(m.Standing), string(host), m.Reason); err != nil {
				return err
			}
		}
		return tell(tx, before, m)
	})
	if err != nil {
		return fleet.Member{}, err
	}
	return <-done, nil
}

// deed is what a person does who gives a host that standing.
func deed(s fleet.Standing) string {
	switch s {
	case fleet.Revoked:
		return "host revoke"
	case fleet.Quarantined:
		return "host quarantine"
	}
	return "host release"
}

// tell says what a person should know of a change.
func tell(tx *membership.Tx, before, m fleet.Member) error {
	if m.Standing != before.Standing {
		what, severity := string(m.Standing), finding.SeverityHigh
		if m.Standing == fleet.Active {
			what, severity = "released", finding.SeverityInformational
		}
		if err := tx.Tell(m.Host, what, severity, m.Reason); err != nil {
			return err
		}
	}
	if m.Recoveries > before.Recoveries {
		detail := fmt.Sprintf("came back with a certificate that expired at %s, for the %s time",
			before.Expires.UTC().Format(time.RFC3339), ordinal(m.Recoveries))
		if err := tx.Tell(m.Host, "recovered", finding.SeverityLow, detail); err != nil {
			return err
		}
	}
	if m.Token != before.Token {
		return tx.Tell(m.Host, "enrolled", finding.SeverityInformational, "enrolled again with token "+m.Token)
	}
	return nil
}

func ordinal(n int) string {
	switch {
	case n%10 == 1 && n%100 != 11:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2 && n%100 != 12:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3 && n%100 != 13:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}
