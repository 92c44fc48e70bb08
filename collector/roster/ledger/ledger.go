// Package ledger keeps the roster's members in the store and says in a host's
// timeline what became of its identity, in the transaction that makes it so: nobody
// can change a standing and forget to tell.
package ledger

import (
	"context"
	"fmt"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/pkg/finding"
)

// Ledger is the roster's records.
type Ledger struct {
	// Update does something in a transaction of the store, durable on return. It may
	// call the function twice.
	Update func(context.Context, func(*membership.Tx) error) error
}

// Members returns all members.
func (l Ledger) Members(ctx context.Context) (members []fleet.Member, err error) {
	err = l.Update(ctx, func(tx *membership.Tx) (err error) {
		members, err = tx.Members()
		return err
	})
	return members, err
}

// SaveMember writes a member that is known, and tells what changed.
func (l Ledger) SaveMember(ctx context.Context, m fleet.Member) error {
	return l.Update(ctx, func(tx *membership.Tx) error {
		before, known, err := tx.Member(m.Host)
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("host %s is not a member", m.Host)
		}
		if err := tx.PutMember(m); err != nil {
			return err
		}
		return tell(tx, before, m)
	})
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
