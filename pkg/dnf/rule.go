package dnf

import (
	"slices"

	"seawall/pkg/dnf/ini"
	"seawall/pkg/nevra"
)

// Rule is what keeps a package from being offered.
type Rule struct {
	File string
	Line int
	Text string // as it stands there
	Lock bool   // of versionlock, else an exclude or a list of includes
}

// rule is one pattern of a list.
type rule struct {
	Rule
	pattern *nevra.Pattern
}

// maxRules bounds the patterns of one section, maxPattern each of them: all are
// compared with every package. A list of so many is said to be full.
const (
	maxRules   = 1000
	maxPattern = 256
)

// rules reads the patterns of a section's lists and puts them behind those before,
// or in their place where the first piece of the value is empty.
func rules(file string, s *ini.Section, before []*rule, keys ...string) []*rule {
	all := before
	for i := range s.Options {
		o := &s.Options[i]
		if !slices.Contains(keys, o.Key) {
			continue
		}
		if first := o.Lines[0].Value; first == "" || first[0] == ',' {
			all = nil
		}
		for _, l := range o.Lines {
			value := l.Value
			if len(o.Lines) == 1 {
				value = ini.Unquote(value)
			}
			for _, text := range ini.List(value) {
				if len(text) <= maxPattern && len(all) < maxRules {
					all = append(all, &rule{Rule{File: file, Line: l.Number, Text: l.Text[:min(len(l.Text), maxPattern)]}, nevra.Spec(text)})
				}
			}
		}
	}
	return all
}

func match(rules []*rule, b nevra.Package) *rule {
	for _, r := range rules {
		if r.pattern.Matches(b) {
			return r
		}
	}
	return nil
}

// patterns are all that depend on which packages there are.
func (c *Config) patterns(each func(*nevra.Pattern) bool) {
	for _, rules := range [...][]*rule{c.excludes, c.includes, c.locks.list} {
		for _, r := range rules {
			if !each(r.pattern) {
				return
			}
		}
	}
	for i := range c.Repos {
		for _, rules := range [...][]*rule{c.Repos[i].excludes, c.Repos[i].includes} {
			for _, r := range rules {
				if !each(r.pattern) {
					return
				}
			}
		}
	}
}

// Concerns reports whether packages of that name may still tell what a rule means.
// Excluded becomes exact when those are told to Meet, too, be they installed or not.
func (c *Config) Concerns(name []byte) (found bool) {
	c.patterns(func(p *nevra.Pattern) bool {
		found = p.Asks(string(name))
		return !found
	})
	return found
}

// Meet tells the rules of a package that is installed or that a repository offers:
// dnf reads a pattern such as "php-*" as a name where there are such packages, and
// else as a name and a version. It comes before Excluded.
func (c *Config) Meet(name, evr, arch string) {
	var b nevra.Package
	c.patterns(func(p *nevra.Pattern) bool {
		if b.Name == "" {
			b = nevra.Split(name, evr, arch)
		}
		p.Meet(b)
		return true
	})
}

// Excluded reports whether dnf would leave the build out of what the repository
// offers, and by which rule. The build's evr is "epoch:version-release".
func (c *Config) Excluded(repo *Repo, name, evr, arch string) (by Rule, ok bool) {
	b := nevra.Split(name, evr, arch)
	if r := match(c.excludes, b); r != nil {
		return r.Rule, true
	}
	includes := c.includes
	if repo != nil {
		if r := match(repo.excludes, b); r != nil {
			return r.Rule, true
		}
		includes = append(includes[:len(includes):len(includes)], repo.includes...)
	}
	if len(includes) > 0 && match(includes, b) == nil {
		return includes[0].Rule, true
	}
	return c.locks.excluded(b, evr)
}
