package format

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/finding"
)

// maxExamples bounds the examples of a check.
const maxExamples = 64

// Example is facts and what the check must say of them.
type Example struct {
	Name   Scalar
	Facts  *yaml.Node // groups with some of their fields; nil for none
	Want   finding.Status
	Actual Scalar // of the result; not given where any will do
}

// examples reads the examples of a check. The facts are read by whoever knows their
// types.
func (p *File) examples(n *yaml.Node) []Example {
	if p.Trusted {
		return nil // a run of checks does not look at them
	}
	var list []Example
	for _, item := range p.sequence(n, maxExamples) {
		var e Example
		p.mapping(item, map[string]func(*yaml.Node){
			"name":   func(n *yaml.Node) { e.Name = p.scalar(n) },
			"facts":  func(n *yaml.Node) { e.Facts = n },
			"want":   func(n *yaml.Node) { e.Want = p.status(n) },
			"actual": func(n *yaml.Node) { e.Actual = p.scalar(n) },
		}, "name", "want")
		list = append(list, e)
	}
	return list
}

// status reads a verdict that a check can come to.
func (p *File) status(n *yaml.Node) finding.Status {
	var s finding.Status
	err := s.UnmarshalText([]byte(p.string(n)))
	if err != nil || slices.Contains([]finding.Status{finding.StatusUnspecified, finding.StatusWaived}, s) {
		p.errorAt(n, "status %q is none of pass, fail, not_applicable, unknown, error", n.Value)
	}
	return s
}
