package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"seawall/collector/console"
	"seawall/pkg/service"
)

func newCommand(stdout, stderr io.Writer) *cobra.Command {
	var c config
	root := &cobra.Command{
		Use:   "seawall-collector",
		Short: "Take, keep and show what Seawall's hosts find",
		Long: `seawall-collector takes the findings of hosts over gRPC, keeps them in a SQLite
database in its state folder, and shows them on a dashboard.

Each option can stand in the configuration file (dashes become underscores), in
the environment (SEAWALL_COLLECTOR_ and the name in capitals) and on the command
line; the later wins.`,
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.load(cmd.Root().PersistentFlags()) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), c, stdout, stderr) },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return configError{err} })
	c.register(root.PersistentFlags())
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
	sub("reset-password", "Give the administrator a new password (stop the collector first)", func(cmd *cobra.Command) error {
		return resetPassword(cmd, c, stdout, stderr)
	})
	version := &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		// The version needs no valid configuration.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(stdout, "seawall-collector", service.ReadBuild().Version)
			return nil
		}}
	root.AddCommand(version)
	root.AddCommand(console.Console{Folder: func() string { return c.StateDir }, Stdout: stdout, Stderr: stderr}.Commands()...)
	return root
}

// writeFile writes a whole file or nothing, durable.
func writeFile(name string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// connection is what connection.json holds: how to reach the collector.
type connection struct {
	Pin       string    `json:"pin"`
	Ingest    string    `json:"ingest"`
	Dashboard string    `json:"dashboard"`
	Version   string    `json:"version"`
	Started   time.Time `json:"started"`
}

func (c connection) write(folder string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(folder, connectionFile), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", connectionFile, err)
	}
	return nil
}
