// Package checks holds the built-in checks, the baseline, and loads them together
// with a user's own. The files beside this one are the baseline; package policy
// documents their format.
package checks

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"seawall/agent/policy"
)

//go:embed *.yaml
var files embed.FS

// Load compiles the baseline and the checks in dir (files that end in .yaml). A
// missing dir is no error, and "" means none. A user's check may not take the id
// of another.
func Load(shape any, dir string) (*policy.Policy, error) {
	sources, err := policy.Sources(files, "baseline")
	if err != nil {
		return nil, err
	}
	for i := range sources {
		sources[i].Trusted = true // the tests of this package compile all of it
	}
	if dir != "" {
		own, err := readDir(dir)
		if err != nil {
			return nil, err
		}
		sources = append(sources, own...)
	}
	return policy.Load(shape, sources...)
}

// readDir reads a user's checks.
func readDir(dir string) ([]policy.Source, error) {
	switch _, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("checks: %w", err)
	}
	return policy.Sources(os.DirFS(dir), dir)
}
