// Package row reads rows of the store's tables into what pages show. The tables are our
// own, but a disk can damage them: a row that does not hold what it should is an error,
// and brings no page down.
package row

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// HostColumns are the columns of table host that [Host] reads.
const HostColumns = `host, first_seen, last_seen, heartbeat, pass, fail, not_applicable, unknown, error, waived,
	severity0, severity1, severity2, severity3, severity4, severity5, pending, gaps, rejected, archived`

// Host reads the columns of HostColumns. Presence is that of a host by when it spoke last.
func Host(scan func(...any) error, presence func(last time.Time) fleet.Presence) (fleet.Host, error) {
	var h fleet.Host
	var key, heartbeat []byte
	var first, last, archived int64
	c, n := &h.Counts, &h.BySeverity
	err := scan(&key, &first, &last, &heartbeat, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived,
		&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &h.Pending, &h.Gaps, &h.Rejected, &archived)
	if err != nil {
		return h, err
	}
	h.ID = fleet.HostID(hex.EncodeToString(key))
	h.FirstSeen, h.LastSeen = Time(first), Time(last)
	if h.Presence = presence(h.LastSeen); archived != 0 {
		h.Presence = fleet.Archived
	}
	if heartbeat != nil {
		r, err := decode(heartbeat, func(r wire.Record) bool { return r.Heartbeat != nil })
		if err != nil {
			return h, fmt.Errorf("decode heartbeat: %w", err)
		}
		h.Labels, h.Agent = r.Heartbeat.Host, r.Heartbeat.Counter
	}
	return h, nil
}

// decode reads a body of the kind that its table holds.
func decode(body []byte, right func(wire.Record) bool) (wire.Record, error) {
	r, err := wire.Decode(body)
	if err == nil && !right(r) {
		err = errors.New("a record of another kind")
	}
	return r, err
}

func isChange(r wire.Record) bool { return r.Change != nil }

// Time is a time of the tables, which hold nanoseconds since 1970.
func Time(n int64) time.Time { return time.Unix(0, n).UTC() }

// Bare stands for a check whose text no host has sent. Ids are family-setting.
func Bare(id string) finding.CheckInfo {
	family, _, _ := strings.Cut(id, "-")
	return finding.CheckInfo{ID: id, Family: family, Title: id}
}

// Info reads a check's id and the encoding of its text, which may be NULL.
func Info(scan func(...any) error) (finding.CheckInfo, error) {
	var id string
	var body []byte
	if err := scan(&id, &body); err != nil || body == nil {
		return Bare(id), err
	}
	r, err := decode(body, func(r wire.Record) bool { return r.Pack != nil && len(r.Pack.Checks) == 1 })
	if err != nil {
		return Bare(id), fmt.Errorf("decode text of check %s: %w", id, err)
	}
	return r.Pack.Checks[0], nil
}

// State reads the columns host, name, since and body.
func State(scan func(...any) error) (st fleet.State, err error) {
	var key, body []byte
	var since int64
	if err := scan(&key, &st.HostName, &since, &body); err != nil {
		return st, err
	}
	r, err := decode(body, isChange)
	if err != nil {
		return st, fmt.Errorf("decode state: %w", err)
	}
	st.Host, st.Since, st.Result = fleet.HostID(hex.EncodeToString(key)), Time(since), r.Change.Result
	return st, nil
}

// CheckColumns selects a check's rollup, with the text that most hosts have.
const CheckColumns = `SELECT check_id, (SELECT i.body FROM info i WHERE i.check_id = r.check_id ORDER BY i.hosts DESC LIMIT 1),
	pass, fail, not_applicable, unknown, error, waived, hosts FROM check_rollup r `

// Check reads a row of CheckColumns.
func Check(scan func(...any) error) (c fleet.Check, err error) {
	n := &c.Counts
	c.Info, err = Info(func(to ...any) error {
		return scan(append(to, &n.Pass, &n.Fail, &n.NotApplicable, &n.Unknown, &n.Error, &n.Waived, &c.Hosts)...)
	})
	return c, err
}

// EventColumns begins the query of rows that [Event] reads: of an event e and its host h.
const EventColumns = "SELECT e.id, e.host, h.name, e.received, e.ordinal > 0, e.moved, e.body "

// Event reads a row of EventColumns.
func Event(scan func(...any) error) (e fleet.Event, err error) {
	var key, body []byte
	var received int64
	if err := scan(&e.ID, &key, &e.HostName, &received, &e.Resync, &e.Moved, &body); err != nil {
		return e, err
	}
	r, err := decode(body, isChange)
	if err != nil {
		return e, fmt.Errorf("decode event: %w", err)
	}
	e.Host, e.Received, e.Change = fleet.HostID(hex.EncodeToString(key)), Time(received), *r.Change
	return e, nil
}

// DetectionColumns are of a row d of detection and the row h of its host.
const DetectionColumns = `SELECT d.host, h.name, d.place, d.received, d.severity, d.first, d.last, d.ended, d.body
	FROM detection d CROSS JOIN host h ON h.host = d.host `

// Detection reads a row of DetectionColumns.
func Detection(scan func(...any) error) (d fleet.Detection, err error) {
	var key, body []byte
	var received, first, last int64
	var severity finding.Severity
	var ended bool
	if err := scan(&key, &d.HostName, &d.Place, &received, &severity, &first, &last, &ended, &body); err != nil {
		return d, err
	}
	r, err := decode(body, func(r wire.Record) bool { return r.Detection != nil })
	if err != nil {
		return d, fmt.Errorf("decode detection: %w", err)
	}
	d.Host, d.Received, d.Detection = fleet.HostID(hex.EncodeToString(key)), Time(received), *r.Detection
	// What reports before this one said of the storm is in the row.
	s := &d.Detection
	s.Severity, s.First, s.Last, s.Ended = severity, Time(first), Time(last), ended
	return d, nil
}
