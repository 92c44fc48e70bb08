// Package compare compares events and fields as this project reads them from a log of
// audit records with what ausearch(8) and go-libaudit read from the same log, and counts
// the differences in classes. Those that are known have a reason.
package compare

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"
)

// Comparison holds the figures with both programs.
type Comparison struct{ search, library *tally }

// New returns a Comparison of nothing yet.
func New() *Comparison {
	return &Comparison{newTally("ausearch"), newTally("go-libaudit")}
}

// Log compares what we read from a log with what the others read from it.
func (c *Comparison) Log(ctx context.Context, name string) error {
	events, err := read(name)
	if err != nil {
		return err
	}
	var both errgroup.Group
	both.Go(func() error { return searched(ctx, c.search, name, events) })
	both.Go(func() error {
		parsed(c.library, events)
		return nil
	})
	return both.Wait()
}

// Events returns how many events were compared.
func (c *Comparison) Events() int { return c.search.events }

// Fields counts the fields compared with either.
func (c *Comparison) Fields() int { return c.search.fields + c.library.fields }

// Report prints the figures and returns how many differences have no reason.
func (c *Comparison) Report(w io.Writer) (unknown int) {
	return c.search.report(w) + c.library.report(w)
}
