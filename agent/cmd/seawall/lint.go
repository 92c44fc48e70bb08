package main

import (
	"errors"

	"github.com/spf13/cobra"

	"seawall/agent/console"
	"seawall/agent/facts"
	"seawall/agent/lint"
)

// newLintCommand is for whoever writes checks: it touches no host.
func (p *program) newLintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check files of your own checks, and run their examples",
		Long: `Lint reads files of checks, or directories of them, as loading does: every key is
known, every expression is of the right type, every check, parameter, profile that
is spoken of exists. Then it runs the examples that the checks carry: facts in,
verdict out. Each line of its output has file, line and column.

Exit status:
  0  all is well; a check without examples is a warning
  1  an example came out otherwise
  2  a file would not load, or could not be read`,
		Example: `  seawall lint /etc/seawall/checks.d
  seawall lint my-checks.yaml`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("seawall lint wants files of checks, such as /etc/seawall/checks.d")
			}
			sources, err := lint.Read(args...)
			if err != nil {
				return err
			}
			report, err := lint.Files(facts.Facts{}, sources...)
			if err != nil {
				return err
			}
			code, err := report.Print(p.Stdout)
			return errors.Join(err, console.Exit(code))
		},
	}
}
