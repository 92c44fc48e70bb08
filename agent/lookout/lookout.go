// Package lookout is the commands that systemd starts for a sensor that asks at a socket: a
// process that may see what the sensor may not, looks once, writes one JSON object to
// whoever connected, and ends. They read no input. What a look is and what becomes of it
// say packages restart, exposure and holder.
//
// Two sockets start seawall-restarts@.service, since both questions need the same right to
// look at others' processes. At which of them somebody asked says the connection itself.
package lookout

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/ask"
	"seawall/agent/facts/exposure"
	"seawall/agent/facts/exposure/holder"
	"seawall/agent/facts/restart"
	"seawall/agent/usage"
	"seawall/pkg/hostfs"
)

// Restarts returns the command that tells who runs replaced files, or holds sockets; people
// use "seawall facts restart".
func Restarts(stdout io.Writer) *cobra.Command {
	return command("restarts", "which processes run replaced files",
		`Restarts looks at all processes and writes one JSON object for the sensor, which
may not look itself. It reads no input. People use "seawall facts restart".`,
		func(ctx context.Context) error {
			if asked(stdout) == holder.Socket {
				return ask.Serve(ctx, stdout, holder.Look)
			}
			return restart.Serve(ctx, stdout)
		})
}

// Network returns its like for the network, with the running values of settings, keys being
// their names; people use "seawall facts firewall" and "seawall facts sockets".
func Network(stdout io.Writer, keys []string) *cobra.Command {
	return command("network", "what the network lets in",
		`Network looks at the packet filters and at the sockets that wait for others, and
writes one JSON object for the sensor, which may not look itself. It reads no input.
People use "seawall facts firewall" and "seawall facts sockets".`,
		func(ctx context.Context) error {
			root, err := hostfs.Running()
			if err != nil {
				return err
			}
			return exposure.Serve(ctx, stdout, root, keys)
		})
}

func command(name, what, long string, look func(context.Context) error) *cobra.Command {
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

// asked returns the name of the socket at which a connection was made that is written to,
// or "".
func asked(w io.Writer) string {
	file, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return ""
	}
	address, err := unix.Getsockname(int(file.Fd()))
	if at, ok := address.(*unix.SockaddrUnix); ok && err == nil {
		return at.Name
	}
	return ""
}
