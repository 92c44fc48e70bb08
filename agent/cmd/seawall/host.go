package main

import (
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// host holds the flags of commands that look at a host.
type host struct {
	root   string
	checks string
}

func (h *host) addRoot(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.root, "root", "/", "look at the host below this directory, such as a mounted image")
}

func (h *host) addChecks(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.checks, "checks", config.Default().ChecksDir, "directory of your own checks")
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
