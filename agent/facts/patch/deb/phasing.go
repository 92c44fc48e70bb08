package deb

import (
	"slices"
	"strings"

	"seawall/pkg/apt"
	"seawall/pkg/apt/conf"
	"seawall/pkg/apt/pin"
	"seawall/pkg/dpkg"
	"seawall/pkg/pkgver"
)

// phasing is what decides which updates, rolled out in steps, this machine takes.
// That apt takes all of them in a chroot is left out: it is about the moment of an
// upgrade.
type phasing struct {
	machineID     string
	always, never bool
	// byPriority: apt gives an update whose turn is to come a low priority, instead
	// of keeping it back (APT::Get::Phase-Policy).
	byPriority bool
}

func (w *host) phasing(settings *conf.Tree) phasing {
	either := func(name string) bool {
		return settings.Bool("APT::Get::"+name, settings.Bool("Update-Manager::"+name, false))
	}
	p := phasing{
		always:     either("Always-Include-Phased-Updates"),
		never:      either("Never-Include-Phased-Updates"),
		byPriority: settings.Bool("APT::Get::Phase-Policy", false),
	}
	id, _ := settings.Find("APT::Machine-ID")
	if p.machineID = id.Text; p.machineID != "" {
		return p
	}
	// Without a file, or with one that cannot be read, apt takes every update.
	text, err := w.ReadFile("/etc/machine-id", 4096)
	if err == nil {
		line, _, _ := strings.Cut(string(text), "\n")
		p.machineID = strings.TrimRight(line, "\r")
	}
	return p
}

// excludes reports whether it is not this machine's turn for a version.
func (p *phasing) excludes(o *offer) bool {
	switch {
	case o.phased >= 100, p.always:
		return false
	case p.never:
		return true
	}
	return apt.Deferred(o.Source, o.sourceVersion, p.machineID, o.phased)
}

// keeps reports whether apt keeps the installed version although it has the newer
// offer i as candidate (upgrade.cc, ShouldKeep): the candidate is phased and no
// version of a suite "…-security" lies between the two. Up to 2.6 apt looks at the
// installed version in the same way first, and keeps it if that one is phased.
// What is half-installed, of a version that no archive has, apt installs anew,
// phased or not.
func (s *scan) keeps(p *entry, i int) bool {
	if i < 0 || s.phasing.byPriority || !p.newer(i) {
		return false
	}
	at := slices.IndexFunc(p.offers, func(o offer) bool { return o.Version.Version == p.Version })
	if p.State == "half-installed" {
		return len(p.offers[at].Archives) > 0 && s.waits(p, i, at)
	}
	return s.waits(p, i, at) || s.oldApt && s.waits(p, at, len(p.offers))
}

// waits reports whether an offer is not for this machine yet, and nothing of a
// security suite stands between it and the offer at end.
func (s *scan) waits(p *entry, i, end int) bool {
	if !s.phasing.excludes(&p.offers[i]) {
		return false
	}
	for i++; i < end; i++ {
		if slices.ContainsFunc(p.offers[i].Archives, func(a *pin.Archive) bool { return strings.HasSuffix(a.Release.Suite, "-security") }) {
			return false
		}
	}
	return true
}

// oldApt reports whether the host's apt is one of before 2.7.
func oldApt(packages []dpkg.Package) bool {
	i := slices.IndexFunc(packages, func(p dpkg.Package) bool { return p.Name == "apt" && p.Installed() })
	return i >= 0 && pkgver.Deb(packages[i].Version, "2.7~") < 0
}
