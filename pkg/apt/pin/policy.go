package pin

import (
	"slices"

	"seawall/pkg/pkgver"
)

// Policy chooses among versions as apt does. It is not for concurrent use.
type Policy struct {
	defaults []rule
	specific []rule
	status   *Archive
	found    map[*Archive]found
}

// rule is a pin made ready for matching.
type rule struct {
	*Pin
	subjects []subject
	match    match
}

// found is what the defaults say of an archive.
type found struct {
	priority int
	pin      *Pin
}

// NewPolicy returns the policy of these pins, in the order in which apt reads
// them. defaultRelease is APT::Default-Release, "" where it is not set.
func NewPolicy(pins []Pin, defaultRelease string) *Policy {
	p := Policy{status: status(), found: map[*Archive]found{}}
	if defaultRelease != "" {
		pin := &Pin{Kind: "release", Data: defaultRelease, Priority: 990, File: "APT::Default-Release"}
		p.defaults = append(p.defaults, rule{Pin: pin, match: newMatch(pin.Kind, pin.Data)})
	}
	for i := range pins {
		r := rule{Pin: &pins[i], match: newMatch(pins[i].Kind, pins[i].Data)}
		switch {
		case r.general() && r.Priority == Never: // outdoes all others
			p.defaults = slices.Insert(p.defaults, 0, r)
		case r.general():
			p.defaults = append(p.defaults, r)
		default:
			for _, word := range r.Packages {
				r.subjects = append(r.subjects, newSubject(word))
			}
			p.specific = append(p.specific, r)
		}
	}
	return &p
}

// Target is the package that versions are chosen for. Native says that its
// architecture is the host's own; a package for all architectures has that one.
type Target struct {
	Name      string
	Arch      string
	Native    bool
	Installed string
}

// Version is a version of a package and the archives that offer it; none where
// only the host has it.
type Version struct {
	Version  string
	Source   string // the source package's name
	Archives []*Archive
	// Deferred says that phasing excludes the version where apt makes that a matter
	// of priorities (APT::Get::Phase-Policy).
	Deferred bool
}

// Candidate returns the index of the version that apt would install, or -1. The
// versions stand newest first and have the installed one among them.
func (p *Policy) Candidate(t Target, versions []Version) int {
	best, top := -1, -1
	for i := range versions {
		priority, _ := p.Priority(t, &versions[i])
		if priority == 0 || priority <= top {
			continue
		}
		if priority < 1000 && pkgver.Deb(versions[i].Version, t.Installed) < 0 {
			continue
		}
		best, top = i, priority
	}
	return best
}

// Priority returns a version's priority and the pin it comes from, nil where it
// is the archive's own.
func (p *Policy) Priority(t Target, v *Version) (int, *Pin) {
	priority, pin := p.priority(&t, v)
	if v.Deferred {
		priority = min(priority, 1)
	}
	return priority, pin
}

func (p *Policy) priority(t *Target, v *Version) (int, *Pin) {
	installed := v.Version == t.Installed
	// "never" for all its archives outdoes a pin that names the package.
	if pin := p.pinned(t, v, installed); pin != nil &&
		(installed && p.ever(p.status) || slices.ContainsFunc(v.Archives, p.ever)) {
		return pin.Priority, pin
	}
	priority, from := Never-1, (*Pin)(nil)
	if installed {
		priority, from = p.archive(p.status)
	}
	for _, a := range v.Archives {
		if n, pin := p.archive(a); n > priority {
			priority, from = n, pin
		}
	}
	if priority < Never {
		return 0, nil
	}
	return priority, from
}

// pinned is the first pin that names the package and holds for the version.
func (p *Policy) pinned(t *Target, v *Version, installed bool) *Pin {
	for i := range p.specific {
		r := &p.specific[i]
		if !slices.ContainsFunc(r.subjects, func(s subject) bool { return s.is(t, v) }) {
			continue
		}
		if r.Kind == "version" {
			if r.match.matchVersion(v.Version) {
				return r.Pin
			}
			continue
		}
		if installed && r.match.archiveMatches(p.status) || slices.ContainsFunc(v.Archives, r.match.archiveMatches) {
			return r.Pin
		}
	}
	return nil
}

func (p *Policy) ever(a *Archive) bool {
	priority, _ := p.archive(a)
	return priority != Never
}

// archive is the priority of an archive as a whole.
func (p *Policy) archive(a *Archive) (int, *Pin) {
	f, ok := p.found[a]
	if !ok {
		f = p.judge(a)
		p.found[a] = f
	}
	return f.priority, f.pin
}

func (p *Policy) judge(a *Archive) found {
	for i := range p.defaults {
		if p.defaults[i].match.archiveMatches(a) {
			return found{p.defaults[i].Priority, p.defaults[i].Pin}
		}
	}
	switch {
	case a == p.status || a.Release.ButAutomaticUpgrades:
		return found{priority: 100}
	case a.Release.NotAutomatic:
		return found{priority: 1}
	}
	return found{priority: 500}
}
