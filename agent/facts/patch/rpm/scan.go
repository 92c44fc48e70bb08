package rpm

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/pkg/dnf"
	"seawall/pkg/pkgver"
	"seawall/pkg/repodata"
	"seawall/pkg/rpmdb"
)

// Bounds of what is kept per package.
const (
	maxWord       = 256      // bytes of a name or version in a finding
	maxAdvisories = 128      // that are named: all are held against what is installed
	maxCVEs       = 256      // that are named
	maxOffers     = 1024     // newer builds, of which one is the candidate: without it the fix is pending all the same
	maxKept       = 24 << 20 // bytes of offers and advisories in all
)

// errTooMuch is returned where repositories tell more of what is installed than any
// does.
var errTooMuch = fmt.Errorf("%w: more than %d bytes of advisories and builds for installed packages", repodata.ErrDamaged, maxKept)

// full is a file that is read until too much was kept.
type full struct {
	io.Reader
	kept *int
}

func (f full) Read(p []byte) (int, error) {
	if *f.kept > maxKept {
		return 0, errTooMuch
	}
	return f.Reader.Read(p)
}

// entry is an installed package that is looked at, and what advisories say of it.
type entry struct {
	*rpmdb.Package
	evr string
	// newest is the newest package of the same name and architecture; nil where it
	// is this one. Only the running kernel's packages have one.
	newest     *entry
	fixed      string // the newest build of a security advisory, "" where none is newer
	from       *repo  // that has that advisory
	severity   string
	advisories []string
	cves       []string
	published  time.Time
	running    bool
}

// offer is a build that a repository offers.
type offer struct {
	evr, arch string
	repo      *repo
	excluded  bool
	rule      dnf.Rule
}

// nameArch is what has one newest build.
type nameArch struct{ name, arch string }

// scan holds what is installed while the repositories are read.
type scan struct {
	conf      *dnf.Config
	repos     []*repo
	installed int
	entries   []*entry
	byBuild   map[nameArch][]*entry // at most two: the newest, and the running kernel's
	oldest    map[string]string     // by name: no older build is of interest
	offers    map[string][]offer
	ranked    bool // repositories differ in priority, so that old builds count too
	modules   modules
	labels    map[stream]bool // the modules that installed packages came from
	kept      int             // bytes
}

func newScan(conf *dnf.Config, packages []rpmdb.Package, release string) *scan {
	s := &scan{
		conf: conf, byBuild: make(map[nameArch][]*entry, len(packages)), oldest: make(map[string]string, len(packages)),
		offers: map[string][]offer{}, labels: installedModules(packages),
	}
	for i := range conf.Repos {
		if conf.Repos[i].Enabled {
			s.repos = append(s.repos, &repo{Repo: &conf.Repos[i]})
			s.ranked = s.ranked || conf.Repos[i].Priority != s.repos[0].Priority
		}
	}
	source := runningSource(packages, release)
	all := make([]entry, 0, len(packages))
	for i := range packages {
		p := &packages[i]
		all = append(all, entry{Package: p, evr: evr(p), running: source != "" && p.SourceRPM == source})
	}
	s.installed = len(all)
	s.choose(all)
	return s
}

// meet tells the rules what is installed. That takes the product of both, which a
// hostile host makes large.
func (s *scan) meet(packages []rpmdb.Package, stopped func() error) error {
	for i := range packages {
		p := &packages[i]
		if s.conf.Meet(p.Name, evr(p), p.Arch); i%meetStep == 0 {
			if err := stopped(); err != nil {
				return err
			}
		}
	}
	return nil
}

const meetStep = 16

// choose takes the newest of each name and architecture, and the running kernel's.
func (s *scan) choose(all []entry) {
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), pkgver.RPM(b.evr, a.evr))
	})
	var newest *entry
	for i := range all {
		e := &all[i]
		switch {
		case newest == nil || newest.Name != e.Name || newest.Arch != e.Arch:
			newest = e
		case e.running && !newest.running && len(s.byBuild[nameArch{e.Name, e.Arch}]) == 1:
			e.newest = newest
		default:
			continue
		}
		s.entries = append(s.entries, e)
		key := nameArch{e.Name, e.Arch}
		s.byBuild[key] = append(s.byBuild[key], e)
		if have, ok := s.oldest[e.Name]; !ok || pkgver.RPM(e.evr, have) < 0 {
			s.oldest[e.Name] = e.evr
		}
	}
}

// evr is a package's version with its epoch.
func evr(p *rpmdb.Package) string {
	return strconv.Itoa(max(p.Epoch, 0)) + ":" + p.Version + "-" + p.Release
}

// runningSource is the source package of the running kernel, "" where no installed
// package is it. A flavour ends the release with "+" and its name.
func runningSource(packages []rpmdb.Package, release string) string {
	release, _, _ = strings.Cut(strings.TrimSpace(release), "+")
	for i := range packages {
		p := &packages[i]
		if strings.HasPrefix(p.Name, "kernel") && release == p.Version+"-"+p.Release+"."+p.Arch {
			return p.SourceRPM
		}
	}
	return ""
}

// want reports whether packages of a name are installed.
func (s *scan) want(name []byte) bool {
	_, ok := s.oldest[string(name)]
	return ok
}

// readAdvisories files security advisories with the packages that they are for.
func (s *scan) readAdvisories(r *repo, in io.Reader) error {
	err := repodata.ScanAdvisories(full{in, &s.kept}, s.want, func(a *repodata.Advisory) {
		if a.Type != "security" {
			return
		}
		var of *notice
		for i := range a.Packages {
			p := &a.Packages[i]
			if !s.modules.applies(&p.Module) {
				continue
			}
			for _, e := range s.byBuild[nameArch{p.Name, p.Arch}] {
				if pkgver.RPM(p.EVR, e.evr) <= 0 || s.kept > maxKept {
					continue
				}
				if of == nil {
					of = s.notice(a)
				}
				s.needs(e, r, of, p.EVR)
			}
		}
	})
	if err == nil && s.kept > maxKept {
		err = errTooMuch
	}
	return err
}

// notice is what is kept of an advisory: no parts of larger strings.
type notice struct {
	id, severity string
	issued       time.Time
	cves         []string
}

// notice keeps an advisory.
func (s *scan) notice(a *repodata.Advisory) *notice {
	of := &notice{id: s.keep(a.ID), severity: s.keep(a.Severity), issued: a.Issued}
	seen := make(map[string]bool, min(len(a.CVEs), maxCVEs))
	for _, c := range a.CVEs {
		if c = c[:min(len(c), maxWord)]; len(of.cves) < maxCVEs && !seen[c] {
			seen[c] = true
			of.cves = append(of.cves, s.keep(c))
		}
	}
	return of
}

// What a string takes beside its bytes, and an offer beside its strings.
const (
	stringSize = 16
	offerSize  = 128
)

// keep returns a copy of a word for which there is room.
func (s *scan) keep(word string) string {
	word = strings.Clone(word[:min(len(word), maxWord)])
	s.kept += len(word) + stringSize
	return word
}

// needs notes an advisory that names a newer build than the installed one.
func (s *scan) needs(e *entry, r *repo, a *notice, build string) {
	if e.fixed == "" || pkgver.RPM(build, e.fixed) > 0 {
		s.kept += len(build) - len(e.fixed)
		e.fixed, e.from = strings.Clone(build), r
	}
	if worse(a.severity, e.severity) {
		e.severity = a.severity
	}
	if !a.issued.IsZero() && (e.published.IsZero() || a.issued.Before(e.published)) {
		e.published = a.issued
	}
	// An advisory may name hundreds of builds of one package.
	if len(e.advisories) == maxAdvisories || slices.Contains(e.advisories, a.id) {
		return
	}
	e.advisories = append(e.advisories, a.id)
	s.kept += stringSize
	for _, c := range a.cves {
		if len(e.cves) < maxCVEs && !slices.Contains(e.cves, c) {
			e.cves = append(e.cves, c)
			s.kept += stringSize
		}
	}
}

// worse compares the vendor's words for severity.
func worse(a, b string) bool { return rank(a) > rank(b) }

func rank(severity string) int {
	switch severity {
	case "Critical":
		return 4
	case "Important":
		return 3
	case "Moderate":
		return 2
	case "Low":
		return 1
	}
	return 0
}

// readPrimary files the builds on offer with the packages that they would replace.
// Which of them rules keep back shows once the rules know all that there is.
func (s *scan) readPrimary(r *repo, in io.Reader) error {
	wanted := func(name []byte) bool { return s.want(name) || s.conf.Concerns(name) }
	err := repodata.ScanPrimary(full{in, &s.kept}, wanted, func(p *repodata.Available) {
		s.conf.Meet(p.Name, p.EVR, p.Arch)
		oldest, installed := s.oldest[p.Name]
		if !installed {
			return
		}
		r.core = r.core || isCore(p.Name)
		if pkgver.RPM(p.EVR, oldest) <= 0 && !s.ranked || !r.ModuleHotfixes && !s.modules.offers(p) || len(s.offers[p.Name]) >= maxOffers || s.kept > maxKept {
			return
		}
		// Copies: p.Name and the rest are parts of all that was read of the package.
		o := offer{evr: strings.Clone(p.EVR), arch: strings.Clone(p.Arch), repo: r}
		s.kept += offerSize + len(o.evr) + len(o.arch)
		name := p.Name
		if s.offers[name] == nil {
			name = strings.Clone(name)
		}
		s.offers[name] = append(s.offers[name], o)
	})
	if err == nil && s.kept > maxKept {
		err = errTooMuch
	}
	return err
}

// rule applies the excludes and locks to the offers of a package, and tells the
// best priority of those that remain: dnf takes none from the other repositories,
// whatever they offer.
func (s *scan) rule(name string) (priority int) {
	some := false
	for i := range s.offers[name] {
		o := &s.offers[name][i]
		o.rule, o.excluded = s.conf.Excluded(o.repo.Repo, name, o.evr, o.arch)
		if !o.excluded && (!some || o.repo.Priority < priority) {
			priority, some = o.repo.Priority, true
		}
	}
	return priority
}
