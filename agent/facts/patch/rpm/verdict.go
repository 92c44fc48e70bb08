package rpm

import (
	"fmt"
	"strings"

	"seawall/agent/facts/patch"
	"seawall/pkg/pkgver"
	"seawall/pkg/text"
)

const noarch = "noarch"

// verdict fills in the pending packages and the count of the others, unless it is
// stopped.
func (s *scan) verdict(f *patch.Facts, stopped func() error) error {
	name, priority := "", 0
	for i, e := range s.entries {
		if err := stopped(); err != nil {
			return err
		}
		if e.Name != name {
			name, priority = e.Name, s.rule(e.Name)
		}
		best, kept := s.candidate(e, priority)
		switch {
		case e.newest != nil && e.newest.fixed != "":
			// Its row is that of the newest, which needs a fix as well.
		case e.fixed != "":
			f.Packages = append(f.Packages, s.pending(e, best, kept))
		case e.newest == nil && best != nil && !s.runningPending(i):
			f.OtherPending++
		}
	}
	return nil
}

// runningPending reports whether the entry after i, the running kernel's package
// beside the newest one, is pending.
func (s *scan) runningPending(i int) bool {
	return i+1 < len(s.entries) && s.entries[i+1].newest == s.entries[i] && s.entries[i+1].fixed != ""
}

// candidate is the newest build that would replace the installed one, and the
// newest that an exclude or a lock keeps back; nil where there is none.
func (s *scan) candidate(e *entry, priority int) (best, kept *offer) {
	if e.newest != nil {
		e = e.newest
	}
	offers := s.offers[e.Name]
	for i := range offers {
		o := &offers[i]
		if o.arch != e.Arch && o.arch != noarch && e.Arch != noarch || pkgver.RPM(o.evr, e.evr) <= 0 {
			continue
		}
		switch {
		case o.excluded:
			kept = newer(o, kept)
		case o.repo.Priority == priority:
			best = newer(o, best)
		}
	}
	return best, kept
}

func newer(a, b *offer) *offer {
	if b == nil || pkgver.RPM(a.evr, b.evr) > 0 {
		return a
	}
	return b
}

// pending is the row of a package.
func (s *scan) pending(e *entry, best, kept *offer) patch.Package {
	out := patch.Package{
		Name:       text.Clean(e.Name, maxWord),
		Arch:       text.Clean(e.Arch, maxWord),
		Installed:  shown(e.evr),
		Fixed:      shown(e.fixed),
		Source:     text.Clean(sourceName(e.SourceRPM, e.Name), maxWord),
		Origin:     text.Clean(e.from.ID, maxWord),
		Severity:   text.Clean(e.severity, maxWord),
		Advisories: cleaned(e.advisories),
		CVEs:       cleaned(e.cves),
		Published:  patch.RFC3339(e.published),
	}
	if best != nil {
		out.Candidate, out.CandidateOrigin = shown(best.evr), text.Clean(best.repo.ID, maxWord)
	}
	label, reason := e.label(best, kept)
	out.Label, out.Reason = label, text.Clean(reason, text.Limit)
	return out
}

// label says what becomes of the fix.
func (e *entry) label(best, kept *offer) (label, reason string) {
	switch {
	case e.newest != nil && pkgver.RPM(e.newest.evr, e.fixed) >= 0:
		return patch.LabelNotRunning, fmt.Sprintf("%s is installed, and the running kernel is older: restart the host", shown(e.newest.evr))
	case best != nil && pkgver.RPM(best.evr, e.fixed) == 0:
		return patch.LabelAvailable, ""
	case best != nil && pkgver.RPM(best.evr, e.fixed) > 0:
		return patch.LabelMasked, fmt.Sprintf("%s from %s is newer than the fix", shown(best.evr), best.repo.ID)
	case kept != nil && pkgver.RPM(kept.evr, e.fixed) >= 0:
		by := "kept back by "
		if kept.rule.Lock {
			by = "locked by "
		}
		return patch.LabelExcluded, fmt.Sprintf("%s%s line %d: %s", by, kept.rule.File, kept.rule.Line, kept.rule.Text)
	}
	return patch.LabelNotAvailable, "no enabled repository offers " + shown(e.fixed) + " or newer"
}

// shown is a version as rpm and dnf show it: without an epoch of 0.
func shown(evr string) string { return text.Clean(strings.TrimPrefix(evr, "0:"), maxWord) }

// sourceName is the name in "openssl-3.0.7-27.el9.src.rpm".
func sourceName(file, name string) string {
	parts := strings.Split(file, "-")
	if len(parts) < 3 {
		return name
	}
	return strings.Join(parts[:len(parts)-2], "-")
}

func cleaned(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = text.Clean(s, maxWord)
	}
	return out
}
