// Package usage gives cobra commands the manners of Seawall's: a wrong argument,
// flag or name is an error that says what is wanted, with the nearest name where
// there is one, and never a page of help.
package usage

import (
	"fmt"

	"github.com/spf13/cobra"

	"seawall/agent/near"
)

// NoArgs refuses arguments, by what they would have to be: a command's name where
// the command has others below it.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var below []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			below = append(below, c.Name())
		}
	}
	if below != nil {
		return near.Unknown("command", args[0], below)
	}
	return fmt.Errorf("%s takes no arguments, not %q", cmd.CommandPath(), args[0])
}

// One demands exactly one argument, described by what.
func One(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s wants one argument, %s, not %d", cmd.CommandPath(), what, len(args))
		}
		return nil
	}
}

// Optional allows one argument, described by what.
func Optional(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return One(what)(cmd, args)
		}
		return nil
	}
}

// pointToHelp says where the flags are explained.
func pointToHelp(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())
}

// newHelpCommand is cobra's, but a name that is none is an error.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Explain a command",
		Long:  `Help prints what a command does, its flags and its exit statuses.`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var words []string
			if c, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range c.Commands() {
					if sub.IsAvailableCommand() {
						words = append(words, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				if c == nil || len(rest) == 0 {
					c, rest = cmd.Root(), args
				}
				return NoArgs(c, rest)
			}
			c.InitDefaultHelpFlag()
			c.InitDefaultVersionFlag()
			return c.Help()
		},
	}
}

// Finish gives the commands that cobra adds itself the manners of the others.
func Finish(root *cobra.Command) {
	root.SetFlagErrorFunc(pointToHelp)
	root.SetHelpCommand(newHelpCommand())
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args = NoArgs
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}
