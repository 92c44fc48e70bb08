package console

import (
	"fmt"

	"github.com/spf13/cobra"

	"seawall/agent/look"
	"seawall/agent/usage"
	"seawall/pkg/service"
)

// Version returns the command version.
func Version(c *Console) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  `Version prints the version and from what the program was built.`,
		Args:  usage.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := service.ReadBuild()
			if format == "json" {
				return look.JSON(c.Stdout, b)
			}
			fmt.Fprintf(c.Stdout, "seawall %s\n", b.Version)
			if b.Revision != "" {
				fmt.Fprintf(c.Stdout, "revision %s of %s\n", b.Revision, b.Time)
			}
			if b.Modified {
				fmt.Fprintln(c.Stdout, "built from files that were changed after that")
			}
			fmt.Fprintf(c.Stdout, "%s %s\n", b.Go, b.Platform)
			return nil
		},
	}
	usage.AddFormat(cmd, &format, "text", "json")
	return cmd
}
