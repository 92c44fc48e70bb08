package format

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"seawall/agent/near"
)

// maxParameter bounds a parameter, so that what is computed from it is no overflow.
const maxParameter = 1_000_000_000

// parameters reads names with a number each.
func (p *File) parameters(n *yaml.Node) []Parameter {
	var list []Parameter
	p.pairs(n, maxLets, func(name Scalar, value *yaml.Node) {
		s := p.scalar(value)
		number, err := strconv.ParseInt(s.Text, 10, 64)
		if err != nil || number < 0 || number > maxParameter {
			p.errorAt(value, "parameter %s: %q is not a whole number up to %d", name.Text, s.Text, maxParameter)
		}
		list = append(list, Parameter{name, number})
	})
	return list
}

// settings reads identifiers of checks with parameters each.
func (p *File) settings(n *yaml.Node) []Setting {
	var list []Setting
	p.pairs(n, maxChecks, func(check Scalar, value *yaml.Node) {
		list = append(list, Setting{check, p.parameters(value)})
	})
	return list
}

// set puts the values that files set in place of the checks' own.
func (s *settlement) set() {
	taken := map[string]bool{}
	for _, f := range s.files {
		for _, o := range f.Settings {
			c := s.checks[o.Check.Text]
			if c == nil {
				f.Problem(o.Check, 0, "no check is called %q%s", o.Check.Text, near.Hint(o.Check.Text, s.ids))
				continue
			}
			for _, p := range o.Parameters {
				i := slices.IndexFunc(c.Parameters, func(own Parameter) bool { return own.Name.Text == p.Name.Text })
				key := o.Check.Text + " " + p.Name.Text
				switch {
				case i < 0:
					f.Problem(p.Name, 0, "%s has no parameter %q", o.Check.Text, p.Name.Text)
				case taken[key]:
					f.Problem(p.Name, 0, "%s of %s is set already", p.Name.Text, o.Check.Text)
				default:
					c.Parameters[i].Value = p.Value
				}
				taken[key] = true
			}
		}
	}
}
