package format

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Baseline is the profile of a check that names none, and the one that is
// evaluated where nobody asks for another.
const Baseline = "baseline"

// Profiles lists the profiles that a check may name. Every check of cis-1 is one
// of cis-2, too.
func Profiles() []string { return []string{Baseline, "cis-1", "cis-2", "image"} }

// profiles reads the names of the profiles that a check is in.
func (p *File) profiles(n *yaml.Node) []Scalar {
	var names []Scalar
	has := func(name string) bool {
		return slices.ContainsFunc(names, func(s Scalar) bool { return s.Text == name })
	}
	for _, s := range p.scalars(n, maxLets) {
		switch {
		case !slices.Contains(Profiles(), s.Text):
			p.errorAt(s.Node, "profile %q is none of %s", s.Text, strings.Join(Profiles(), ", "))
		case has(s.Text):
			p.errorAt(s.Node, "profile %q stands here twice", s.Text)
		default:
			names = append(names, s)
		}
	}
	if len(names) == 0 {
		p.errorAt(n, "profiles names none")
	}
	if has("cis-1") && !has("cis-2") {
		names = append(names, Scalar{"cis-2", n})
	}
	return names
}
