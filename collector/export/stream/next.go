package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"seawall/collector/db"
	"seawall/collector/export/item"
	"seawall/collector/export/order"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

const (
	page     = 200 // events that are asked for at once: the store's own limit
	perBatch = 5   // pages in one transaction
	atOnce   = 4   // hosts of a whole state in one transaction
	gone     = 24 * time.Hour
	texture  = 10 * time.Minute // texts of checks and labels of hosts are kept
)

// batch is what goes into one transaction.
type batch struct {
	parcels []parcel
	items   int
	lost    int64
	to      order.Place
	reached time.Time
}

// next reads what comes after a stream's place: changes first, then detections, then the
// whole state. It returns nil where there is nothing.
func (r *Runner) next(ctx context.Context, p *order.Progress) (*batch, error) {
	b := &batch{to: p.At, reached: p.Reached}
	if err := r.learn(ctx); err != nil {
		return nil, err
	}
	within, err := r.within(ctx, p.Tags)
	if err != nil {
		return nil, err
	}
	var items []item.Item
	for _, take := range []func(context.Context, *order.Progress, *batch) ([]item.Item, error){r.changes, r.detections, r.findings} {
		some, err := take(ctx, p, b)
		if err != nil {
			return nil, err
		}
		items = append(items, some...)
	}
	if b.to.Equal(p.At) {
		return nil, nil
	}
	items = slices.DeleteFunc(items, func(i item.Item) bool { return !wants(&p.Order, &i) || within != nil && !within[i.Host] })
	large := 0
	if b.parcels, large, err = pack(p.Format, r.cfg.Version, items); err != nil {
		return nil, err
	}
	b.items, b.lost = len(items)-large, b.lost+int64(large)
	return b, nil
}

// wants reports whether an entry is one that the stream sends. What is good again has the
// severity of what it was: who hears of the one hears of the other.
func wants(s *order.Order, i *item.Item) bool {
	if i.Detection != nil {
		return i.Detection.Severity >= s.MinSeverity
	}
	return i.Result.Severity >= s.MinSeverity && (len(s.Families) == 0 || slices.Contains(s.Families, i.Check.Family))
}

// within returns the hosts with one of the tags, nil for all hosts.
func (r *Runner) within(ctx context.Context, tags []string) (all map[fleet.HostID]bool, err error) {
	if len(tags) == 0 {
		return nil, nil
	}
	err = r.cfg.Data.Read(ctx, func(q db.Querier) error {
		all = map[fleet.HostID]bool{}
		for _, tag := range tags {
			err := db.Each(ctx, q, func(scan func(...any) error) error {
				var key []byte
				err := scan(&key)
				all[fleet.HostID(fmt.Sprintf("%x", key))] = true
				return err
			}, "SELECT host FROM host_tag WHERE tag = ?", tag)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	return all, nil
}

func (r *Runner) changes(ctx context.Context, p *order.Progress, b *batch) (items []item.Item, err error) {
	if !p.Sends(order.Changes) {
		return nil, nil
	}
	for range perBatch {
		events, err := r.cfg.Source.Timeline(ctx, fleet.TimelineQuery{After: after(b.to.Events), Limit: page})
		if err != nil {
			return nil, fmt.Errorf("read changes: %w", err)
		}
		ids := make([]fleet.HostID, len(events))
		for i := range events {
			ids[i] = events[i].Host
		}
		if err := r.know(ctx, ids); err != nil {
			return nil, err
		}
		for i := range events {
			e := &events[i]
			// Numbers have no holes but where rows were deleted, which is old ones.
			if hole := e.ID - b.to.Events - 1; hole > 0 && r.cfg.Now().Sub(b.reached) > gone {
				b.lost += hole
			}
			items = append(items, item.Change(r.texts.hosts[e.Host], r.texts.checks[e.Change.Result.Check], *e))
			b.to.Events, b.reached = e.ID, e.Received
		}
		if len(events) < page {
			break
		}
	}
	return items, nil
}

func (r *Runner) detections(ctx context.Context, p *order.Progress, b *batch) (items []item.Item, err error) {
	if !p.Sends(order.Detections) {
		return nil, nil
	}
	all, err := r.cfg.Source.Detections(ctx, fleet.DetectionQuery{After: after(b.to.Detections), Limit: page})
	if err != nil {
		return nil, fmt.Errorf("read detections: %w", err)
	}
	ids := make([]fleet.HostID, len(all))
	for i := range all {
		ids[i] = all[i].Host
	}
	if err := r.know(ctx, ids); err != nil {
		return nil, err
	}
	for i := range all {
		d := &all[i]
		items = append(items, item.Detected(r.texts.hosts[d.Host], *d))
		b.to.Detections = d.Place
		if d.Received.After(b.reached) {
			b.reached = d.Received
		}
	}
	return items, nil
}

// after is a place as queries take it: 0 there is no place.
func after(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// findings reads the whole state of the next hosts, where it is due.
func (r *Runner) findings(ctx context.Context, p *order.Progress, b *batch) (items []item.Item, err error) {
	if !p.Sends(order.Findings) {
		return nil, nil
	}
	now := r.cfg.Now()
	if !b.to.Walking {
		if now.Sub(p.Round) < time.Duration(p.EveryHours)*time.Hour {
			return nil, nil
		}
		b.to.Round, b.to.Walking, b.to.Walked = now.UnixNano(), true, []byte{}
	}
	last := fleet.HostID("")
	if len(b.to.Walked) > 0 {
		last = fleet.HostID(fmt.Sprintf("%x", b.to.Walked))
	}
	hosts, err := r.cfg.Source.HostPage(ctx, fleet.HostQuery{After: last, Sort: fleet.ByID, Size: atOnce})
	if err != nil {
		return nil, fmt.Errorf("read hosts: %w", err)
	}
	for i := range hosts.Hosts {
		id := hosts.Hosts[i].ID
		if b.to.Walked, err = id.Bytes(); err != nil {
			return nil, err
		}
		d, err := r.cfg.Source.Host(ctx, id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // forgotten meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("read host %s: %w", id, err)
		}
		for k := range d.States {
			items = append(items, item.State(item.Labels(&d.Host), d.Checks[d.States[k].Result.Check], d.States[k]))
		}
	}
	if len(hosts.Hosts) < atOnce {
		b.to.Walking, b.to.Walked = false, []byte{}
	}
	return items, nil
}

// texts are what entries say besides what happened. They change rarely.
type texts struct {
	checks map[string]finding.CheckInfo
	hosts  map[fleet.HostID]finding.Host
	read   time.Time
}

// learn reads the texts of checks, and forgets the labels of hosts, once in a while.
func (r *Runner) learn(ctx context.Context) error {
	now := r.cfg.Now()
	if r.texts.checks != nil && now.Sub(r.texts.read) < texture {
		return nil
	}
	all, err := r.cfg.Source.Checks(ctx)
	if err != nil {
		return fmt.Errorf("read checks: %w", err)
	}
	r.texts = texts{make(map[string]finding.CheckInfo, len(all)), map[fleet.HostID]finding.Host{}, now}
	for i := range all {
		r.texts.checks[all[i].Info.ID] = all[i].Info
	}
	return nil
}

// know reads what hosts say of themselves, where it is not known. One that was forgotten
// says nothing.
func (r *Runner) know(ctx context.Context, ids []fleet.HostID) error {
	var fresh []fleet.HostID
	for _, id := range ids {
		if _, known := r.texts.hosts[id]; !known {
			r.texts.hosts[id] = finding.Host{}
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	found, err := r.cfg.Source.HostPage(ctx, fleet.HostQuery{Only: fresh, Every: true, Sort: fleet.ByID, Size: fleet.MaxPage})
	if err != nil {
		for _, id := range fresh {
			delete(r.texts.hosts, id)
		}
		return fmt.Errorf("read hosts: %w", err)
	}
	for i := range found.Hosts {
		r.texts.hosts[found.Hosts[i].ID] = item.Labels(&found.Hosts[i])
	}
	return nil
}
