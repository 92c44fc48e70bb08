package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"seawall/agent/near"
	"seawall/agent/policy/expr"
	"seawall/agent/policy/format"
	"seawall/pkg/finding"
)

// Source is one policy file.
type Source = format.Source

// Error is a problem in a policy file, at its place.
type Error = format.Error

// Sources reads the files of fsys whose names end in .yaml, in order of their
// names. Each name is led by prefix.
func Sources(fsys fs.FS, prefix string) ([]Source, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	var list []Source
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read policy: %w", err)
		}
		list = append(list, Source{Name: path.Join(prefix, name), Data: data})
	}
	return list, nil
}

// Check describes a loaded check for people and for choosing.
type Check struct {
	finding.CheckInfo
	Profiles   []string
	Needs      []string // groups of facts
	Rule       string   // the assertion, as written
	Reads      []string // the assertion, and what it is of, as paths of facts where that can be
	Parameters []string // as "name: value"
	File       string   // where the check is written
	Line       int
}

// Policy is a set of checks. It may be used from any goroutine.
type Policy struct {
	shape    shape
	checks   []*check          // by id, those that are not switched off
	profiles []string          // all names
	off      map[string]string // checks that are switched off: where and why
}

// Load reads the checks of all sources over facts of the type of shape, a struct of
// groups (see the package's documentation). Its error joins every problem found,
// each an *Error with its place.
func Load(shape any, sources ...Source) (*Policy, error) { return LoadFor(nil, shape, sources...) }

// LoadFor is Load for a host with the given tags, which overrides may ask for.
func LoadFor(tags []string, shape any, sources ...Source) (*Policy, error) {
	s, err := shapeOf(shape)
	if err != nil {
		return nil, err
	}
	lang, err := expr.New(s.typ)
	if err != nil {
		return nil, err
	}
	p := &Policy{shape: s, profiles: append(format.Profiles(), format.All), off: map[string]string{}}
	var problems []error
	var files []*format.File
	for _, src := range sources {
		files = append(files, format.Parse(src))
	}
	format.Settle(files, tags)
	for _, f := range files {
		p.add(lang, f)
		problems = append(problems, f.Problems...)
	}
	slices.SortStableFunc(p.checks, func(a, b *check) int { return strings.Compare(a.info.ID, b.info.ID) })
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return p, nil
}

// add takes over what a file has. A check that is switched off must be right all
// the same.
func (p *Policy) add(lang *expr.Language, file *format.File) {
	if file.Profile != nil {
		p.profiles = append(p.profiles, file.Profile.Name.Text)
	}
	for _, raw := range file.Checks {
		c := build(lang, p.shape, file, raw)
		switch {
		case c == nil:
		case raw.Disabled != "":
			p.off[c.info.ID] = raw.Disabled
		default:
			p.checks = append(p.checks, c)
		}
	}
}

// Checks lists every check by id. Remediation is the default one.
func (p *Policy) Checks() []Check {
	list := make([]Check, 0, len(p.checks))
	for _, c := range p.checks {
		d := Check{CheckInfo: c.forFamily(""), Profiles: c.profiles, Rule: c.describe(), Reads: c.reads(), File: c.file, Line: c.line}
		for _, g := range c.needs {
			d.Needs = append(d.Needs, g.name)
		}
		for _, p := range c.parameters {
			d.Parameters = append(d.Parameters, fmt.Sprintf("%s: %d", p.name, p.value))
		}
		list = append(list, d)
	}
	return list
}

// Known returns the ids of all checks, of those too that are switched off.
func (p *Policy) Known() []string {
	ids := slices.Collect(maps.Keys(p.off))
	for _, c := range p.checks {
		ids = append(ids, c.info.ID)
	}
	return ids
}

// ForGroups returns the ids of the checks that need any of the named groups.
func (p *Policy) ForGroups(groups ...string) []string {
	var ids []string
	for _, c := range p.checks {
		if slices.ContainsFunc(c.needs, func(g group) bool { return slices.Contains(groups, g.name) }) {
			ids = append(ids, c.info.ID)
		}
	}
	return ids
}

// Groups returns the groups that the named checks need, those of all checks when
// none is named.
func (p *Policy) Groups(ids ...string) []string {
	var names []string
	for _, g := range p.shape.groups {
		for _, c := range p.named(ids) {
			if slices.ContainsFunc(c.needs, func(n group) bool { return n.name == g.name }) {
				names = append(names, g.name)
				break
			}
		}
	}
	return names
}

// Choose returns the ids that names stand for: ids themselves, and families, of
// which those checks are meant that are in the profile. Without names it returns all
// of the profile. The profile "" has every check. There is always an id, or an error.
func (p *Policy) Choose(profile string, names ...string) ([]string, error) {
	ids, err := p.Profile(profile)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && len(ids) == 0 {
		return nil, fmt.Errorf("profile %s has no checks", profile)
	}
	if len(names) == 0 {
		return ids, nil
	}
	var chosen []string
	for _, name := range names {
		found, err := p.called(name, ids)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no check of the family %s is in the profile %s", name, profile)
		}
		chosen = append(chosen, found...)
	}
	return chosen, nil
}

// called returns the check of that id, or those of the family that are among ids.
func (p *Policy) called(name string, ids []string) ([]string, error) {
	if why, off := p.off[name]; off {
		return nil, fmt.Errorf("check %s is switched off by %s", name, why)
	}
	var found, known []string
	family := false
	for _, c := range p.checks {
		known = append(known, c.info.ID, c.info.Family)
		if c.info.ID == name {
			return []string{name}, nil
		}
		if c.info.Family == name {
			family = true
			if slices.Contains(ids, c.info.ID) {
				found = append(found, c.info.ID)
			}
		}
	}
	if !family {
		return nil, near.Unknown("check", name, known)
	}
	return found, nil
}

// Profile returns the ids of the checks in the named profile, of all for "" and "all".
// There may be none.
func (p *Policy) Profile(name string) ([]string, error) {
	if name != "" && !slices.Contains(p.profiles, name) {
		return nil, near.Unknown("profile", name, p.profiles)
	}
	var ids []string
	for _, c := range p.checks {
		if name == "" || name == format.All || slices.Contains(c.profiles, name) {
			ids = append(ids, c.info.ID)
		}
	}
	return ids, nil
}

// named returns the checks with the given ids, all when there are none.
func (p *Policy) named(ids []string) []*check {
	if len(ids) == 0 {
		return p.checks
	}
	var list []*check
	for _, c := range p.checks {
		if slices.Contains(ids, c.info.ID) {
			list = append(list, c)
		}
	}
	return list
}

// Pack returns the static text of all checks, with the remediation for a family
// of distributions ("debian", "rhel", …; the default where there is none). Its
// digest is left to whoever encodes it.
func (p *Policy) Pack(family string) finding.Pack {
	var pack finding.Pack
	for _, c := range p.checks {
		pack.Checks = append(pack.Checks, c.forFamily(family))
	}
	return pack
}

func (c *check) forFamily(family string) finding.CheckInfo {
	info := c.info
	info.Remediation = c.remediation["default"]
	if text, ok := c.remediation[family]; ok {
		info.Remediation = text
	}
	return info
}
