package format

import (
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
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

// overrides reads identifiers of checks with parameters each.
func (p *File) overrides(n *yaml.Node) []Override {
	var list []Override
	p.pairs(n, maxChecks, func(check Scalar, value *yaml.Node) {
		list = append(list, Override{check, p.parameters(value)})
	})
	return list
}

// Settle puts the values that files set in place of the checks' own. What is wrong
// with one is a problem of the file that sets it.
func Settle(files []*File) {
	checks := unique(files)
	set := map[string]bool{}
	for _, f := range files {
		for _, o := range f.Overrides {
			c := checks[o.Check.Text]
			if c == nil {
				f.Problem(o.Check, 0, "no check is called %q", o.Check.Text)
				continue
			}
			for _, p := range o.Parameters {
				i := slices.IndexFunc(c.Parameters, func(own Parameter) bool { return own.Name.Text == p.Name.Text })
				key := o.Check.Text + " " + p.Name.Text
				switch {
				case i < 0:
					f.Problem(p.Name, 0, "%s has no parameter %q", o.Check.Text, p.Name.Text)
				case set[key]:
					f.Problem(p.Name, 0, "%s of %s is set already", p.Name.Text, o.Check.Text)
				default:
					c.Parameters[i].Value = p.Value
				}
				set[key] = true
			}
		}
	}
}

// unique returns the checks by id. One that stands in an earlier place already is a
// problem of its file.
func unique(files []*File) map[string]*Check {
	checks := map[string]*Check{}
	first := map[string]string{}
	for _, f := range files {
		for _, c := range f.Checks {
			id := c.Info.ID
			if place, taken := first[id]; taken {
				f.Problem(c.At, 0, "check %s stands in %s already", id, place)
				continue
			}
			checks[id], first[id] = c, fmt.Sprintf("%s:%d", f.Name, c.At.Node.Line)
		}
	}
	return checks
}
