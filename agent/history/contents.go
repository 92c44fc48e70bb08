package history

import (
	"errors"
	"fmt"
	"io"

	"seawall/agent/spool"
	"seawall/agent/spool/inspect"
	"seawall/pkg/text"
)

// missing is a line of a dump where records are gone.
type missing struct {
	Lane   string `json:"lane"`
	From   uint64 `json:"missing_from"`
	To     uint64 `json:"missing_to"`
	Reason string `json:"reason"`
}

// Dump gives line each good record of a lane, durable or not, as a Record, and
// before it what is missing.
func Dump(dir, lane string, line func(any) error) error {
	return inspect.Walk(dir, lane, func(rec inspect.Record) error {
		for _, g := range rec.Gaps {
			if err := line(missing{lane, g.From, g.To, string(g.Reason)}); err != nil {
				return err
			}
		}
		return line(NewRecord(lane, rec.Position, rec.Payload))
	})
}

// Verify reads the whole spool in dir and prints what it holds and what is damaged.
// It reports whether nothing is.
func Verify(w io.Writer, dir string) (good bool, err error) {
	rep, err := inspect.Verify(dir)
	if err != nil {
		return false, err
	}
	free, floor, err := spool.Space(dir)
	if err != nil {
		return false, err
	}
	var errs []error
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		errs = append(errs, err)
	}
	for _, l := range rep.Lanes {
		say("%s", laneLine(l))
		for _, problem := range l.Problems {
			say("%s: %s", l.Lane, text.Terminal(problem))
		}
		for _, name := range l.Aside {
			say("%s: %s: set aside, it is no file of a spool", l.Lane, text.Terminal(name))
		}
	}
	disk := fmt.Sprintf("disk: %d MiB free", free>>20)
	if free < floor {
		disk += fmt.Sprintf(", less than the floor of %d MiB: no lane grows", floor>>20)
	}
	say("%s", disk)
	return rep.Good(), errors.Join(errs...)
}

func laneLine(l inspect.LaneReport) string {
	var bytes int64
	for _, seg := range l.Segments {
		bytes += seg.Bytes
	}
	line := fmt.Sprintf("%s: %s in %s, %d bytes, durable up to %d",
		l.Lane, count(l.Records, "record"), count(len(l.Segments), "file"), bytes, l.Durable.Seq)
	if l.Evicted > 0 {
		line += fmt.Sprintf(", evicted up to %d", l.Evicted)
	}
	return line
}

// count says how many there are of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
