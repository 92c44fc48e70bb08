package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"seawall/agent/report"
	"seawall/agent/usage"
	"seawall/pkg/service"
)

func (p *program) newVersionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  `Version prints the version and from what the program was built.`,
		Args:  usage.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := service.ReadBuild()
			if format == "json" {
				return report.JSON(p.Stdout, b)
			}
			fmt.Fprintf(p.Stdout, "seawall %s\n", b.Version)
			if b.Revision != "" {
				fmt.Fprintf(p.Stdout, "revision %s of %s\n", b.Revision, b.Time)
			}
			if b.Modified {
				fmt.Fprintln(p.Stdout, "built from files that were changed after that")
			}
			fmt.Fprintf(p.Stdout, "%s %s\n", b.Go, b.Platform)
			return nil
		},
	}
	usage.AddFormat(cmd, &format, "text", "json")
	return cmd
}
