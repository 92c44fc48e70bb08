package main

import (
	"github.com/spf13/cobra"

	"seawall/agent/facts/restart"
	"seawall/agent/usage"
)

// newRestartsCommand is what systemd starts for a sensor that asks; people use
// "seawall facts restart".
func (p *program) newRestartsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restarts --scan",
		Short: "Tell the sensor which processes run replaced files",
		Long: `Restarts looks at all processes and writes one JSON object for the sensor, which
may not look itself. It reads no input. People use "seawall facts restart".`,
		Hidden: true,
		Args:   usage.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return restart.Serve(cmd.Context(), p.Stdout) },
	}
	cmd.Flags().Bool("scan", false, "look at all processes once")
	cmd.MarkFlagsOneRequired("scan")
	return cmd
}
