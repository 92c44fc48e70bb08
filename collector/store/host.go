package store

import (
	"fmt"

	"seawall/collector/fleet"
	"seawall/collector/store/view"
	"seawall/pkg/finding"
)

// pendingCheck is the check whose failed resources are the pending updates.
const pendingCheck = "patch-security-updates"

// host is one host within a batch: its row, and what of its other rows the batch
// has needed so far. flush writes the row back.
type host struct {
	*batch
	id  fleet.HostID
	key []byte

	name                       string
	heartbeat, pack            []byte
	counts                     fleet.Counts
	severity                   [6]int
	pending                    int
	gaps, rejected, mismatches int64
	whole                      bool // a whole state was taken once

	lanes  map[string]*lane
	states map[finding.Key]standing // read so far; status 0 is absent
	bad    map[string]*badCount
	events []fleet.Event
	fresh  bool   // something was new
	reason string // of the last record not taken
}

// standing is what the rollups need of a row of state.
type standing struct {
	status   finding.Status
	severity finding.Severity
	since    int64
}

type badCount struct{ before, now int }

// open reads the host's row and makes it for a new host.
func (b *batch) open(id fleet.HostID) (*host, error) {
	key, err := view.HostKey(id)
	if err != nil {
		return nil, err
	}
	h := &host{
		batch: b, id: id, key: key,
		lanes:  make(map[string]*lane),
		states: make(map[finding.Key]standing),
		bad:    make(map[string]*badCount),
	}
	c, v := &h.counts, &h.severity
	known, err := b.Row(`SELECT name, heartbeat, pack, pass, fail, not_applicable, unknown, error, waived,
		severity0, severity1, severity2, severity3, severity4, severity5, pending, gaps, rejected, mismatches, whole
		FROM host WHERE host = ?`, []any{key},
		&h.name, &h.heartbeat, &h.pack, &c.Pass, &c.Fail, &c.NotApplicable, &c.Unknown, &c.Error, &c.Waived,
		&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &h.pending, &h.gaps, &h.rejected, &h.mismatches, &h.whole)
	if err != nil || known {
		return h, err
	}
	var hosts int
	if _, err := b.Row("SELECT count(*) FROM host", nil, &hosts); err != nil {
		return nil, err
	}
	if hosts >= b.store.cfg.MaxHosts {
		return nil, fmt.Errorf("host %s: %w", id, fleet.ErrFull)
	}
	now := b.now.UnixNano()
	return h, b.Exec("INSERT INTO host (host, first_seen, last_seen) VALUES (?, ?, ?)", key, now, now)
}

// adjust counts n more results with the verdict.
func (h *host) adjust(check string, s standing, n int) error {
	h.counts.Add(s.status, n)
	h.day.Add(s.status, n)
	h.check(check).counts.Add(s.status, n)
	if s.status == finding.StatusFail {
		h.severity[s.severity] += n
		if check == pendingCheck {
			h.pending += n
		}
	}
	if !s.status.Bad() {
		return nil
	}
	b := h.bad[check]
	if b == nil {
		b = new(badCount)
		if _, err := h.Row("SELECT bad FROM host_check WHERE host = ? AND check_id = ?", []any{h.key, check}, &b.before); err != nil {
			return err
		}
		b.now = b.before
		h.bad[check] = b
	}
	b.now += n
	return nil
}

func (h *host) results() int {
	c := h.counts
	return c.Pass + c.Fail + c.NotApplicable + c.Unknown + c.Error + c.Waived
}

// flush writes the row, the positions and the counts per check.
func (h *host) flush() error {
	for check, b := range h.bad {
		if err := h.flushBad(check, b); err != nil {
			return fmt.Errorf("count bad results of %s: %w", check, err)
		}
	}
	for name, l := range h.lanes {
		if err := h.flushLane(name, l); err != nil {
			return fmt.Errorf("write position: %w", err)
		}
	}
	c, v := &h.counts, &h.severity
	return h.Exec(`UPDATE host SET last_seen = max(last_seen, ?), name = ?, heartbeat = ?, pack = ?,
		pass = ?, fail = ?, not_applicable = ?, unknown = ?, error = ?, waived = ?,
		severity0 = ?, severity1 = ?, severity2 = ?, severity3 = ?, severity4 = ?, severity5 = ?,
		pending = ?, gaps = ?, rejected = ?, mismatches = ?, whole = ? WHERE host = ?`,
		h.now.UnixNano(), h.name, h.heartbeat, h.pack,
		c.Pass, c.Fail, c.NotApplicable, c.Unknown, c.Error, c.Waived, v[0], v[1], v[2], v[3], v[4], v[5],
		h.pending, h.gaps, h.rejected, h.mismatches, h.whole, h.key)
}

func (h *host) flushBad(check string, b *badCount) error {
	switch {
	case b.before == b.now:
		return nil
	case b.before == 0:
		h.check(check).hosts++
	case b.now == 0:
		h.check(check).hosts--
		return h.Exec("DELETE FROM host_check WHERE host = ? AND check_id = ?", h.key, check)
	}
	return h.Exec("INSERT OR REPLACE INTO host_check VALUES (?, ?, ?)", h.key, check, b.now)
}
