package history

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"
	"time"

	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/wire"
)

// Status is what the spool says of the sensor.
type Status struct {
	Running   bool               `json:"running"` // a fresh heartbeat
	Age       float64            `json:"heartbeat_age_seconds"`
	Time      time.Time          `json:"heartbeat_time"`
	Heartbeat *finding.Heartbeat `json:"heartbeat"`
	Spool     []Lane             `json:"spool"`
	// Service is what systemd knows of the sensor's unit, for whoever asked it.
	Service string `json:"service,omitempty"`
}

// Lane is what a lane holds, by sequence.
type Lane struct {
	Name   string `json:"lane"`
	Oldest uint64 `json:"oldest"`
	Newest uint64 `json:"newest"` // durable
}

// ReadStatus reads the spool in dir. The sensor counts as running when its last
// heartbeat is younger than fresh. One that is as far ahead of now does not count
// either: the clock was set back since, and who knows when it was.
func ReadStatus(dir string, now time.Time, fresh time.Duration) (*Status, error) {
	st := &Status{}
	lanes, err := spool.Lanes(dir)
	if err != nil {
		return nil, err
	}
	for _, lane := range lanes {
		if err := st.readLane(dir, lane); err != nil {
			return nil, err
		}
	}
	if st.Heartbeat != nil {
		age := now.Sub(st.Time)
		st.Age = age.Seconds()
		st.Running = age.Abs() < fresh
	}
	return st, nil
}

// readLane notes what a lane holds and, of the health lane, the last heartbeat.
func (st *Status) readLane(dir, lane string) error {
	r, err := spool.OpenReader(dir, lane)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	oldest, newest, err := r.Bounds()
	if err != nil {
		return err
	}
	st.Spool = append(st.Spool, Lane{lane, oldest.Seq, newest.Seq})
	if lane != Health || newest.Seq == 0 {
		return nil
	}
	// The last record alone is wanted, and what comes while it is read.
	if _, err := r.Seek(spool.Position{Epoch: newest.Epoch, Seq: newest.Seq - 1}); err != nil {
		return err
	}
	for {
		rec, err := r.Next()
		if errors.Is(err, spool.ErrEmpty) {
			return nil
		}
		if err != nil {
			return err
		}
		if w, err := wire.Decode(rec.Payload); err == nil && w.Heartbeat != nil {
			st.Heartbeat, st.Time = w.Heartbeat, w.Time
		}
	}
}

// ago says how old the last heartbeat is, in whole seconds.
func (st *Status) ago() string {
	age := time.Duration(st.Age) * time.Second
	if age < 0 {
		return "is " + (-age).String() + " ahead of this clock"
	}
	return age.String() + " ago"
}

// Print writes the status for people, one fact to a line. What the heartbeat has
// from the host is escaped.
func (st *Status) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, text.Terminal(fmt.Sprintf(format, args...)))
	}
	switch {
	case st.Running:
		row("sensor", "running, last heartbeat %s", st.ago())
	case st.Heartbeat != nil && strings.HasPrefix(st.Service, "active"):
		row("sensor", "running, but writes nothing: last heartbeat %s (%s)", st.ago(), st.Time.Format(time.RFC3339))
	case st.Heartbeat != nil:
		row("sensor", "not running: last heartbeat %s (%s)", st.ago(), st.Time.Format(time.RFC3339))
	default:
		row("sensor", "no heartbeat in the spool")
	}
	if st.Service != "" {
		row("service", "%s", st.Service)
	}
	if h := st.Heartbeat; h != nil {
		c := h.Counter
		row("version", "%s", h.Host.AgentVersion)
		row("up", "%s, %.1f s CPU, %d MiB", time.Duration(c.UptimeSeconds)*time.Second, c.CPUSeconds, c.RSSBytes>>20)
		row("audit", "%s", strings.TrimSuffix(c.AuditMode+": "+c.AuditReason, ": "))
		row("records", "%d read, %d events, %d of files that checks depend on", c.Records, c.Events, c.EventsMatched)
		row("lost", "%d by the kernel, %d overruns, %d serials never seen, %d read from auditd's log", c.KernelLost, c.Overruns, c.SerialGaps, c.AuditFilled)
		row("detections", "%d at work, %d left out for a fault; %d matches, %d allowed, %d lost",
			c.DetectionRules, c.DetectionFaults, c.Detections, c.DetectionsSuppressed, c.DetectionsLost)
		row("checks", "%d evaluations, %d changes", c.Evaluations, c.Changes)
		row("spool", "%d bytes, %d records evicted, %d refused, %d damaged", c.SpoolBytes, c.SpoolEvicted, c.SpoolRefused, c.SpoolDamaged)
	}
	for _, l := range st.Spool {
		row("lane "+l.Name, "records %d to %d", l.Oldest, l.Newest)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}
