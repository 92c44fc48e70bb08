package roster

import (
	"context"

	"seawall/collector/fleet"
)

// Forget ends a member's session, has erase delete what the records hold of it, and then
// knows it no more. Until erase has returned nobody changes or saves the member, and
// after it nobody does: it does not come back by a stream that was slow. When erase
// fails the member is what it was, and may come again. A host that is no member is
// erased all the same.
func (r *Roster) Forget(ctx context.Context, host fleet.HostID, erase func() error) error {
	e := r.entry(host)
	if e == nil {
		return erase()
	}
	if err := e.acquire(ctx); err != nil {
		return err
	}
	defer e.release()
	before := *e.member.Load()
	m := before
	m.Standing, m.Reason, m.Since = fleet.Revoked, "to be forgotten", r.cfg.Now()
	e.set(m)
	if err := erase(); err != nil {
		e.set(before)
		return err
	}
	r.drop(e)
	return nil
}
