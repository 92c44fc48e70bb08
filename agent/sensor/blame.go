package sensor

import (
	"path"
	"slices"
	"time"

	"seawall/pkg/finding"
)

const (
	blameNames = 1024
	blameAge   = 10 * time.Minute
)

// blame remembers who last touched a name. It belongs to the loop.
type blame struct {
	byName map[string]finding.Cause
	order  []string // names, oldest mention first; may hold a name twice
}

func newBlame() *blame { return &blame{byName: map[string]finding.Cause{}} }

// note remembers c as the last to touch name.
func (b *blame) note(name string, c finding.Cause) {
	if old, ok := b.byName[name]; ok && old.Time.After(c.Time) {
		return
	}
	b.byName[name] = c
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

// find returns the newest cause younger than blameAge for name or, since a
// directory that is renamed or removed takes everything with it, for a directory
// above it.
func (b *blame) find(name string, now time.Time) *finding.Cause {
	for n := name; ; n = path.Dir(n) {
		if c, ok := b.byName[n]; ok && now.Sub(c.Time) < blameAge {
			return &c
		}
		if n == "/" || n == "." {
			return nil
		}
	}
}

// explain returns the cause of a result whose facts were made stale by names: of
// a name in the result's evidence when there is one, else the newest of all.
func (b *blame) explain(r *finding.Result, names []string, now time.Time) *finding.Cause {
	var newest *finding.Cause
	for _, name := range names {
		c := b.find(name, now)
		if c == nil {
			continue
		}
		for i := range r.Evidence {
			if r.Evidence[i].File == name {
				return c
			}
		}
		if newest == nil || c.Time.After(newest.Time) {
			newest = c
		}
	}
	return newest
}
