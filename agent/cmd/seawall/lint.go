package main

import (
	"errors"

	"github.com/spf13/cobra"

	"seawall/agent/console"
	"seawall/agent/detect/rules"
	"seawall/agent/facts"
	"seawall/agent/lint"
	"seawall/agent/policy"
	"seawall/agent/replay"
	"seawall/pkg/hostfs"
)

// newLintCommand is for whoever writes checks or detections: it touches no host.
func (p *program) newLintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check files of your own checks or detections, and run their examples",
		Long: `Lint reads files of checks, or directories of them, as loading does: every key is
known, every expression is of the right type, every check, parameter, profile that
is spoken of exists. Then it runs the examples that the checks carry: facts in,
verdict out. Each line of its output has file, line and column.

Files of detections, in Sigma's format, are told by their key detection or
correlation. They are read and compiled beside our own, and their examples are run:
an event, records, or a capture in, and whether the rule fires.

Exit status:
  0  all is well; a check or detection without examples is a warning
  1  an example came out otherwise
  2  a file would not load, or could not be read`,
		Example: `  seawall lint /etc/seawall/checks.d
  seawall lint my-checks.yaml
  seawall lint /etc/seawall/detections.d`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("seawall lint wants files of checks or detections, such as /etc/seawall/checks.d")
			}
			sources, err := lint.Read(args...)
			if err != nil {
				return err
			}
			return p.lint(sources)
		},
	}
}

// lint takes files of rules and of checks apart, and each kind to whoever knows it.
func (p *program) lint(sources []policy.Source) error {
	var (
		checks []policy.Source
		files  []replay.File
		code   int
	)
	for _, s := range sources {
		if replay.IsRules(s.Data) {
			files = append(files, replay.File{Name: s.Name, Data: s.Data})
		} else {
			checks = append(checks, s)
		}
	}
	if len(files) > 0 {
		own, err := rules.Own()
		if err != nil {
			return err
		}
		if code, err = replay.Lint(hostfs.Root{}, own, files).Print(p.Stdout); err != nil {
			return err
		}
	}
	if len(checks) > 0 || len(files) == 0 {
		report, err := lint.Files(facts.Facts{}, checks...)
		if err != nil {
			return err
		}
		more, err := report.Print(p.Stdout)
		if err != nil {
			return err
		}
		code = max(code, more)
	}
	return console.Exit(code)
}
