// Package pending puts a host's pending security updates together as people speak
// of them: "openssl: 3 packages, pending for 12 days". The packages of one source
// are one [Group], with the worst severity and the longest wait among them.
//
// What a host says of a package is a result of the check [Check]: the resource is
// name:arch, actual the version installed, expected the one that is fixed. Its
// evidence has lines of text: where the fix is, the vendor's advisories, and why an
// upgrade does not just install the fix, which begins with a label ("held",
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
	// Label says why an upgrade does not just install the fix, empty where it does;
	// Reason has it in the host's words.
	Label  string    `json:"label"`
	Reason string    `json:"reason"`
	Notes  []string  `json:"notes"` // advisories, and what else the host says
	Since  time.Time `json:"since"`
}

// Group is the packages that one update is for.
type Group struct {
	Name     string           `json:"group"`
	Severity finding.Severity `json:"severity"`     // the worst
	Since    time.Time        `json:"since"`        // the earliest
	Days     int              `json:"days_pending"` // 0 where since is not known, too
	Packages []Package        `json:"packages"`
}

// Is reports whether a result is a package with a pending update.
func Is(r *finding.Result) bool {
	return r.Check == Check && r.Status == finding.StatusFail && r.Resource != ""
}

// Since is since when a result is what it is: when the verdict became that, or earlier by what
// the host says of the matter itself.
func Since(s *fleet.State) time.Time {
	if t := s.Result.Since; t.Year() >= 1970 && (t.Before(s.Since) || s.Since.IsZero()) {
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
		groups[n].Packages = append(groups[n].Packages, read(r, Since(&states[i])))
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
	if g.Since.Year() >= 1970 {
		g.Days = max(0, int(now.Sub(g.Since)/(24*time.Hour)))
	}
}

// labelled reads a line of evidence that begins with a label.
func labelled(line string) (label, reason string, ok bool) {
	label, reason, _ = strings.Cut(line, ":")
	switch label {
	case "held", "pinned", "masked", "deferred phasing", "esm not enabled", "excluded", "not available", "not running":
		return label, strings.TrimSpace(reason), true
	}
	return "", "", false
}

// read takes a package from its result.
func read(r *finding.Result, since time.Time) Package {
	p := Package{Resource: r.Resource, Installed: r.Actual, Fixed: r.Expected, Severity: r.Severity, Notes: []string{}, Since: since}
	for _, e := range r.Evidence {
		if label, reason, ok := labelled(e.Text); ok && p.Label == "" {
			p.Label, p.Reason = label, reason
			continue
		}
		from, isFix := strings.CutPrefix(e.Text, r.Expected)
		switch {
		case e.Text == "":
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

// Versions returns the versions that are installed, each once, and those that are
// fixed.
func (g Group) Versions() (v struct{ Installed, Fixed []string }) {
	for _, p := range g.Packages {
		if !slices.Contains(v.Installed, p.Installed) {
			v.Installed = append(v.Installed, p.Installed)
		}
		if !slices.Contains(v.Fixed, p.Fixed) {
			v.Fixed = append(v.Fixed, p.Fixed)
		}
	}
	return v
}

// Single is the only package of a group with another name than its own.
func (g Group) Single() string {
	if len(g.Packages) != 1 || alone(g.Packages[0].Resource) == g.Name {
		return ""
	}
	return g.Packages[0].Resource
}

// Said is what is said of some of a group's packages.
type Said struct {
	Label, Text string
	Of          []string // the resources, empty where it is of all
}

// Labels returns the labels of the group with their reasons.
func (g Group) Labels() []Said {
	return g.said(func(p *Package) []Said {
		if p.Label == "" {
			return nil
		}
		return []Said{{Label: p.Label, Text: p.Reason}}
	})
}

// Notes returns the advisories and what else is said.
func (g Group) Notes() []Said {
	return g.said(func(p *Package) (all []Said) {
		for _, note := range p.Notes {
			all = append(all, Said{Text: note})
		}
		return all
	})
}

// said gathers what is said of the packages, each once, in their order.
func (g Group) said(of func(*Package) []Said) (out []Said) {
	place := make(map[[2]string]int)
	for i := range g.Packages {
		p := &g.Packages[i]
		for _, s := range of(p) {
			n, had := place[[2]string{s.Label, s.Text}]
			if !had {
				n, place[[2]string{s.Label, s.Text}] = len(out), len(out)
				out = append(out, s)
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
