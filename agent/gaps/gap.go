package gaps

import (
	"fmt"
	"time"
)

// Cause says why events are missing, in a word that stays the same.
type Cause string

// The causes.
const (
	Overrun   Cause = "overrun"     // no room in the socket's buffer
	Kernel    Cause = "kernel"      // the kernel's queue dropped them
	RateLimit Cause = "rate-limit"  // the kernel's rate limit kept them out
	Stopped   Cause = "not-running" // no sensor was running
	Switched  Cause = "switch"      // between being the audit daemon and listening beside one
	Backlog   Cause = "backlog"     // counted by the kernel, which gave them no serials
	Several   Cause = "several"     // gaps of different causes became one
)

// Text says a cause in words.
func (c Cause) Text() string {
	switch c {
	case Overrun:
		return "the socket's receive buffer was full"
	case Kernel:
		return "the kernel's queue dropped them"
	case RateLimit:
		return "the kernel's rate limit was reached"
	case Stopped:
		return "the sensor was not running"
	case Switched:
		return "the audit daemon changed"
	case Backlog:
		return "the kernel's queue was full, or it had no memory"
	case Several:
		return "several causes"
	}
	return "not known"
}

// Clues are what is known besides of when events were missed: the last event that the
// sensor before saw, when one connection followed another, when the kernel last said that
// it found no room, and whether what it lost last was lost under a rate limit.
type Clues struct {
	Resumed, Moved, Overran time.Time
	Limited                 bool
}

// Cause says why the events of a gap are missing, as far as it can be told.
func (c Clues) Cause(g *Gap) Cause {
	switch {
	case !c.Resumed.IsZero() && g.Before.Equal(c.Resumed):
		return Stopped
	case !c.Moved.IsZero() && g.Before.Before(c.Moved) && g.After.After(c.Moved):
		return Switched
	case c.Overran.After(g.Before.Add(-time.Second)):
		return Overrun
	case c.Limited:
		return RateLimit
	}
	return Kernel
}

// Gap is events that were not seen.
type Gap struct {
	// From and To are the first and the last serial that are missing. Of a Backlog the
	// missing events have none: they are the serials it happened between.
	From uint32 `json:"from"`
	To   uint32 `json:"to"`
	// Missing is how many serials, or lost events, there were; Filled how many of them
	// were read from the audit daemon's log since, Late how many came after all.
	Missing uint64 `json:"missing"`
	Filled  uint64 `json:"filled"`
	Late    uint64 `json:"late"`
	// Before and After are the times of the events on either side.
	Before time.Time `json:"before"`
	After  time.Time `json:"after"`
	Found  time.Time `json:"found"`
	Cause  Cause     `json:"cause"`
	// Settled says that nothing more is done about it; Why what was done in vain.
	Settled bool   `json:"settled"`
	Why     string `json:"why,omitempty"`
	Merged  int    `json:"merged,omitempty"` // how many older gaps are in this one
}

// Left is how many events of the gap are missing still.
func (g *Gap) Left() uint64 { return g.Missing - min(g.Missing, g.Filled+g.Late) }

// Fillable reports whether an audit daemon can have the missing events in its log.
func (g *Gap) Fillable() bool {
	return !g.Settled && g.Cause != Backlog && g.Cause != RateLimit && g.Left() > 0
}

// String says the gap in a sentence.
func (g *Gap) String() string {
	what := fmt.Sprintf("%s missing (serials %d to %d)", events(g.Left()), g.From, g.To)
	if g.From == g.To {
		what = fmt.Sprintf("%s missing (serial %d)", events(g.Left()), g.From)
	}
	if g.Cause == Backlog {
		what = fmt.Sprintf("%s missing (between serials %d and %d)", events(g.Left()), g.From, g.To)
	}
	s := fmt.Sprintf("%s between %s and %s: %s", what, stamp(g.Before), stamp(g.After), g.Cause.Text())
	if g.Filled > 0 {
		s += fmt.Sprintf("; %d more were read from auditd's log", g.Filled)
	}
	if g.Why != "" {
		s += "; " + g.Why
	}
	return s
}

func events(n uint64) string {
	if n == 1 {
		return "1 audit event"
	}
	return fmt.Sprintf("%d audit events", n)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}
