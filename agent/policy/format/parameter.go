package format

import (
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
