package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/config/flags"
	"seawall/agent/facts"
	"seawall/agent/policy/checks"
	"seawall/agent/usage"
)

// newCheckConfigCommand prints all problems at once, those of the checks too, so
// that one round of repair is enough.
func (p *program) newCheckConfigCommand() *cobra.Command {
	var s flags.Flags
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Check the configuration and your own checks",
		Long: `Check-config reads the sensor's configuration and the checks that it names as the
sensor would, prints every problem with its place, and what is in force.

Each setting comes from the last of these that gives one: the default, the file,
the environment (SEAWALL_ and the name in capitals), the command line.

Exit status:
  0  the sensor would start with it
  2  it would not`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.Load(cmd, p.Environ)
			pol, checksErr := checks.Load(facts.Facts{}, c.ChecksDir)
			if err := errors.Join(err, checksErr); err != nil {
				return err
			}
			for _, set := range config.Settings() {
				fmt.Fprintf(p.Stdout, "%s: %s\n", set.Name, set.Value(&c))
			}
			fmt.Fprintf(p.Stdout, "# %d checks\n", len(pol.Checks()))
			return nil
		},
	}
	s.Add(cmd)
	return cmd
}
