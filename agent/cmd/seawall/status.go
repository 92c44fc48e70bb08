package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/config/flags"
	"seawall/agent/console"
	"seawall/agent/facts"
	"seawall/agent/facts/audit"
	"seawall/agent/facts/fact"
	"seawall/agent/history"
	"seawall/agent/report"
	"seawall/agent/usage"
	"seawall/pkg/text"
	"seawall/pkg/unitbus"
)

// status is what is known of the sensor, and of the kernel that it reads from.
type status struct {
	*history.Status
	Kernel audit.Kernel `json:"kernel_audit"`
}

// newStatusCommand knows of the sensor only what its heartbeats say: there is no
// socket to ask it by, and nothing that a user could ask it for.
func (p *program) newStatusCommand() *cobra.Command {
	var s flags.Flags
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
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.Load(cmd, p.Environ)
			service := sensorService(cmd.Context(), c)
			if err != nil {
				if service != "" {
					fmt.Fprintf(p.Stdout, "service  %s\n", text.Terminal(service))
				}
				return err
			}
			st := status{}
			if st.Status, err = history.ReadStatus(c.SpoolDir, time.Now(), 3*c.HeartbeatInterval); err != nil {
				return history.Hint(err)
			}
			st.Service = service
			st.Kernel = kernelAudit(cmd.Context())
			if format == "json" {
				err = report.JSON(p.Stdout, st)
			} else {
				err = errors.Join(st.Print(p.Stdout), report.Kernel(p.Stdout, st.Kernel))
			}
			if err == nil && !st.Running {
				err = console.Exit(console.Findings)
			}
			return err
		},
	}
	s.Add(cmd, "spool_dir", "heartbeat_interval")
	usage.AddFormat(cmd, &format, "text", "json")
	return cmd
}

// sensorService asks systemd for the sensor, unless another's spool is looked at.
func sensorService(ctx context.Context, c config.Config) string {
	if def := config.Default(); c.SpoolDir != def.SpoolDir {
		return ""
	}
	return unitbus.Describe(ctx, "seawall-sensor.service")
}

// kernelAudit asks this host's kernel. What it does not answer is in the result.
func kernelAudit(ctx context.Context) audit.Kernel {
	return facts.NewReader(fact.Env{Now: time.Now}).Read(ctx, "audit").Audit.Kernel
}
