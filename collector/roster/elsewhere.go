package roster

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// chunk bounds how many members are read, and held, at once.
const chunk = 200

// Refresh reads members that another collector has changed, admitted or forgotten, and
// ends sessions that they no longer allow or that have begun anew with it.
func (r *Roster) Refresh(ctx context.Context, hosts []fleet.HostID) error {
	hosts = slices.Clone(hosts)
	slices.Sort(hosts) // so that two that do so hold members in one order
	for some := range slices.Chunk(slices.Compact(hosts), chunk) {
		if err := r.refresh(ctx, some); err != nil {
			return fmt.Errorf("refresh members: %w", err)
		}
	}
	return nil
}

// Reload reads all members, for when it is not known which have changed.
func (r *Roster) Reload(ctx context.Context) error {
	members, err := r.records.Members(ctx)
	if err != nil {
		return fmt.Errorf("reload members: %w", err)
	}
	r.mu.RLock()
	hosts := slices.Collect(maps.Keys(r.entries))
	r.mu.RUnlock()
	for _, m := range members {
		hosts = append(hosts, m.Host)
	}
	return r.Refresh(ctx, hosts)
}

// refresh reads a few members. Nobody here changes them meanwhile: what is read is the
// newest, but for what others do from now on, of which there will be news.
func (r *Roster) refresh(ctx context.Context, hosts []fleet.HostID) error {
	held := make(map[fleet.HostID]*entry, len(hosts))
	defer func() {
		for _, e := range held {
			e.release()
		}
	}()
	for _, host := range hosts {
		e := r.entry(host)
		if e == nil {
			continue
		}
		if err := e.acquire(ctx); err == nil {
			held[host] = e
		} else if ctx.Err() != nil {
			return err
		}
	}
	members, err := r.records.Some(ctx, hosts)
	if err != nil {
		return err
	}
	there := make(map[fleet.HostID]bool, len(members))
	for _, m := range members {
		there[m.Host] = true
		if e := held[m.Host]; e != nil {
			e.set(m)
		} else {
			r.Add(m)
		}
	}
	for host, e := range held {
		if !there[host] {
			r.drop(e)
		}
	}
	return nil
}

// drop knows a member no more: another collector forgot it. The caller has acquired e.
func (r *Roster) drop(e *entry) {
	m := *e.member.Load()
	m.Standing, m.Reason, m.Since = fleet.Revoked, "forgotten", r.cfg.Now()
	e.set(m)
	e.gone = true
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, m.Host)
}

// find returns a member's entry. One that is not known may have been admitted by
// another collector just now: the records are asked.
func (r *Roster) find(ctx context.Context, host fleet.HostID) (*entry, error) {
	if e := r.entry(host); e != nil {
		return e, nil
	}
	if err := r.Refresh(ctx, []fleet.HostID{host}); err != nil {
		return nil, err
	}
	if e := r.entry(host); e != nil {
		return e, nil
	}
	return nil, refuse(seawallv1.Reason_REASON_HOST_UNKNOWN)
}

// Find returns a member, one that another collector admitted just now, too. The error is
// a [Refused] for a host that is none, or the records' own.
func (r *Roster) Find(ctx context.Context, host fleet.HostID) (fleet.Member, error) {
	e, err := r.find(ctx, host)
	if err != nil {
		return fleet.Member{}, err
	}
	return *e.member.Load(), nil
}
