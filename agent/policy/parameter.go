package policy

import (
	"cel.dev/cel-go/cel"

	"seawall/agent/policy/format"
)

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
