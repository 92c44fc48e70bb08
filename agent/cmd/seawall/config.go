package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/config/flags"
	"seawall/agent/facts"
	"seawall/agent/replay"
	"seawall/agent/standard"
	"seawall/agent/usage"
)

// newCheckConfigCommand prints all problems at once, those of the checks too, so
// that one round of repair is enough.
func (p *program) newCheckConfigCommand() *cobra.Command {
	var s flags.Flags
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Check the configuration, your own checks and waivers",
		Long: `Check-config reads the sensor's configuration, and the checks and waivers that it
names, as the sensor would, prints every problem with its place, and what is in force.
A detection with a fault is said too, and left out by the sensor, which starts.

Each setting comes from the last of these that gives one: the default, the file,
the environment (SEAWALL_ and the name in capitals), the command line.

Exit status:
  0  the sensor would start with it
  2  it would not`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.Load(cmd, p.Environ)
			held, standardErr := standard.Load(facts.Facts{}, c, time.Now())
			if err := errors.Join(err, standardErr); err != nil {
				return err
			}
			for _, set := range config.Settings() {
				fmt.Fprintf(p.Stdout, "%s: %s\n", set.Name, set.Value(&c))
			}
			fmt.Fprintf(p.Stdout, "# %d checks\n", len(held.Policy.Checks()))
			_, count, problem := replay.Compile(c.DetectionsDir, c.AllowFile)
			fmt.Fprintf(p.Stdout, "# %d detections\n", count)
			if problem != nil {
				p.Complain(problem)
			}
			return nil
		},
	}
	s.Add(cmd)
	return cmd
}
