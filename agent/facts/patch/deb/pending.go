package deb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"seawall/agent/facts/patch"
	"seawall/pkg/apt"
	"seawall/pkg/apt/pin"
	"seawall/pkg/dpkg"
	"seawall/pkg/pkgver"
	"seawall/pkg/text"
)

// entry is one installed package and the versions of it that lists offer.
type entry struct {
	*dpkg.Package
	native bool
	offers []offer
}

// offer is one version of a package; the installed one is an offer too.
type offer struct {
	pin.Version
	security      []*archive // those that are security pockets, locked ones included
	sourceVersion string
	phased        int // percentage
	phasedBy      int // which of the lists says so: the last one counts
}

// scan holds what is installed while the lists are read.
type scan struct {
	*setup
	entries []entry
	byName  map[string][]int
	done    map[string]bool // lists read: a source may be configured twice
	oldApt  bool
	before  *memory // nil where nothing was read before
	kept    *memory
}

// maxArchs bounds how often a package is installed, each for another architecture:
// every entry of a list is held against all of them.
const maxArchs = 64

func newScan(s *setup, packages []dpkg.Package) (*scan, error) {
	sc := &scan{setup: s, byName: make(map[string][]int, len(packages)), done: map[string]bool{}, oldApt: oldApt(packages)}
	for i := range packages {
		p := &packages[i]
		if !p.Installed() {
			continue
		}
		if len(sc.byName[p.Name]) == maxArchs {
			return nil, fmt.Errorf("%s is installed more than %d times", text.Clean(p.Name, maxWord), maxArchs)
		}
		sc.byName[p.Name] = append(sc.byName[p.Name], len(sc.entries))
		sc.entries = append(sc.entries, entry{
			Package: p,
			native:  p.Arch == s.native || p.Arch == "all",
			offers:  []offer{{Version: pin.Version{Version: p.Version, Source: p.Source}, sourceVersion: p.SourceVersion, phased: 100}},
		})
	}
	return sc, nil
}

// read reads the lists of an archive.
func (s *scan) read(ctx context.Context, w *host, a *archive, order int) error {
	want := func(name []byte) bool { return len(s.byName[string(name)]) > 0 }
	security := a.release.Security()
	for _, l := range a.lists {
		if s.done[l.name] {
			continue
		}
		s.done[l.name] = true
		c, err := s.list(ctx, w, l, want)
		if err != nil {
			return err
		}
		if size, named := a.release.Lists[l.Path]; named && size != c.size {
			err := fmt.Errorf("%s has %d bytes, and %s says %d: it is not whole", l.name, c.size, a.releaseFile, size)
			if security {
				return err
			}
			a.lack = err.Error() // what it has can still be a candidate
		}
		from := &pin.Archive{Release: a.release, Site: a.Site(), Component: l.Component, Arch: l.Arch}
		for i := range c.entries {
			if err := s.offer(a, from, security, order, &c.entries[i]); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
		}
	}
	return nil
}

// Bounds of what lists may say of installed packages. Real hosts have some ten
// thousand entries, and archives that keep all they ever had some thousand versions.
const (
	maxEntries = 300_000
	maxOffers  = 5_000 // of one package
)

var (
	errEntries = errors.New("too many versions of installed packages")
	errOffers  = errors.New("too many versions of one package")
)

// list returns the entries of installed packages in a list. A list is judged only
// when all of it was read.
func (s *scan) list(ctx context.Context, w *host, l list, want func([]byte) bool) (c content, err error) {
	if _, err := w.Look(l.name); err != nil {
		return c, err
	}
	c, ok := s.recall(l.name, w.Files)
	if !ok {
		f, err := w.Open(l.name)
		if err != nil {
			return c, err
		}
		defer f.Close()
		c.size, err = apt.ScanList(stoppable{ctx.Err, f}, l.extension, want, func(e *apt.Entry) error {
			if s.kept.entries+len(c.entries) >= maxEntries {
				return errEntries
			}
			c.entries = append(c.entries, keep(e))
			return nil
		})
		if err != nil {
			return c, fmt.Errorf("%s: %w", l.name, err)
		}
	}
	s.kept.lists[l.name] = c
	s.kept.entries += len(c.entries)
	return c, nil
}

// stoppable ends a long read when its context does.
type stoppable struct {
	stopped func() error
	r       io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.stopped(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// offer files a list's entry with the installed package it is a version of.
func (s *scan) offer(a *archive, from *pin.Archive, security bool, order int, e *apt.Entry) error {
	for _, i := range s.byName[string(e.Name)] {
		p := &s.entries[i]
		if string(e.Arch) != p.Arch && !(p.native && (string(e.Arch) == "all" || string(e.Arch) == s.native)) {
			continue
		}
		if len(p.offers) > maxOffers {
			return fmt.Errorf("%w: %s", errOffers, text.Clean(p.Name, maxWord))
		}
		o := p.at(e)
		if !a.locked {
			o.Archives = append(o.Archives, from)
		}
		if security {
			o.security = append(o.security, a)
		}
		if e.Phased < 100 && order >= o.phasedBy {
			o.phased, o.phasedBy = e.Phased, order
		}
	}
	return nil
}

// at returns the offer of an entry's version, a new one where there is none.
func (p *entry) at(e *apt.Entry) *offer {
	for i := range p.offers {
		if p.offers[i].Version.Version == string(e.Version) {
			return &p.offers[i]
		}
	}
	version := string(e.Version)
	source, sourceVersion := dpkg.SplitSource(e.Source, p.Name, version)
	p.offers = append(p.offers, offer{Version: pin.Version{Version: version, Source: source}, sourceVersion: sourceVersion, phased: 100})
	return &p.offers[len(p.offers)-1]
}

// verdict fills in the pending packages and the counts of the others.
func (s *scan) verdict(f *patch.Facts) {
	f.Installed = len(s.entries)
	var versions []pin.Version
	for i := range s.entries {
		p := &s.entries[i]
		if len(p.offers) == 1 {
			continue // nothing but the installed version
		}
		slices.SortStableFunc(p.offers, func(a, b offer) int { return pkgver.Deb(b.Version.Version, a.Version.Version) })
		fix := p.fix()
		if fix < 0 && !p.newer(0) {
			continue
		}
		versions = versions[:0]
		for i := range p.offers {
			o := &p.offers[i]
			o.Deferred = s.phasing.byPriority && s.phasing.excludes(o)
			versions = append(versions, o.Version)
		}
		target := s.target(p)
		candidate := s.policy.Candidate(target, versions)
		switch {
		case fix >= 0:
			f.Packages = append(f.Packages, s.pending(p, target, fix, candidate))
		case candidate >= 0 && p.newer(candidate):
			f.OtherPending++
			if !p.Held() && s.keeps(p, candidate) {
				f.Deferred++
			}
		}
	}
	slices.SortFunc(f.Packages, func(a, b patch.Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch))
	})
}

// target is the package as pins see it.
func (s *scan) target(p *entry) pin.Target {
	t := pin.Target{Name: p.Name, Arch: p.Arch, Native: p.native, Installed: p.Version}
	if p.native {
		t.Arch = s.native
	}
	return t
}

func (p *entry) newer(i int) bool { return pkgver.Deb(p.offers[i].Version.Version, p.Version) > 0 }

// fix is the newest version in a security pocket if it is newer than the
// installed one, else -1. The offers are sorted.
func (p *entry) fix() int {
	i := slices.IndexFunc(p.offers, func(o offer) bool { return len(o.security) > 0 })
	if i >= 0 && p.newer(i) {
		return i
	}
	return -1
}

const maxWord = 256 // bytes of a name or version in a finding

func (s *scan) pending(p *entry, t pin.Target, fix, candidate int) patch.Package {
	out := patch.Package{
		Name:      text.Clean(p.Name, maxWord),
		Arch:      text.Clean(p.Arch, maxWord),
		Installed: text.Clean(p.Version, maxWord),
		Fixed:     text.Clean(p.offers[fix].Version.Version, maxWord),
		Source:    text.Clean(p.Source, maxWord),
		Origin:    text.Clean(securityOrigin(&p.offers[fix]), maxWord),
	}
	if candidate >= 0 {
		out.Candidate = text.Clean(p.offers[candidate].Version.Version, maxWord)
		out.CandidateOrigin = text.Clean(origin(p.offers[candidate].Archives), maxWord)
	}
	out.Label, out.Reason = s.label(p, t, fix, candidate)
	out.Reason = text.Clean(out.Reason, text.Limit)
	return out
}

// label says what becomes of the fix. The offers are sorted newest first, so a
// candidate at or before the fix has it or something newer.
func (s *scan) label(p *entry, t pin.Target, fix, candidate int) (label, reason string) {
	f := &p.offers[fix]
	switch {
	case p.Held():
		return patch.LabelHeld, "on hold in dpkg"
	case candidate <= fix && s.keeps(p, candidate):
		o := &p.offers[candidate]
		return patch.LabelDeferred, fmt.Sprintf("%s goes to %d %% of machines, this one not yet among them", o.Version.Version, o.phased)
	case candidate == fix:
		return patch.LabelAvailable, ""
	case f.Deferred && candidate > fix:
		return patch.LabelDeferred, fmt.Sprintf("%s goes to %d %% of machines, this one not yet among them", f.Version.Version, f.phased)
	case candidate >= 0 && candidate < fix:
		return patch.LabelMasked, fmt.Sprintf("%s from %s is newer than the fix", p.offers[candidate].Version.Version, origin(p.offers[candidate].Archives))
	}
	return s.withheld(p, t, f, candidate)
}

// withheld is label for a fix that no archive offers to this host, or a pin keeps away.
func (s *scan) withheld(p *entry, t pin.Target, f *offer, candidate int) (label, reason string) {
	_, by := s.policy.Priority(t, &f.Version)
	never := by != nil && by.Priority < 0
	if !slices.ContainsFunc(f.security, func(a *archive) bool { return !a.locked && !(a.release.ESM() && never) }) {
		return patch.LabelESM, "the fix needs Ubuntu Pro, which this host does not use"
	}
	if by == nil && candidate >= 0 {
		_, by = s.policy.Priority(t, &p.offers[candidate].Version)
	}
	switch {
	case by == nil:
		return patch.LabelPinned, "another archive has a higher priority"
	case by.Line == 0: // no file: APT::Default-Release
		return patch.LabelPinned, by.File + " is " + by.Data
	}
	return patch.LabelPinned, fmt.Sprintf("%s line %d: Pin: %s %s with priority %d", by.File, by.Line, by.Kind, by.Data, by.Priority)
}

// origin names archives as label and suite, once each.
func origin(archives []*pin.Archive) string {
	var names []string
	for _, a := range archives {
		names = append(names, a.String())
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func securityOrigin(o *offer) string {
	var archives []*pin.Archive
	for _, a := range o.security {
		archives = append(archives, &pin.Archive{Release: a.release})
	}
	return origin(archives)
}
