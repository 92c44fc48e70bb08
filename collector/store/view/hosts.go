package view

import (
	"context"
	"encoding/hex"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/pick"
	"seawall/collector/store/view/row"
	"seawall/pkg/finding"
)

// HostPage returns a page of the hosts that a query selects, all of one moment.
func (v *View) HostPage(ctx context.Context, q fleet.HostQuery) (fleet.HostPage, error) {
	pick.Page(&q.Page, &q.Size)
	p := fleet.HostPage{Page: q.Page, Size: q.Size}
	tx, err := v.begin(ctx)
	if err != nil {
		return p, fmt.Errorf("read hosts: %w", sqlite.Classify(err))
	}
	defer tx.end()
	if err := tx.hostPage(ctx, &q, &p); err != nil {
		return p, fmt.Errorf("read hosts: %w", sqlite.Classify(err))
	}
	return p, nil
}

func (s *snapshot) hostPage(ctx context.Context, q *fleet.HostQuery, p *fleet.HostPage) error {
	where, err := pick.Hosts(q, pick.Moment{Now: s.now, Silent: s.outages.Silent(s.now), Offline: s.outages.Offline(s.now)})
	if err != nil {
		return err
	}
	by, err := pick.Order(q.Sort, q.Reverse)
	if err != nil {
		return err
	}
	from := "host h"
	if q.Text != "" || q.OS != "" || q.Region != "" || q.Sort == fleet.ByOS || q.Sort == fleet.ByRegion {
		from += " LEFT JOIN host_label l ON l.host = h.host"
	}
	// Rows are counted and ordered by what is small of them. Only those of the page
	// are read whole.
	var keys []any
	rows := func(scan func(...any) error) error {
		var key []byte
		err := scan(&key, &p.Total)
		keys = append(keys, key)
		return err
	}
	text := "SELECT h.host, count(*) OVER () FROM " + from + " WHERE " + where.Text + " ORDER BY " + by + " LIMIT ? OFFSET ?"
	if err := db.Each(ctx, s, rows, text, append(where.Args, q.Size, q.Page*q.Size)...); err != nil {
		return err
	}
	if len(keys) == 0 && q.Page > 0 {
		// Behind the last page nothing says how many there are.
		_, err := db.One(ctx, s, "SELECT count(*) FROM "+from+" WHERE "+where.Text, where.Args, &p.Total)
		return err
	}
	p.Hosts, err = s.hostsOf(ctx, keys)
	return err
}

// hostsOf reads hosts, in the order of their keys.
func (s *snapshot) hostsOf(ctx context.Context, keys []any) ([]fleet.Host, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	at := make(map[fleet.HostID]*fleet.Host, len(keys))
	hosts := make([]fleet.Host, len(keys))
	for i, k := range keys {
		at[fleet.HostID(hex.EncodeToString(k.([]byte)))] = &hosts[i]
	}
	list := " IN (" + pick.Marks(len(keys)) + ")"
	err := db.Each(ctx, s, func(scan func(...any) error) error {
		h, err := row.Host(scan, s.presence)
		if to := at[h.ID]; to != nil {
			*to = h
		}
		return err
	}, "SELECT "+row.HostColumns+" FROM host WHERE host"+list, keys...)
	if err != nil {
		return nil, err
	}
	err = s.detections(ctx, func(id fleet.HostID, severity finding.Severity, n int) {
		if h := at[id]; h != nil {
			h.Detected[severity] = n
		}
	}, "WHERE c.host"+list, keys...)
	if err != nil {
		return nil, err
	}
	if err := row.Given(ctx, s, at, "WHERE host"+list, keys...); err != nil {
		return nil, err
	}
	members, err := membership.Some(ctx, s, keys)
	for i := range members {
		if h := at[members[i].Host]; h != nil {
			h.Member = &members[i]
		}
	}
	return hosts, err
}
