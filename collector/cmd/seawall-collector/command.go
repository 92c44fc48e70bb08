package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"seawall/collector/backup"
	"seawall/collector/bootstrap"
	"seawall/collector/config"
	"seawall/collector/console"
	"seawall/collector/console/usage"
	deliver "seawall/collector/notify"
	"seawall/pkg/service"
)

func newCommand(stdout, stderr io.Writer) *cobra.Command {
	var c config.Config
	root := &cobra.Command{
		Use:   "seawall-collector",
		Short: "Take, keep and show what Seawall's hosts find",
		Long: `seawall-collector takes the findings of hosts over gRPC, keeps them in a
database, a file of its own or PostgreSQL, and shows them on a dashboard.

Each option can stand in the configuration file (dashes become underscores), in
the environment (SEAWALL_COLLECTOR_ and the name in capitals) and on the command
line; the later wins.`,
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.Load(cmd.Root().PersistentFlags()) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), c, stdout, stderr) },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return config.Error{Err: err} })
	c.Register(root.PersistentFlags())
	sub := func(use, short string, run func(*cobra.Command) error) {
		root.AddCommand(&cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd) }})
	}
	sub("run", "Run the collector (the default)", func(cmd *cobra.Command) error {
		return serve(cmd.Context(), c, stdout, stderr)
	})
	sub("check-config", "Check the configuration and exit", func(*cobra.Command) error {
		fmt.Fprintln(stdout, "configuration is valid")
		return nil
	})
	sub("status", "Say how to reach the collector and whether it works", func(cmd *cobra.Command) error {
		return printStatus(cmd.Context(), c, stdout)
	})
	root.AddCommand(&cobra.Command{Use: "reset-password", Short: "Give the administrator a new password (stop the collector first)",
		Long: `Give the user that --admin names a new password, make it an admin and let it sign in
again. The password is printed, or with --password-file written to a file. Stop the
collector first.`,
		Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return resetPassword(cmd, c, stdout, stderr) }})
	version := &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		// The version needs no valid configuration.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(stdout, "seawall-collector", service.ReadBuild().Version)
			return nil
		}}
	root.AddCommand(version, setupCommand(&c, stdout), deliver.Command(stdout, stderr, func(err error) error { return config.Error{Err: err} }))
	root.AddCommand(console.Console{
		Folder: func() string { return c.StateDir }, Host: func() (bootstrap.Host, error) { return c.Host() },
		Stdin: os.Stdin, Stdout: stdout, Stderr: stderr,
	}.Commands()...)
	root.AddCommand(backup.Console{
		Place:   func() backup.Place { return backup.Place{Store: c.Database(), StateDir: c.StateDir} },
		Version: service.ReadBuild().Version, Stdout: stdout,
	}.Commands()...)
	usage.Arrange(root)
	return root
}
