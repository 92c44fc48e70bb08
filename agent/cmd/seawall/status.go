package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/facts"
	"seawall/agent/report"
	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/wire"
)

// status is what is known of the sensor from outside.
type status struct {
	Running   bool               `json:"running"` // a fresh heartbeat
	Age       float64            `json:"heartbeat_age_seconds"`
	Time      time.Time          `json:"heartbeat_time"`
	Heartbeat *finding.Heartbeat `json:"heartbeat"`
	Spool     []laneStatus       `json:"spool"`
	Kernel    any                `json:"kernel_audit"`
}

type laneStatus struct {
	Lane   string `json:"lane"`
	Oldest uint64 `json:"oldest"`
	Newest uint64 `json:"newest"` // durable
}

func (p *program) newStatusCommand() *cobra.Command {
	var s settings
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how the sensor does",
		Long: `Status reads the sensor's last heartbeat from the spool and asks the kernel about
audit. The sensor counts as running when the heartbeat is younger than three of its
intervals.

Exit status:
  0  the sensor runs
  1  it does not
  2  its state could not be read`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.load(p, cmd)
			if err != nil {
				return err
			}
			st, err := readStatus(cmd.Context(), c.SpoolDir, 3*c.HeartbeatInterval)
			if err != nil {
				return err
			}
			if format == "json" {
				err = report.JSON(p.stdout, st)
			} else {
				err = p.printStatus(st)
			}
			if err == nil && !st.Running {
				err = &exitError{code: exitFindings}
			}
			return err
		},
	}
	s.addFile(cmd)
	s.addFlags(cmd, "spool_dir", "heartbeat_interval")
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func readStatus(ctx context.Context, dir string, fresh time.Duration) (*status, error) {
	st := &status{}
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
		age := time.Since(st.Time)
		st.Age = age.Seconds()
		st.Running = age < fresh
	}
	h := host{root: "/"}
	env, err := h.env()
	if err != nil {
		return nil, err
	}
	st.Kernel = facts.NewReader(env).Read(ctx, "audit").Audit.Kernel
	return st, nil
}

// readLane notes what a lane holds and, of the health lane, the last heartbeat.
func (st *status) readLane(dir, lane string) error {
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
	st.Spool = append(st.Spool, laneStatus{lane, oldest.Seq, newest.Seq})
	if lane != laneHealth || newest.Seq == 0 {
		return nil
	}
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

func (p *program) printStatus(st *status) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, text.Terminal(fmt.Sprintf(format, args...)))
	}
	switch {
	case st.Running:
		row("sensor", "running, last heartbeat %s ago", time.Duration(st.Age)*time.Second)
	case st.Heartbeat != nil:
		row("sensor", "not running: last heartbeat %s ago (%s)", time.Duration(st.Age)*time.Second, st.Time.Format(time.RFC3339))
	default:
		row("sensor", "no heartbeat in the spool")
	}
	if h := st.Heartbeat; h != nil {
		c := h.Counter
		row("version", "%s", h.Host.AgentVersion)
		row("up", "%s, %.1f s CPU, %d MiB", time.Duration(c.UptimeSeconds)*time.Second, c.CPUSeconds, c.RSSBytes>>20)
		row("audit", "%s", strings.TrimSuffix(c.AuditMode+": "+c.AuditReason, ": "))
		row("records", "%d read, %d events, %d of files that checks depend on", c.Records, c.Events, c.EventsMatched)
		row("lost", "%d by the kernel, %d overruns, %d serials never seen", c.KernelLost, c.Overruns, c.SerialGaps)
		row("checks", "%d evaluations, %d changes", c.Evaluations, c.Changes)
		row("spool", "%d bytes, %d records evicted", c.SpoolBytes, c.SpoolEvicted)
	}
	for _, l := range st.Spool {
		row("lane "+l.Lane, "records %d to %d", l.Oldest, l.Newest)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return report.Facts(p.stdout, "kernel audit", st.Kernel, p.options())
}
