package format

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/agent/near"
	"seawall/pkg/finding"
)

// Override changes how a check of another file is used, on hosts with certain tags.
type Override struct {
	Check    Scalar // its id, or its family
	Disable  bool
	Severity finding.Severity // SeverityUnknown changes nothing
	Hosts    []string         // tags, of which the host has one; empty for every host
	Reason   string
}

// overrides reads a list of them.
func (p *File) overrides(n *yaml.Node) []Override {
	var list []Override
	for _, item := range p.sequence(n, maxChecks) {
		var o Override
		p.mapping(item, map[string]func(*yaml.Node){
			"check":    func(n *yaml.Node) { o.Check = p.scalar(n) },
			"disable":  func(n *yaml.Node) { o.Disable = p.bool(n) },
			"severity": func(n *yaml.Node) { o.Severity = p.severity(n) },
			"hosts":    func(n *yaml.Node) { o.Hosts = p.tags(n) },
			"reason":   func(n *yaml.Node) { o.Reason = p.string(n) },
		}, "check", "reason")
		if !o.Disable && o.Severity == finding.SeverityUnknown {
			p.errorAt(item, "an override has disable: true, or severity")
		}
		if !o.Check.Given() {
			continue
		}
		list = append(list, o)
	}
	return list
}

var tag = regexp.MustCompile(`^!?[a-z0-9]([a-z0-9._:-]{0,62}[a-z0-9])?$`)

func (p *File) tags(n *yaml.Node) []string {
	var list []string
	for _, s := range p.scalars(n, maxRefs) {
		if !tag.MatchString(s.Text) {
			p.Problem(s, 0, "%q is no tag: lower case letters, digits, and . _ : - between them", s.Text)
		}
		list = append(list, s.Text)
	}
	return list
}

// IsTag reports whether name can be a host's tag.
func IsTag(name string) bool { return tag.MatchString(name) && name[0] != '!' }

// holds reports whether a host with the given tags is meant.
func (o *Override) holds(tags []string) bool {
	return len(o.Hosts) == 0 || slices.ContainsFunc(o.Hosts, func(want string) bool {
		name, without := strings.CutPrefix(want, "!")
		return slices.Contains(tags, name) != without
	})
}

// override applies what holds on this host. Of several the first decides, and what
// names the check itself before what names its family.
func (s *settlement) override() {
	switched, graded := map[string]bool{}, map[string]bool{}
	apply := func(f *File, o *Override, c *Check) {
		id := c.Info.ID
		if o.Disable && !switched[id] {
			switched[id] = true
			line, _ := f.Place(o.Check, 0)
			c.Disabled = fmt.Sprintf("%s:%d: %s", f.Name, line, o.Reason)
		}
		if o.Severity != finding.SeverityUnknown && !graded[id] {
			graded[id] = true
			c.Info.Severity, c.Cases = o.Severity, nil
		}
	}
	for _, itself := range []bool{true, false} {
		for _, f := range s.files {
			for i := range f.Overrides {
				o := &f.Overrides[i]
				called := s.called(o.Check.Text)
				if len(called) == 0 && itself {
					f.Problem(o.Check, 0, "no check or family is called %q%s", o.Check.Text, near.Hint(o.Check.Text, s.known()))
				}
				for _, c := range called {
					if (c.Info.ID == o.Check.Text) == itself && o.holds(s.tags) {
						apply(f, o, c)
					}
				}
			}
		}
	}
}
