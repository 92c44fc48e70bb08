package main

import (
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config/flags"
	"seawall/agent/facts"
	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/agent/policy/format"
	"seawall/agent/report/sheet"
	"seawall/agent/standard"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// host holds the flags of commands that look at a host.
type host struct {
	root    string
	flags   flags.Flags
	environ []string
	// watch says on the terminal how far reading is, where it is not nil.
	watch func(what string, all int, left func() []string) (stop func())
}

func (h *host) addRoot(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.root, "root", "/", "look at the host below this directory, such as a mounted image")
}

// addStandard adds the flags that say what the host is held to. What they do not
// say is the sensor's configuration.
func (h *host) addStandard(cmd *cobra.Command) {
	h.flags.Add(cmd, "spool_dir", "checks_dir", "waivers_dir", "tags_file", "profile")
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

// describe says whose facts they are.
func (h *host) describe(env fact.Env, f *facts.Facts) sheet.Host {
	s := &f.System
	d := sheet.Host{OS: s.Name, OSID: s.ID, OSVersion: s.VersionID, Root: text.Clean(h.root, text.Limit)}
	name, kernel := "/etc/hostname", ""
	if env.Root.Live() {
		d.Arch = runtime.GOARCH
		name, kernel = "/proc/sys/kernel/hostname", "/proc/sys/kernel/osrelease"
	}
	read := func(name string) string {
		b, err := env.Root.ReadFile(name, 4096)
		if name == "" || err != nil {
			return "" // a report can do without
		}
		return text.Clean(strings.TrimSpace(string(b)), 255)
	}
	d.Name, d.Kernel = read(name), read(kernel)
	return d
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
