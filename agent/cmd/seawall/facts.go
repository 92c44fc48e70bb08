package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"seawall/agent/console"
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/sshd"
	"seawall/agent/near"
	"seawall/agent/report"
	"seawall/agent/usage"
)

// newFactsCommand shows what checks judge: the names in its output are those that
// rules are written in.
func (p *program) newFactsCommand() *cobra.Command {
	var h host
	var format, connection string
	cmd := &cobra.Command{
		Use:   "facts [" + strings.Join(facts.Groups(), "|") + "]",
		Short: "Print what is known of this host, with file and line",
		Long: `Facts prints what the readers found, before any check judges it. The names are
those that checks use. With --format json it is one object.

With --connection, facts sshd prints the settings that hold for one connection,
given as sshd's option -C takes it. As JSON (the default here) it is an object of
keywords in lower case:

  {"port": {"value": "22", "file": "/etc/ssh/sshd_config", "line": 12}, …}

The value is a list where the keyword repeats. Without file and line it is the
default. A configuration that sshd refuses gives {"error": …}.

Exit status:
  0  the facts were read
  2  something is broken, such as a configuration that sshd refuses`,
		Example: `  seawall facts audit
  seawall facts --format json
  seawall facts sshd --connection user=root,addr=203.0.113.9`,
		Args:      usage.Optional("a group of facts"),
		ValidArgs: facts.Groups(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if connection == "" {
				return p.facts(cmd.Context(), h, format, args)
			}
			if len(args) == 0 || args[0] != "sshd" {
				return errors.New("--connection belongs to: seawall facts sshd")
			}
			return p.connection(cmd.Context(), h, connection, format == "text" && cmd.Flags().Changed("format"))
		},
	}
	h.addRoot(cmd)
	usage.AddFormat(cmd, &format, "text", "json")
	cmd.Flags().StringVar(&connection, "connection", "", "settings of one connection, such as user=root,addr=203.0.113.9")
	return cmd
}

// facts prints one group or all. What could not be known is in the output; only
// what is broken ends with an error.
func (p *program) facts(ctx context.Context, h host, format string, args []string) error {
	if len(args) == 1 && !slices.Contains(facts.Groups(), args[0]) {
		return near.Unknown("group of facts", args[0], facts.Groups())
	}
	env, err := h.env()
	if err != nil {
		return err
	}
	f := facts.NewReader(env).Read(ctx, args...)
	groups := facts.Groups()
	if len(args) == 1 {
		groups = args
	}
	switch {
	case format == "json" && len(args) == 1:
		err = report.JSON(p.Stdout, f.Group(args[0]))
	case format == "json":
		err = report.JSON(p.Stdout, f)
	default:
		for _, g := range groups {
			err = errors.Join(err, report.Facts(p.Stdout, g, f.Group(g), p.Options()))
		}
	}
	if err != nil {
		return err
	}
	for _, g := range groups {
		if f.Meta(g).State == fact.StateError {
			return console.Exit(console.Problem)
		}
	}
	return nil
}

// connection prints what holds for one connection, as JSON unless people asked for
// text. A program gets an error as JSON too, where it expects the answer.
func (p *program) connection(ctx context.Context, h host, spec string, people bool) error {
	env, err := h.env()
	if err != nil {
		return err
	}
	settings, err := sshd.AskConnection(ctx, env, spec)
	if err != nil {
		if people { // sshd says one thing to a line
			return errors.New(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
		}
		return errors.Join(console.Exit(console.Problem), report.JSON(p.Stdout, map[string]string{"error": err.Error()}))
	}
	if people {
		return report.Facts(p.Stdout, "sshd", settings, p.Options())
	}
	return report.Settings(p.Stdout, settings)
}
