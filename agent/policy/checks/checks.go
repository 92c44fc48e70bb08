// Package checks holds the built-in checks, and loads them together with a user's
// own. The files beside this one are the checks; package policy/format documents
// their format.
package checks

import (
	"embed"

	"seawall/agent/policy"
)

//go:embed *.yaml
var files embed.FS

// Load reads the built-in checks and a user's own, for a host with the given tags. A
// user's check may not take the id of another.
func Load(shape any, tags []string, own ...policy.Source) (*policy.Policy, error) {
	sources, err := Sources()
	if err != nil {
		return nil, err
	}
	return policy.LoadFor(tags, shape, append(sources, own...)...)
}

// Sources returns the built-in checks. They are trusted: the tests of this package
// compile all of them.
func Sources() ([]policy.Source, error) {
	sources, err := policy.Sources(files, "baseline")
	for i := range sources {
		sources[i].Trusted = true
	}
	return sources, err
}
