package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/agent/look"
	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// follow prints the lanes of the spool until ctx ends, which is no error.
func (p *program) follow(ctx context.Context, dir string, v view) error {
	var mu sync.Mutex // held while a record is printed
	lane := func(name string) error {
		return p.spool.Follow(ctx, dir, name, v.all, func(rec spool.Record) error {
			mu.Lock()
			defer mu.Unlock()
			return p.record(name, rec, v.format)
		})
	}
	if v.detections {
		return p.spool.Hint(lane(detections))
	}
	g, with := errgroup.WithContext(ctx)
	ctx = with
	g.Go(func() error { return lane(posture) })
	g.Go(func() error {
		err := lane(detections)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a spool of before there were detections
		}
		return err
	})
	return p.spool.Hint(g.Wait())
}

// record prints one record. What the spool had to let go is said where it is missing;
// a record that cannot be read is said and passed over.
func (p *program) record(lane string, rec spool.Record, format string) error {
	for _, gap := range rec.Gaps {
		if format == "text" {
			fmt.Fprintf(p.Stderr, "seawall: missing here: %s, %d to %d (%s)\n", count(gap.Records(), "record"), gap.From, gap.To, gap.Reason)
		}
	}
	if format == "json" {
		return look.Line(p.Stdout, p.spool.Record(lane, rec))
	}
	w, err := wire.Decode(rec.Payload)
	if err != nil {
		p.Complain(fmt.Errorf("record %d: %w", rec.Seq, err))
		return nil
	}
	switch {
	case w.Change != nil:
		return p.spool.Change(p.Stdout, w.Time, *w.Change, p.Options())
	case w.State != nil:
		return p.state(w.Time, w.State)
	case w.Detection != nil:
		return p.detection(w.Time, w.Detection)
	}
	return nil
}

// state prints what is wrong in a part of a whole state.
func (p *program) state(at time.Time, s *finding.StatePart) error {
	if s.Part == 0 {
		fmt.Fprintf(p.Stdout, "%s  whole state, %d results\n", at.Local().Format(time.TimeOnly), s.Total)
	}
	for _, r := range s.Results {
		if !r.Status.Bad() {
			continue
		}
		if err := p.spool.Change(p.Stdout, at, finding.Change{Result: r}, p.Options()); err != nil {
			return err
		}
	}
	return nil
}

// count says how many there are of something.
func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
