// Package pace says when something that costs may be done again: a storm of changes must
// not make a sensor take a processor, and a person who changes a file twice should not
// wait.
//
// After each time one rests four times what it cost, so that over any long time it takes
// a fifth of a processor at most. Rest may be owed: of [Burst] times in a row, after a
// quiet while, none waits. (It is the generic cell rate algorithm of ITU-T I.371, with a
// cell as long as its cost.)
package pace

import "time"

const (
	// rest is how many times its own cost one rests.
	rest    = 4
	maxRest = 5 * time.Second
	// Burst is how many times in a row need no rest between them.
	Burst = 3
)

// Pace is of one thing that is done now and then. The zero Pace was never done.
type Pace struct {
	Start, End time.Time // the last time that it was done
	pause      time.Duration
	rested     time.Time // when no rest is owed any more
}

// Done notes that it was done once more and what that took, which is less than the time
// between start and end where other things were done, too.
func (p *Pace) Done(start, end time.Time, took time.Duration) {
	p.Start, p.End = start, end
	p.pause = min(rest*took, maxRest)
	if p.rested.Before(start) {
		p.rested = start
	}
	p.rested = p.rested.Add(end.Sub(start) + p.pause) // to work is no rest
}

// Next returns when it may be done again. Spacing is the least time since the last, which
// no burst shortens.
func (p *Pace) Next(spacing time.Duration) time.Time {
	next := p.rested.Add(-(Burst - 1) * p.pause)
	if spaced := p.End.Add(spacing); spaced.After(next) {
		return spaced
	}
	return next
}
