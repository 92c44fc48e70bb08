package host

import (
	"fmt"
	"math"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/host/timeline"
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

// tell appends an event to the timeline.
func (h *Host) tell(n timeline.Name, e fleet.Event, body []byte) error {
	e.Host, e.HostName, e.Received = h.id, h.name, h.Now
	h.changed = true
	h.Fleet.Change()
	h.events = append(h.events, e)
	return h.line.Add(timeline.Row{Name: n, Host: h.key, Newest: &h.newest, Events: &h.events, At: len(h.events) - 1, Body: body})
}

// Say appends what the collector itself found.
func (h *Host) Say(r finding.Result) error { return h.say(timeline.Name{}, r) }

func (h *Host) say(n timeline.Name, r finding.Result) error {
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
	return h.say(timeline.Name{Lane: l.Lane, Epoch: l.Epoch, Sequence: l.From, Ordinal: ordinalLost}, finding.Result{
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
