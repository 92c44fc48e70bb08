// Package usage is how the help of seawall-collector is laid out: its commands by what
// people come for, and the collector's settings in the help of the program alone. Each
// command takes them all, since each reads the same configuration; printed with each,
// they would hide the two or three options that are its own.
package usage

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// group is a part of the list of commands.
type group struct {
	title    string
	commands []string
}

func groups() []group {
	return []group{
		{"The collector", []string{"setup", "run", "status", "check-config", "notify", "version", "completion", "help"}},
		{"Hosts", []string{"bootstrap", "token", "host", "hosts", "tag", "ca"}},
		{"Findings", []string{"findings", "waive", "export", "exports"}},
		{"People", []string{"user", "apitoken", "reset-password", "trail"}},
		{"What is kept", []string{"retention", "forget", "backup", "restore", "migrate"}},
	}
}

// of returns the title of the group that a command is in, empty for none.
func of(name string) string {
	for _, g := range groups() {
		if slices.Contains(g.commands, name) {
			return g.title
		}
	}
	return ""
}

const (
	all     = "Global Flags:\n{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}"
	pointer = "Each setting of the collector is an option here, too, as --config, --state-dir or --store:\n{{.Root.CommandPath}} --help{{end}}"
)

// Arrange lays out the help of a program and of its commands, all of which it must have
// by now.
func Arrange(root *cobra.Command) {
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
	}
	for _, c := range root.Commands() {
		c.GroupID = of(c.Name())
	}
	root.SetHelpCommandGroupID(of("help"))
	root.SetCompletionCommandGroupID(of("completion"))
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), all, pointer, 1))
}
