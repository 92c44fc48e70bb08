package host

import (
	"fmt"
	"math"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/lane"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/wire"
)

// The checks of what the collector itself says in a host's timeline.
const (
	lostCheck    = "agent-records-lost"
	silentCheck  = "agent-silent"
	archiveCheck = "agent-archived"
)

// ordinalLost is the ordinal of a range of missing records, under the name of its
// first: a record is found missing once.
const ordinalLost = -1

// name names an event for ever. Ordinals tell the events of one record apart, and
// the record's position, moved in the same transaction, keeps them from being told
// twice. What the collector says itself has no lane and the event's own number.
type name struct {
	lane     string
	epoch    uint64
	sequence uint64
	ordinal  int
}

// row is an event to be written.
type row struct {
	host  *Host
	name  name
	event int // in the host's events
	body  []byte
}

// rowsAtOnce is how many events one statement writes. A statement costs as much as
// a row, but the driver looks for each argument among all of them.
const rowsAtOnce = 4

// tell appends an event to the timeline.
func (h *Host) tell(n name, e fleet.Event, body []byte) error {
	e.Host, e.HostName, e.Received = h.id, h.name, h.Now
	h.changed = true
	h.Fleet.Change()
	h.events = append(h.events, e)
	h.told = append(h.told, row{h, n, len(h.events) - 1, body})
	if len(h.told) < rowsAtOnce {
		return nil
	}
	return h.writeEvents()
}

// writeEvents writes the events that were told, in order.
func (b *Batch) writeEvents() error {
	if len(b.told) == 0 {
		return nil
	}
	if b.lastID == 0 {
		if _, err := b.Row(`SELECT coalesce(max(n), 0) FROM (SELECT max(id) AS n FROM event
			UNION ALL SELECT value FROM meta WHERE name = 'event_last') x`, nil, &b.lastID); err != nil {
			return fmt.Errorf("number events: %w", err)
		}
		b.first = b.lastID + 1
	}
	rows := b.told
	b.told = b.told[:0]
	for n := rowsAtOnce; len(rows) > 0; rows = rows[n:] {
		if len(rows) < rowsAtOnce || db.Appends(b.Writer) {
			n = 1
		}
		if err := b.insertEvents(rows[:n]); err != nil {
			return fmt.Errorf("append to the timeline: %w", err)
		}
	}
	return nil
}

const eventColumns = "id, host, lane, epoch, seq, ordinal, received, check_id, moved, body, host_before, check_before"

// insertEvents writes rows. An error undoes the transaction, which it ends anyway:
// else SQLite would copy each page to a file first, to undo the statement alone.
func (b *Batch) insertEvents(rows []row) error {
	args := make([]any, 0, 12*len(rows))
	for _, r := range rows {
		b.lastID++
		e := &r.host.events[r.event]
		e.ID = b.lastID
		check := e.Change.Result.Check
		before, err := b.follow(check, e.ID)
		if err != nil {
			return err
		}
		if r.name.lane == "" {
			r.name.sequence = uint64(e.ID)
		}
		args = append(args, e.ID, r.host.key, r.name.lane, int64(r.name.epoch), int64(r.name.sequence), r.name.ordinal,
			e.Received.UnixNano(), check, e.Moved, r.body, r.host.newest, before)
		r.host.newest = e.ID
	}
	if len(rows) == 1 {
		return db.Append(b.Writer, "event", eventColumns, args...)
	}
	return b.Exec("INSERT INTO event ("+eventColumns+") VALUES "+
		strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), ", len(rows)-1)+"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", args...)
}

const newestQuery = "SELECT event FROM check_newest WHERE check_id = ?"

// follow makes an event the newest of its check and returns the one before it.
func (b *Batch) follow(check string, id int64) (before int64, err error) {
	before, known := b.newest[check]
	if !known {
		if before, known = b.last[check]; !known {
			if _, err := b.Row(newestQuery, []any{check}, &before); err != nil {
				return 0, fmt.Errorf("read the newest event of %s: %w", check, err)
			}
		}
		if b.newest == nil {
			b.newest = make(map[string]int64)
		}
	}
	b.newest[check] = id
	return before, nil
}

// writeNewest writes the newest event of each check that was told of.
func (b *Batch) writeNewest() error {
	for check, id := range b.newest {
		if err := b.Exec("INSERT INTO check_newest VALUES (?, ?) ON CONFLICT (check_id) DO UPDATE SET event = excluded.event", check, id); err != nil {
			return fmt.Errorf("write the newest event of %s: %w", check, err)
		}
	}
	return nil
}

// Say appends what the collector itself found.
func (h *Host) Say(r finding.Result) error { return h.say(name{}, r) }

func (h *Host) say(n name, r finding.Result) error {
	r.Resource, r.Actual, r.Time = text.Clean(r.Resource, 256), text.Clean(r.Actual, 512), h.Now
	c := finding.Change{Result: r}
	body, err := wire.Encode(wire.Record{Time: h.Now, Change: &c})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	return h.tell(n, fleet.Event{Change: c}, body)
}

func (h *Host) tellLost() error {
	for _, l := range h.lanes.Found() {
		if err := h.lost(l); err != nil {
			return fmt.Errorf("tell missing records: %w", err)
		}
	}
	return nil
}

// lost tells of records that never came.
func (h *Host) lost(l lane.Loss) error {
	why := map[fleet.GapReason]string{
		fleet.Evicted:  "evicted on the host, whose spool was full",
		fleet.Damaged:  "damaged on the host's disk",
		fleet.Diverged: "the machine was set back to an older state",
	}[l.Reason]
	if why == "" {
		why = "the host did not say why"
	}
	records := "records"
	if l.Records == 1 {
		records = "record"
	}
	return h.say(name{l.Lane, l.Epoch, l.From, ordinalLost}, finding.Result{
		Check: lostCheck, Resource: fmt.Sprintf("%s %d–%d", l.Lane, l.From, l.To),
		Status: finding.StatusFail, Severity: finding.SeverityMedium,
		Actual: fmt.Sprintf("%d %s lost: %s", l.Records, records, why), Expected: "no records lost",
	})
}

// back tells of a host that speaks after it was called silent or was archived, and
// puts it back into the fleet's counts.
func (h *Host) back() error {
	if h.silent == 0 && h.archived == 0 {
		return nil
	}
	actual := "speaks again after " + long(h.Now.UnixNano()-h.seen)
	if h.archived != 0 {
		actual += ", no longer archived"
		if err := h.Fleet.Host(h.Writer, h.key, 1); err != nil {
			return err
		}
	}
	h.silent, h.archived = 0, 0
	return h.Say(finding.Result{Check: silentCheck, Status: finding.StatusPass,
		Severity: finding.SeverityInformational, Actual: actual})
}

// Silent tells that the host says nothing.
func (h *Host) Silent() error {
	h.silent = h.Now.UnixNano()
	return h.Say(finding.Result{Check: silentCheck, Status: finding.StatusFail, Severity: finding.SeverityHigh,
		Actual: "nothing heard since " + time.Unix(0, h.seen).UTC().Format("2006-01-02 15:04 UTC"), Expected: "a heartbeat every minute"})
}

// Archive takes the host out of the fleet's counts for long silence.
func (h *Host) Archive() error {
	return h.archive(true, "archived after "+long(h.Now.UnixNano()-h.seen)+" of silence")
}

// PutAway takes the host out of the fleet's counts, or back in, for a person.
func (h *Host) PutAway(away bool) error {
	if away {
		return h.archive(true, "archived by a person")
	}
	return h.archive(false, "taken back by a person")
}

// archive takes the host out of the fleet's counts, or back in.
func (h *Host) archive(archived bool, actual string) error {
	if archived == (h.archived != 0) {
		return nil
	}
	// What this transaction has changed must be in the tables that are counted.
	if err := h.flushBad(); err != nil {
		return err
	}
	n, status := 1, finding.StatusPass
	if h.archived = 0; archived {
		h.archived, n, status = h.Now.UnixNano(), -1, finding.StatusNotApplicable
	}
	if err := h.Fleet.Host(h.Writer, h.key, n); err != nil {
		return err
	}
	return h.Say(finding.Result{Check: archiveCheck, Status: status, Severity: finding.SeverityInformational, Actual: actual})
}

// long is a duration as a sentence has it.
func long(nanoseconds int64) string {
	d := time.Duration(max(nanoseconds, 0))
	if d < 48*time.Hour {
		return d.Round(time.Minute).String()
	}
	return fmt.Sprintf("%d days", int(math.Round(d.Hours()/24)))
}
