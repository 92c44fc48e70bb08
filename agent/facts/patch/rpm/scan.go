package rpm

import (
	"cmp"
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
	maxWord       = 256 // bytes of a name or version in a finding
	maxAdvisories = 128
	maxCVEs       = 256
	maxOffers     = 1024
)

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

// scan holds what is installed while the repositories are read.
type scan struct {
	conf      *dnf.Config
	repos     []*repo
	installed int
	entries   []*entry
	byName    map[string][]*entry
	oldest    map[string]string // by name: no older build is of interest
	offers    map[string][]offer
	ranked    bool // repositories differ in priority, so that old builds count too
	modules   modules
	labels    map[stream]bool // the modules that installed packages came from
}

func newScan(conf *dnf.Config, packages []rpmdb.Package, release string) *scan {
	s := &scan{
		conf: conf, byName: make(map[string][]*entry, len(packages)), oldest: make(map[string]string, len(packages)),
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
		conf.Meet(p.Name, all[i].evr, p.Arch)
	}
	s.installed = len(all)
	s.choose(all)
	return s
}

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
		case e.running && !newest.running:
			e.newest = newest
		default:
			continue
		}
		s.entries = append(s.entries, e)
		s.byName[e.Name] = append(s.byName[e.Name], e)
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
func (s *scan) want(name []byte) bool { return len(s.byName[string(name)]) > 0 }

// readAdvisories files security advisories with the packages that they are for.
func (s *scan) readAdvisories(r *repo, in io.Reader) error {
	return repodata.ScanAdvisories(in, s.want, func(a *repodata.Advisory) {
		if a.Type != "security" {
			return
		}
		for i := range a.Packages {
			p := &a.Packages[i]
			if !s.modules.applies(&p.Module) {
				continue
			}
			for _, e := range s.byName[p.Name] {
				if e.Arch == p.Arch && pkgver.RPM(p.EVR, e.evr) > 0 {
					e.needs(r, a, p.EVR)
				}
			}
		}
	})
}

// needs notes an advisory that names a newer build than the installed one.
func (e *entry) needs(r *repo, a *repodata.Advisory, build string) {
	if e.fixed == "" || pkgver.RPM(build, e.fixed) > 0 {
		e.fixed, e.from = build, r
	}
	if worse(a.Severity, e.severity) {
		e.severity = a.Severity
	}
	if !a.Issued.IsZero() && (e.published.IsZero() || a.Issued.Before(e.published)) {
		e.published = a.Issued
	}
	// An advisory may name hundreds of builds of one package.
	if len(e.advisories) == maxAdvisories || slices.Contains(e.advisories, a.ID) {
		return
	}
	e.advisories = append(e.advisories, a.ID)
	for _, c := range a.CVEs {
		if len(e.cves) < maxCVEs && !slices.Contains(e.cves, c) {
			e.cves = append(e.cves, c)
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
	return repodata.ScanPrimary(in, wanted, func(p *repodata.Available) {
		s.conf.Meet(p.Name, p.EVR, p.Arch)
		oldest, installed := s.oldest[p.Name]
		if !installed {
			return
		}
		r.core = r.core || isCore(p.Name)
		if pkgver.RPM(p.EVR, oldest) <= 0 && !s.ranked || !r.ModuleHotfixes && !s.modules.offers(p) || len(s.offers[p.Name]) >= maxOffers {
			return
		}
		s.offers[p.Name] = append(s.offers[p.Name], offer{evr: p.EVR, arch: p.Arch, repo: r})
	})
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
