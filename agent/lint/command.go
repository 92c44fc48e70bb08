package lint

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"seawall/agent/console"
	"seawall/agent/policy"
)

// Rules is what knows files of detections.
type Rules struct {
	// Is reports whether a file is one.
	Is func(data []byte) bool
	// Lint checks files, prints what is wrong, and returns the exit status.
	Lint func(w io.Writer, files []policy.Source) (int, error)
}

// Command returns the command lint, for whoever writes checks or detections: it touches
// no host. Shape is the type of facts.
func Command(c *console.Console, shape any, rules Rules) *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check files of your own checks or detections, and run their examples",
		Long: `Lint reads files of checks, or directories of them, as loading does: every key is
known, every expression is of the right type, every check, parameter, profile that
is spoken of exists. Then it runs the examples that the checks carry: facts in,
verdict out. Each line of its output has file, line and column.

Files of detections, in Sigma's format, are told by their key detection or
correlation. They are read and compiled beside our own, and their examples are run:
an event, records, or a capture in, and whether the rule fires. Allow lists are
told by their key allow, and read beside our rules and those of the host.

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
			sources, err := Read(args...)
			if err != nil {
				return err
			}
			return run(c, shape, rules, sources)
		},
	}
}

// run takes files of rules and of checks apart, and each kind to whoever knows it.
func run(c *console.Console, shape any, rules Rules, sources []policy.Source) error {
	var checks, files []policy.Source
	for _, s := range sources {
		if rules.Is(s.Data) {
			files = append(files, s)
		} else {
			checks = append(checks, s)
		}
	}
	code := 0
	if len(files) > 0 {
		var err error
		if code, err = rules.Lint(c.Stdout, files); err != nil {
			return err
		}
	}
	if len(checks) > 0 || len(files) == 0 {
		report, err := Files(shape, checks...)
		if err != nil {
			return err
		}
		more, err := report.Print(c.Stdout, "checks")
		if err != nil {
			return err
		}
		code = max(code, more)
	}
	return console.Exit(code)
}
