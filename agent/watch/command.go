package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/config/flags"
	"seawall/agent/console"
	"seawall/agent/look"
	"seawall/agent/spool"
	"seawall/agent/usage"
	"seawall/pkg/finding"
	"seawall/pkg/redact"
)

// The lanes that are followed.
const (
	posture    = "posture"
	detections = "detections"
)

// Spool is how the spool is read, and a change of a result printed.
type Spool struct {
	// Follow calls fn with each record of a lane, from the oldest on or from now on.
	Follow func(ctx context.Context, dir, lane string, fromOldest bool, fn func(spool.Record) error) error
	// Record is a record as JSON has it.
	Record func(lane string, rec spool.Record) any
	// Change prints a result that changed.
	Change func(io.Writer, time.Time, finding.Change, look.Options) error
	// Hint adds to an error what it may come from.
	Hint func(error) error
}

// program is the surroundings of the command.
type program struct {
	*console.Console
	spool Spool
}

// view is what somebody wants to see.
type view struct {
	detections, changes, raw bool
	all                      bool
	format                   string
	json                     bool
}

// Command returns the command watch.
func Command(c *console.Console, from Spool) *cobra.Command {
	p := &program{c, from}
	var s flags.Flags
	var v view
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print what changes on this host, as it happens",
		Long: `Watch follows the sensor's spool, without disturbing it, and prints each result that
changes and each detection: what it is now, what it was, where it stands and who did
it. It ends with Ctrl-C. A detection that goes on is printed again when it grew.

With --changes or --raw it listens to kernel audit instead, beside the sensor and
auditd, and prints each change of a file with who made it, or every event. That needs
root, or the capability AUDIT_READ. It shows what kernel audit reports at present and
adds no rule: without one for a file nothing is seen of it.

Secrets in command lines are hidden. With --format json each record or event is one
line.`,
		Example: `  seawall watch
  seawall watch --detections --all --format json
  sudo seawall watch --changes`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.Load(cmd, p.Environ)
			if err != nil {
				return err
			}
			if v.json {
				v.format = "json"
			}
			return p.watch(cmd, c, v)
		},
	}
	s.Add(cmd, "spool_dir", "redact_words")
	usage.AddFormat(cmd, &v.format, "text", "json")
	cmd.Flags().BoolVar(&v.json, "json", false, "the same as --format json")
	cmd.Flags().BoolVar(&v.all, "all", false, "begin with the oldest record that the spool holds")
	cmd.Flags().BoolVar(&v.detections, "detections", false, "detections alone")
	cmd.Flags().BoolVar(&v.changes, "changes", false, "changes of files, from kernel audit")
	cmd.Flags().BoolVar(&v.raw, "raw", false, "every event of kernel audit")
	return cmd
}

// watch prints until it is told to end, which is no error.
func (p *program) watch(cmd *cobra.Command, c config.Config, v view) error {
	kernel := v.changes || v.raw
	if v.changes && v.raw || kernel && v.detections {
		return errors.New("--detections, --changes and --raw are three things to watch: choose one")
	}
	if kernel && v.all {
		return errors.New("--all is about the spool: kernel audit keeps nothing of what was")
	}
	if v.format == "text" && p.Terminal {
		fmt.Fprintln(p.Stderr, "watching; Ctrl-C ends it")
	}
	if kernel {
		return p.listen(cmd.Context(), v, redact.New(c.RedactWords...))
	}
	return p.follow(cmd.Context(), c.SpoolDir, v)
}
