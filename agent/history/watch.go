package history

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config/flags"
	"seawall/agent/spool"
	"seawall/agent/usage"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// newWatchCommand shows people what the collector will be told, before it is: it
// reads the same records as the uplink.
func (p *program) newWatchCommand() *cobra.Command {
	var s flags.Flags
	var format string
	var all bool
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print changes as the sensor finds them",
		Long: `Watch follows the sensor's spool, without disturbing it, and prints each result that
changes: what it is now, what it was, where it stands and who did it. It ends with
Ctrl-C.

With --format json each record is one line, as "seawall spool dump" has it.`,
		Example: `  seawall watch
  seawall watch --all --format json`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.Load(cmd, p.Environ)
			if err != nil {
				return err
			}
			return p.watch(cmd.Context(), c.SpoolDir, format, all)
		},
	}
	s.Add(cmd, "spool_dir")
	usage.AddFormat(cmd, &format, "text", "json")
	cmd.Flags().BoolVar(&all, "all", false, "begin with the oldest record that the spool holds")
	return cmd
}

// watch prints the posture lane until ctx ends, which is no error.
func (p *program) watch(ctx context.Context, dir, format string, all bool) error {
	if format == "text" && p.Terminal {
		fmt.Fprintln(p.Stderr, "watching; Ctrl-C ends it")
	}
	return Hint(Follow(ctx, dir, all, func(rec spool.Record) error { return p.watched(rec, format) }))
}

// watched prints one record. What the spool had to let go is said where it is
// missing; a record that cannot be read is said and passed over.
func (p *program) watched(rec spool.Record, format string) error {
	for _, gap := range rec.Gaps {
		if format == "text" {
			fmt.Fprintf(p.Stderr, "seawall: missing here: %s, %d to %d (%s)\n", count(int(gap.Records()), "record"), gap.From, gap.To, gap.Reason)
		}
	}
	if format == "json" {
		return p.show.Line(p.Stdout, NewRecord(Posture, rec.Position, rec.Payload))
	}
	w, err := wire.Decode(rec.Payload)
	if err != nil {
		p.Complain(fmt.Errorf("record %d: %w", rec.Seq, err))
		return nil
	}
	switch {
	case w.Change != nil:
		return p.show.Change(p.Stdout, w.Time, *w.Change, p.Options())
	case w.State != nil:
		return p.watchedState(w.Time, w.State)
	}
	return nil
}

// watchedState prints what is wrong in a part of a whole state.
func (p *program) watchedState(at time.Time, s *finding.StatePart) error {
	if s.Part == 0 {
		fmt.Fprintf(p.Stdout, "%s  whole state, %d results\n", at.Local().Format(time.TimeOnly), s.Total)
	}
	for _, r := range s.Results {
		if !r.Status.Bad() {
			continue
		}
		if err := p.show.Change(p.Stdout, at, finding.Change{Result: r}, p.Options()); err != nil {
			return err
		}
	}
	return nil
}
