package main

import (
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config/flags"
	"seawall/agent/facts"
	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/agent/policy/format"
	"seawall/agent/standard"
	"seawall/pkg/hostfs"
)

// host holds the flags of commands that look at a host.
type host struct {
	root    string
	flags   flags.Flags
	environ []string
}

func (h *host) addRoot(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.root, "root", "/", "look at the host below this directory, such as a mounted image")
}

// addStandard adds the flags that say what the host is held to. What they do not
// say is the sensor's configuration.
func (h *host) addStandard(cmd *cobra.Command) {
	h.flags.Add(cmd, "checks_dir", "waivers_dir", "tags_file", "profile")
	names := cobra.FixedCompletions(append(format.Profiles(), format.All), cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("profile", names); err != nil {
		cmd.Long += "\n" + err.Error() // cannot be: the flag was added above
	}
}

// standard reads what the host is held to.
func (h *host) standard(cmd *cobra.Command) (*standard.Standard, error) {
	c, err := h.flags.LoadReadable(cmd, h.environ)
	if err != nil {
		return nil, err
	}
	return standard.Load(facts.Facts{}, c, time.Now())
}

// env opens the host. Commands and the kernel are asked about the running system
// alone.
func (h *host) env() (fact.Env, error) {
	root, err := hostfs.Open(h.root)
	if err != nil {
		return fact.Env{}, err
	}
	env := fact.Env{Root: root, Now: time.Now}
	if root.Live() {
		env.Command = &command.Runner{}
	}
	return env, nil
}
