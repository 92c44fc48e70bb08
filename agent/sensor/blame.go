package sensor

import (
	"path"
	"slices"
	"time"

	"seawall/pkg/finding"
)

const (
	blameNames = 1024
	blameDepth = 8 // events kept per name
	blameAge   = 10 * time.Minute
)

// blame remembers who touched a name lately. It belongs to the loop.
type blame struct {
	byName map[string][]finding.Cause // oldest first
	order  []string                   // names, oldest mention first; may hold a name twice
}

func newBlame() *blame { return &blame{byName: map[string][]finding.Cause{}} }

// note remembers that c touched name.
func (b *blame) note(name string, c finding.Cause) {
	causes := append(b.byName[name], c)
	slices.SortStableFunc(causes, func(x, y finding.Cause) int { return x.Time.Compare(y.Time) })
	b.byName[name] = causes[max(0, len(causes)-blameDepth):]
	b.order = append(b.order, name)
	if len(b.order) > 2*blameNames {
		b.shrink()
	}
}

// shrink forgets all but the newest names.
func (b *blame) shrink() {
	keep := make([]string, 0, blameNames)
	seen := make(map[string]bool, blameNames)
	for i := len(b.order) - 1; i >= 0; i-- {
		name := b.order[i]
		switch {
		case seen[name]:
		case len(keep) < blameNames:
			seen[name] = true
			keep = append(keep, name)
		default:
			delete(b.byName, name)
		}
	}
	slices.Reverse(keep)
	b.order = keep
}

// span is one look at facts: when the look before it began, when it began and
// when it ended.
type span struct{ previous, start, end time.Time }

// fit says how well an event of time t explains what the look saw, the lower the
// better: 0 it happened since the look before; 1 during the look, which may have
// seen it; 2 before the look before, which is right when a file was opened then
// and written only now; -1 not at all.
func (s span) fit(t time.Time) int {
	switch {
	case t.After(s.end) || s.end.Sub(t) > blameAge:
		return -1
	case t.After(s.start):
		return 1
	case t.After(s.previous):
		return 0
	}
	return 2
}

// better reports whether a explains the look better than b: by its fit, then the
// newest, or the first of those during the look.
func (s span) better(a, b *finding.Cause) bool {
	if b == nil {
		return true
	}
	fa, fb := s.fit(a.Time), s.fit(b.Time)
	switch {
	case fa != fb:
		return fa < fb
	case fa == 1:
		return a.Time.Before(b.Time)
	}
	return a.Time.After(b.Time)
}

// find returns the best cause for name or, since a directory that is renamed or
// removed takes everything with it, for the nearest directory above that has one.
func (b *blame) find(name string, s span) *finding.Cause {
	for n := name; ; n = path.Dir(n) {
		var best *finding.Cause
		for i := range b.byName[n] {
			c := &b.byName[n][i]
			if s.fit(c.Time) >= 0 && s.better(c, best) {
				best = c
			}
		}
		if best != nil || n == "/" || n == "." {
			return best
		}
	}
}

// explain returns the cause of a result whose facts were made stale by names: the
// best of a name in the result's evidence, else the best of all. sure is false
// where there is none, or one that explained an earlier look already.
func (b *blame) explain(r *finding.Result, names []string, s span) (cause *finding.Cause, sure bool) {
	var named, best *finding.Cause
	for _, name := range names {
		c := b.find(name, s)
		if c == nil {
			continue
		}
		if s.better(c, best) {
			best = c
		}
		isName := func(e finding.Evidence) bool { return e.File == name }
		if slices.ContainsFunc(r.Evidence, isName) && s.better(c, named) {
			named = c
		}
	}
	if named != nil {
		best = named
	}
	if best == nil {
		return nil, false
	}
	copied := *best
	return &copied, s.fit(best.Time) < 2
}
