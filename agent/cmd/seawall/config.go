package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/facts"
	"seawall/agent/policy/checks"
	"seawall/agent/usage"
)

// settings holds the configuration's flags.
type settings struct {
	file  string
	flags map[string]*string
}

// addFile adds --config.
func (s *settings) addFile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.file, "config", config.DefaultPath, "configuration file")
}

// addFlags adds a flag for each of the named settings, for all when none is named.
func (s *settings) addFlags(cmd *cobra.Command, names ...string) {
	def := config.Default()
	s.flags = map[string]*string{}
	for _, set := range config.Settings() {
		if len(names) == 0 || slices.Contains(names, set.Name) {
			s.flags[set.Flag()] = cmd.Flags().String(set.Flag(), set.Value(&def), set.Help)
		}
	}
}

// load reads the configuration. The file may be missing unless it was asked for.
func (s *settings) load(p *program, cmd *cobra.Command) (config.Config, error) {
	given := map[string]string{}
	for name, value := range s.flags {
		if cmd.Flags().Changed(name) {
			given[name] = *value
		}
	}
	return config.Load(config.Sources{
		File: s.file, Optional: !cmd.Flags().Changed("config"), Environ: p.environ, Flags: given,
	})
}

// newCheckConfigCommand prints all problems at once, those of the checks too, so
// that one round of repair is enough.
func (p *program) newCheckConfigCommand() *cobra.Command {
	var s settings
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
			c, err := s.load(p, cmd)
			pol, checksErr := checks.Load(facts.Facts{}, c.ChecksDir)
			if err := errors.Join(err, checksErr); err != nil {
				return err
			}
			for _, set := range config.Settings() {
				fmt.Fprintf(p.stdout, "%s: %s\n", set.Name, set.Value(&c))
			}
			fmt.Fprintf(p.stdout, "# %d checks\n", len(pol.Checks()))
			return nil
		},
	}
	s.addFile(cmd)
	s.addFlags(cmd)
	return cmd
}
