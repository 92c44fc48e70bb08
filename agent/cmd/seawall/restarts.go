package main

import (
	"context"

	"github.com/spf13/cobra"

	"seawall/agent/facts/exposure"
	"seawall/agent/facts/kernel"
	"seawall/agent/facts/restart"
	"seawall/agent/usage"
)

// newRestartsCommand is what systemd starts for a sensor that asks; people use
// "seawall facts restart".
func (p *program) newRestartsCommand() *cobra.Command {
	return newScanCommand("restarts", "which processes run replaced files",
		`Restarts looks at all processes and writes one JSON object for the sensor, which
may not look itself. It reads no input. People use "seawall facts restart".`,
		func(ctx context.Context) error { return restart.Serve(ctx, p.Stdout) })
}

// newNetworkCommand is its like for the network; people use "seawall facts firewall"
// and "seawall facts sockets".
func (p *program) newNetworkCommand() *cobra.Command {
	return newScanCommand("network", "what the network lets in",
		`Network looks at the packet filters and at the sockets that wait for others, and
writes one JSON object for the sensor, which may not look itself. It reads no input.
People use "seawall facts firewall" and "seawall facts sockets".`,
		func(ctx context.Context) error { return exposure.Serve(ctx, p.Stdout, kernel.Keys()) })
}

func newScanCommand(name, what, long string, look func(context.Context) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:    name + " --scan",
		Short:  "Tell the sensor " + what,
		Long:   long,
		Hidden: true,
		Args:   usage.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return look(cmd.Context()) },
	}
	cmd.Flags().Bool("scan", false, "look once")
	cmd.MarkFlagsOneRequired("scan")
	return cmd
}
