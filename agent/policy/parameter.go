package policy

import (
	"slices"

	"cel.dev/cel-go/cel"

	"seawall/agent/policy/format"
)

// override puts the values that files set in place of the checks' own.
func override(files []*format.File) {
	checks := map[string]*format.Check{}
	for _, f := range files {
		for _, c := range f.Checks {
			checks[c.Info.ID] = c
		}
	}
	set := map[string]bool{}
	for _, f := range files {
		for _, o := range f.Overrides {
			c := checks[o.Check.Text]
			if c == nil {
				f.Problem(o.Check, 0, "no check is called %q", o.Check.Text)
				continue
			}
			for _, p := range o.Parameters {
				i := slices.IndexFunc(c.Parameters, func(own format.Parameter) bool { return own.Name.Text == p.Name.Text })
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

// parameter is a number that all expressions of a check see.
type parameter struct {
	name  string
	value int64
}

// parameters declares the parameters of c.
func (b *builder) parameters(c *format.Check) ([]parameter, bool) {
	var list []parameter
	for _, p := range c.Parameters {
		if !b.declare(p.Name, cel.IntType) {
			return nil, false
		}
		list = append(list, parameter{p.Name.Text, p.Value})
	}
	return list, true
}
