package host

import (
	"fmt"

	"seawall/collector/fleet"
	"seawall/collector/store/label"
	"seawall/collector/store/lane"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// pendingCheck is the check whose failed resources are the pending updates.
const pendingCheck = "patch-security-updates"

// Host is one host as its rows say, and what the open transaction does to it.
type Host struct {
	id  fleet.HostID
	key []byte

	name                 string
	pack                 []byte
	counts               fleet.Counts
	severity             [6]int
	pending              int
	rejected, mismatches int64
	whole                bool  // a whole state was taken once
	member               bool  // it was found to be one
	archived, silent     int64 // since then, or 0
	seen                 int64
	newest               int64 // event
	labels               label.Print

	lanes *lane.Set
	use
}

// use is what one transaction needs of a host.
type use struct {
	*Batch
	heartbeat []byte                   // a new one
	states    map[finding.Key]standing // read so far; status 0 is absent
	bad       map[string]*badCount
	events    []fleet.Event
	changed   bool   // the row is to be written
	fresh     bool   // something was new
	reason    string // of the last record not taken
}

// standing is what the rollups need of a row of state.
type standing struct {
	status   finding.Status
	severity finding.Severity
	since    int64
}

type badCount struct{ before, now int }

// adjust counts n more results with the verdict.
func (h *Host) adjust(check string, s standing, n int) error {
	h.counts.Add(s.status, n)
	h.Fleet.Results(check, s.status, n)
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
		b = h.count(check)
		if _, err := h.Row(badQuery, []any{h.key, check}, &b.before); err != nil {
			return err
		}
		b.now = b.before
	}
	b.now += n
	return nil
}

const badQuery = "SELECT bad FROM host_check WHERE host = ? AND check_id = ?"

// countAll reads the counts of the checks of changes with one query.
func (h *Host) countAll(changes []finding.Change) error {
	read := make(map[string]*badCount)
	for i := range changes {
		if check := changes[i].Result.Check; h.bad[check] == nil {
			read[check] = h.count(check)
		}
	}
	return h.Rows("SELECT check_id, bad FROM host_check WHERE host = ?", []any{h.key}, func(scan func(...any) error) error {
		var check string
		var bad int
		err := scan(&check, &bad)
		if b := read[check]; b != nil {
			b.before, b.now = bad, bad
		}
		return err
	})
}

// count makes the count of a check, still without what is in the table.
func (h *Host) count(check string) *badCount {
	if h.bad == nil {
		h.bad = make(map[string]*badCount)
	}
	h.bad[check] = new(badCount)
	return h.bad[check]
}

func (h *Host) results() int {
	c := h.counts
	return c.Pass + c.Fail + c.NotApplicable + c.Unknown + c.Error + c.Waived
}

// flush writes the row, the positions and the counts per check.
func (h *Host) flush() error {
	if !h.changed {
		return nil
	}
	if err := h.flushBad(); err != nil {
		return err
	}
	if err := h.lanes.Flush(h.Writer, h.Now); err != nil {
		return err
	}
	c, v := &h.counts, &h.severity
	err := h.Exec(`UPDATE host SET last_seen = ?, name = ?, heartbeat = coalesce(?, heartbeat), pack = ?,
		pass = ?, fail = ?, not_applicable = ?, unknown = ?, error = ?, waived = ?,
		severity0 = ?, severity1 = ?, severity2 = ?, severity3 = ?, severity4 = ?, severity5 = ?,
		pending = ?, gaps = ?, rejected = ?, mismatches = ?, whole = ?, archived = ?, silent = ?, newest = ? WHERE host = ?`,
		h.seen, h.name, h.heartbeat, h.pack,
		c.Pass, c.Fail, c.NotApplicable, c.Unknown, c.Error, c.Waived, v[0], v[1], v[2], v[3], v[4], v[5],
		h.pending, h.lanes.Missing(), h.rejected, h.mismatches, h.whole, h.archived, h.silent, h.newest, h.key)
	if err != nil {
		return err
	}
	if h.reason != "" {
		h.limits.Log.Warn("records not taken", "host", h.id, "total", h.rejected, "last", text.Terminal(h.reason))
	}
	if h.fresh || len(h.events) > 0 {
		h.Updates = append(h.Updates, fleet.Update{Host: h.id, Events: h.events})
	}
	return nil
}

// flushBad writes the counts of bad results per check.
func (h *Host) flushBad() error {
	for check, b := range h.bad {
		if err := h.writeBad(check, b); err != nil {
			return fmt.Errorf("count bad results of %s: %w", check, err)
		}
	}
	h.bad = nil
	return nil
}

func (h *Host) writeBad(check string, b *badCount) error {
	switch {
	case b.before == b.now:
		return nil
	case b.before == 0:
		h.Fleet.Hosts(check, 1)
	case b.now == 0:
		h.Fleet.Hosts(check, -1)
		return h.Exec("DELETE FROM host_check WHERE host = ? AND check_id = ?", h.key, check)
	}
	return h.Exec("INSERT INTO host_check VALUES (?, ?, ?) ON CONFLICT (host, check_id) DO UPDATE SET bad = excluded.bad", h.key, check, b.now)
}
