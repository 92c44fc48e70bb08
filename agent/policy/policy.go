package policy

import (
	"errors"
	"fmt"
	"io/fs"
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
	Parameters []string // as "name: value"
	File       string   // where the check is written
	Line       int
}

// Policy is a set of compiled checks. It may be used from any goroutine.
type Policy struct {
	shape  shape
	checks []*check // by id
}

// Load compiles the checks of all sources over facts of the type of shape, a
// struct of groups (see the package's documentation). Its error joins every
// problem found, each an *Error with its place.
func Load(shape any, sources ...Source) (*Policy, error) {
	s, err := shapeOf(shape)
	if err != nil {
		return nil, err
	}
	lang, err := expr.New(s.typ)
	if err != nil {
		return nil, err
	}
	p := &Policy{shape: s}
	var problems []error
	var files []*format.File
	for _, src := range sources {
		files = append(files, format.Parse(src))
	}
	format.Settle(files)
	for _, f := range files {
		p.checks = append(p.checks, buildAll(lang, s, f)...)
		problems = append(problems, f.Problems...)
	}
	slices.SortStableFunc(p.checks, func(a, b *check) int { return strings.Compare(a.info.ID, b.info.ID) })
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return p, nil
}

func buildAll(lang *expr.Language, s shape, file *format.File) []*check {
	var checks []*check
	for _, raw := range file.Checks {
		if c := build(lang, s, file, raw); c != nil {
			checks = append(checks, c)
		}
	}
	return checks
}

// Checks lists every check by id. Remediation is the default one.
func (p *Policy) Checks() []Check {
	list := make([]Check, 0, len(p.checks))
	for _, c := range p.checks {
		d := Check{CheckInfo: c.forFamily(""), Profiles: c.profiles, Rule: c.describe(), File: c.file, Line: c.line}
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

// Choose returns the ids that names stand for: ids themselves, and families. No
// names give no ids, which stand for all.
func (p *Policy) Choose(names ...string) ([]string, error) {
	var ids, known []string
	for _, c := range p.checks {
		known = append(known, c.info.ID, c.info.Family)
	}
	for _, name := range names {
		before := len(ids)
		for _, c := range p.checks {
			if c.info.ID == name || c.info.Family == name {
				ids = append(ids, c.info.ID)
			}
		}
		if len(ids) == before {
			return nil, near.Unknown("check", name, known)
		}
	}
	return ids, nil
}

// Profile returns the ids of the checks in the named profile; there may be none.
func (p *Policy) Profile(name string) ([]string, error) {
	if !slices.Contains(format.Profiles(), name) {
		return nil, near.Unknown("profile", name, format.Profiles())
	}
	var ids []string
	for _, c := range p.checks {
		if slices.Contains(c.profiles, name) {
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
