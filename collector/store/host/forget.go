package host

import (
	"errors"
	"fmt"

	"seawall/collector/fleet"
	"seawall/collector/store/erase"
	"seawall/collector/store/turn"
)

// Forget deletes a host: its rows, its part in the fleet's standing counts, and what
// the writer holds of it in memory. It returns what was deleted. When anything is left
// the error says so, and the transaction must not be committed. One without a row is an
// error that is [fleet.ErrUnknown].
func (b *Batch) Forget(id fleet.HostID) ([]erase.Count, error) {
	h, err := b.Open(id)
	if err != nil {
		return nil, err
	}
	// What this transaction has changed must be in the tables that are counted and
	// emptied.
	if err := errors.Join(h.flushBad(), b.line.End()); err != nil {
		return nil, fmt.Errorf("write what the host said: %w", err)
	}
	if h.archived == 0 {
		if err := b.Fleet.Host(b.Writer, h.key, -1); err != nil {
			return nil, err
		}
	}
	gone, err := erase.Host(b.Writer, h.key)
	if err != nil {
		return nil, err
	}
	left, err := erase.Left(b.Writer, h.key)
	if err != nil {
		return nil, err
	}
	for _, c := range left {
		if c.Rows > 0 {
			return nil, fmt.Errorf("%d rows of the host are left in %s", c.Rows, c.Table)
		}
	}
	delete(b.used, id)
	delete(b.known, id)
	// Nothing may name it, so others forget all that they remember.
	if err := b.Exec("UPDATE turn SET hosts = ?, members = ?, whole = ?", []byte{}, []byte{}, turn.Members); err != nil {
		return nil, fmt.Errorf("forget it in the turns: %w", err)
	}
	b.Whole = turn.Members
	return gone, nil
}
