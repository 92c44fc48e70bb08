// Package pending puts a host's pending security updates together as people speak
// of them: "openssl: 3 packages, pending for 12 days". The packages of one source
// are one [Group], with the worst severity and the longest wait among them.
//
// What a host says of a package is a result of the check [Check]: the resource is
// name:arch, actual the version installed, expected the one that is fixed. Its
// evidence has lines of text: where the fix is, the vendor's advisories, and what
// keeps the fix back, which begins with one of dpkg's and rpm's reasons ("held",
// "pinned"). A line of another form is kept as a note: the host may be newer.
package pending

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Check is the check with one result for each package that has a security update.
const Check = "patch-security-updates"

// Package is one package with a pending update.
type Package struct {
	Resource  string           `json:"resource"` // name:arch
	Installed string           `json:"installed"`
	Fixed     string           `json:"fixed"`
	Origin    string           `json:"origin"` // where the fix is, empty where the host does not say
	Severity  finding.Severity `json:"severity"`
	// Kept says what keeps the fix back, label and reason; empty where an upgrade
	// installs it.
	Kept  string    `json:"kept_back"`
	Notes []string  `json:"notes"` // advisories, and what else the host says
	Since time.Time `json:"since"`
}

// Group is the packages that one update is for.
type Group struct {
	Name     string           `json:"group"`
	Severity finding.Severity `json:"severity"` // the worst
	Since    time.Time        `json:"since"`    // the earliest
	Days     int              `json:"days_pending"`
	Packages []Package        `json:"packages"`
}

// Is reports whether a result is a package with a pending update.
func Is(r *finding.Result) bool {
	return r.Check == Check && r.Status == finding.StatusFail && r.Resource != ""
}

// Since is since when a result is what it is: what the host says of the matter
// itself, or else when the verdict became what it is.
func Since(now time.Time, s *fleet.State) time.Time {
	if t := s.Result.Since; t.Year() >= 1970 && !t.After(now) {
		return t
	}
	return s.Since
}

// Groups returns the pending updates among the states, the worst and then the
// longest pending first.
func Groups(now time.Time, states []fleet.State) []Group {
	groups := []Group{}
	place := make(map[string]int)
	for i := range states {
		r := &states[i].Result
		if !Is(r) {
			continue
		}
		name := r.Group
		if name == "" {
			name = alone(r.Resource)
		}
		n, had := place[name]
		if !had {
			n, place[name] = len(groups), len(groups)
			groups = append(groups, Group{Name: name})
		}
		groups[n].Packages = append(groups[n].Packages, read(r, Since(now, &states[i])))
	}
	for i := range groups {
		groups[i].sum(now)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), a.Since.Compare(b.Since), strings.Compare(a.Name, b.Name))
	})
	return groups
}

// alone is the name of a package without a source: the resource without its
// architecture.
func alone(resource string) string {
	name, _, _ := strings.Cut(resource, ":")
	return cmp.Or(name, resource)
}

func (g *Group) sum(now time.Time) {
	slices.SortFunc(g.Packages, func(a, b Package) int { return strings.Compare(a.Resource, b.Resource) })
	for i, p := range g.Packages {
		g.Severity = max(g.Severity, p.Severity)
		if i == 0 || p.Since.Before(g.Since) {
			g.Since = p.Since
		}
	}
	g.Days = max(0, int(now.Sub(g.Since)/(24*time.Hour)))
}

// labels begin a line of evidence that says what keeps a fix back.
func labels() []string {
	return []string{"held", "pinned", "masked", "deferred phasing", "esm not enabled", "excluded", "not available"}
}

// read takes a package from its result.
func read(r *finding.Result, since time.Time) Package {
	p := Package{Resource: r.Resource, Installed: r.Actual, Fixed: r.Expected, Severity: r.Severity, Notes: []string{}, Since: since}
	for _, e := range r.Evidence {
		from, isFix := strings.CutPrefix(e.Text, r.Expected)
		switch {
		case e.Text == "":
		case p.Kept == "" && slices.ContainsFunc(labels(), func(label string) bool {
			return e.Text == label || strings.HasPrefix(e.Text, label+":")
		}):
			p.Kept = e.Text
		case isFix && r.Expected != "" && (from == "" || from[0] == ' ' || from[0] == ','):
			p.Origin = origin(from)
		default:
			p.Notes = append(p.Notes, e.Text)
		}
	}
	return p
}

// origin is the archive in " in ARCHIVE, source NAME"; the group has the source.
func origin(from string) string {
	if i := strings.LastIndex(from, ", source "); i >= 0 {
		from = from[:i]
	}
	archive, ok := strings.CutPrefix(from, " in ")
	if !ok {
		return ""
	}
	return archive
}

// Alike reports whether all packages go from one version to one other.
func (g Group) Alike() bool {
	return !slices.ContainsFunc(g.Packages, func(p Package) bool {
		return p.Installed != g.Packages[0].Installed || p.Fixed != g.Packages[0].Fixed
	})
}

// Said is a text of some of a group's packages.
type Said struct {
	Text string
	Of   []string // the resources, empty where it is of all
}

// Kept returns what keeps fixes of the group back.
func (g Group) Kept() []Said {
	return g.said(func(p *Package) []string { return []string{p.Kept} })
}

// Notes returns the advisories and what else is said.
func (g Group) Notes() []Said {
	return g.said(func(p *Package) []string { return p.Notes })
}

// said gathers texts, each once, in the order of the packages.
func (g Group) said(texts func(*Package) []string) (out []Said) {
	place := make(map[string]int)
	for i := range g.Packages {
		p := &g.Packages[i]
		for _, text := range texts(p) {
			if text == "" {
				continue
			}
			n, had := place[text]
			if !had {
				n, place[text] = len(out), len(out)
				out = append(out, Said{Text: text})
			}
			if of := out[n].Of; len(of) == 0 || of[len(of)-1] != p.Resource {
				out[n].Of = append(of, p.Resource)
			}
		}
	}
	for i := range out {
		if len(out[i].Of) == len(g.Packages) {
			out[i].Of = nil
		}
	}
	return out
}
