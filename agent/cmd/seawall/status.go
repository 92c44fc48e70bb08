package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/facts"
	"seawall/agent/history"
	"seawall/agent/report"
)

// status is what is known of the sensor, and of the kernel that it reads from.
type status struct {
	*history.Status
	Kernel any `json:"kernel_audit"`
}

// newStatusCommand knows of the sensor only what its heartbeats say: there is no
// socket to ask it by, and nothing that a user could ask it for.
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
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.load(p, cmd)
			if err != nil {
				return err
			}
			st := status{}
			if st.Status, err = history.ReadStatus(c.SpoolDir, time.Now(), 3*c.HeartbeatInterval); err != nil {
				return spoolError(err)
			}
			if st.Kernel, err = kernelAudit(cmd.Context()); err != nil {
				return err
			}
			if format == "json" {
				err = report.JSON(p.stdout, st)
			} else {
				err = errors.Join(st.Print(p.stdout), report.Facts(p.stdout, "kernel audit", st.Kernel, p.options()))
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

// kernelAudit asks this host's kernel.
func kernelAudit(ctx context.Context) (any, error) {
	h := host{root: "/"}
	env, err := h.env()
	if err != nil {
		return nil, err
	}
	return facts.NewReader(env).Read(ctx, "audit").Audit.Kernel, nil
}
