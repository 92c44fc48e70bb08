package view

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
	"seawall/collector/store/view/row"
)

const (
	fleetEvents = row.EventColumns + "FROM event e JOIN host h ON h.host = e.host WHERE e.id < ? ORDER BY e.id DESC LIMIT ?"
	laterEvents = row.EventColumns + "FROM event e JOIN host h ON h.host = e.host WHERE e.id > ? ORDER BY e.id LIMIT ?"
)

// chain is how the events of a host or a check are found: each names the one before
// it, and none a newer one, whatever a disk did to it. It is followed until it has given
// the page, so a page costs what it shows, but for one that begins at an event which is
// not of the chain.
type chain struct{ column, before, newest string }

var (
	hostChain  = chain{"host", "host_before", "SELECT newest FROM host WHERE host = ?"}
	checkChain = chain{"check_id", "check_before", "SELECT event FROM check_newest WHERE check_id = ?"}
)

// page is the query of a page of the events of a key, of one check of it unless that is
// "", before an event, which is the highest number for the newest. PostgreSQL expects the
// chain to be long: told nothing else, it reads all events and looks for each in the chain.
func (c chain) page(key any, check string, before int64, limit int) (text string, args []any) {
	const wanted = "e.id < ? AND (? = '' OR e.check_id = ?)"
	text = `WITH RECURSIVE chain(id, had) AS (
			SELECT ifnull((SELECT ` + c.before + ` FROM event WHERE id = ? AND ` + c.column + ` = ?), (` + c.newest + `)), 0
			UNION ALL SELECT e.` + c.before + `, chain.had + CASE WHEN ` + wanted + ` THEN 1 ELSE 0 END FROM chain CROSS JOIN event e ON e.id = chain.id
			WHERE e.` + c.before + ` BETWEEN 1 AND e.id - 1 AND chain.had < ?)
		` + row.EventColumns + `FROM chain CROSS JOIN /*postgres LATERAL (SELECT * FROM */event e/*postgres  WHERE e.id = chain.id OFFSET 0) e */ ON e.id = chain.id
		CROSS JOIN /*postgres LATERAL (SELECT * FROM */host h/*postgres  WHERE h.host = e.host OFFSET 0) h */ ON h.host = e.host
		WHERE ` + wanted + ` /*postgres ORDER BY e.id DESC */ LIMIT ?`
	return text, []any{before, key, key, before, check, check, limit, before, check, check, limit}
}

// Timeline returns events, newest first.
func (v *View) Timeline(ctx context.Context, q fleet.TimelineQuery) ([]fleet.Event, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, 200)
	if q.Before == 0 {
		q.Before = math.MaxInt64
	}
	text, args := fleetEvents, []any{q.Before, q.Limit}
	switch {
	case q.After != 0 && (q.Host != "" || q.Check != ""):
		return nil, errors.New("read timeline: of one host or check it is read backwards alone")
	case q.After != 0:
		text, args = laterEvents, []any{q.After, q.Limit}
	case q.Host != "":
		key, err := q.Host.Bytes()
		if err != nil {
			return nil, fmt.Errorf("read timeline: %w: %w", fs.ErrNotExist, err)
		}
		text, args = hostChain.page(key, q.Check, q.Before, q.Limit)
	case q.Check != "":
		text, args = checkChain.page(q.Check, "", q.Before, q.Limit)
	}
	var events []fleet.Event
	err := db.Each(ctx, v.db, func(scan func(...any) error) error {
		e, err := row.Event(scan)
		events = append(events, e)
		return err
	}, text, args...)
	if err != nil {
		return nil, fmt.Errorf("read timeline: %w", sqlite.Classify(err))
	}
	return events, nil
}
