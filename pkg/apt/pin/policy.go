package pin

import (
	"slices"

	"seawall/pkg/pkgver"
)

// Policy chooses among versions as apt does.
type Policy struct {
	defaults []Pin
	specific []Pin
}

// NewPolicy returns the policy of these pins, in the order in which apt reads
// them. defaultRelease is APT::Default-Release, "" where it is not set.
func NewPolicy(pins []Pin, defaultRelease string) *Policy {
	var p Policy
	if defaultRelease != "" {
		p.defaults = append(p.defaults, Pin{Kind: "release", Data: defaultRelease, Priority: 990, File: "APT::Default-Release"})
	}
	for _, pin := range pins {
		switch {
		case pin.Priority == 0: // apt warns and passes it over
		case pin.general() && pin.Priority == Never: // outdoes all others
			p.defaults = slices.Insert(p.defaults, 0, pin)
		case pin.general():
			p.defaults = append(p.defaults, pin)
		default:
			p.specific = append(p.specific, pin)
		}
	}
	return &p
}

// Target is the package that versions are chosen for. Native says that its
// architecture is the host's own, or that it is for all.
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
	Archives []*Archive
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
	// "never" for all its archives outdoes a pin that names the package.
	if pin := p.pinned(t, v); pin != nil && (v.Version == t.Installed || slices.ContainsFunc(v.Archives, p.ever)) {
		return pin.Priority, pin
	}
	priority, from := Never-1, (*Pin)(nil)
	if v.Version == t.Installed {
		priority = 100
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
func (p *Policy) pinned(t Target, v *Version) *Pin {
	for i := range p.specific {
		pin := &p.specific[i]
		if !pin.names(t.Name, t.Arch, t.Native) {
			continue
		}
		if pin.Kind == "version" && expression(pin.Data, v.Version) ||
			slices.ContainsFunc(v.Archives, pin.matches) {
			return pin
		}
	}
	return nil
}

func (p *Policy) ever(a *Archive) bool {
	priority, _ := p.archive(a)
	return priority != Never
}

func (p *Policy) archive(a *Archive) (int, *Pin) {
	for i := range p.defaults {
		if p.defaults[i].matches(a) {
			return p.defaults[i].Priority, &p.defaults[i]
		}
	}
	switch {
	case a.Release.NotAutomatic && a.Release.ButAutomaticUpgrades:
		return 100, nil
	case a.Release.NotAutomatic:
		return 1, nil
	}
	return 500, nil
}
