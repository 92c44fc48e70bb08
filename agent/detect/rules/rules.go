// Package rules has Seawall's own detections, and reads those of a host's owners.
//
// # Files
//
// Each *.yaml here is a file of Sigma rules with two more fields, which Sigma allows:
//
//	needs: [exec, config]       keys of the audit rules by which it is seen, without "seawall-";
//	                            none: the kernel tells it without a rule
//	examples:                   what lint runs
//	  - capture: sshd-config    records in captures.gz beside testdata/behaviours.txtar
//	    fires: true
//
// detect.rules is the profile of audit rules, in auditctl's language, that all of
// them need together. Rules of level informational are parts of correlations.
//
// # How the examples were made
//
// Every behaviour in testdata/behaviours.txtar was run under kernel audit, with the
// profile's rules for its own login user alone, and what the kernel sent is in
// testdata/captures.gz: nothing in it is made up. A test replays each and wants the
// detections that name it and no other.
//
// # A host's own
//
// Load reads *.yaml and *.yml of a directory, /etc/seawall/detections.d, beside them.
// A rule there with the id of one of ours takes its place.
package rules

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/rulefile"
)

// Dir is where a host's owners put their rules.
const Dir = "/etc/seawall/detections.d"

const (
	maxFile  = 4 << 20
	maxFiles = 10_000
	maxRules = 10_000 // of a directory: what is compiled of them has to fit into a sensor
)

//go:embed *.yaml
var files embed.FS

//go:embed detect.rules
var profile string

// Profile returns the audit rules that the detections here need, as auditctl text.
func Profile() string { return profile }

// Own returns Seawall's own rules.
func Own() ([]sigma.Rule, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	var (
		list     []sigma.Rule
		problems []error
	)
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		rules, err := rulefile.Parse(name, text)
		list, problems = append(list, rules...), append(problems, err)
	}
	return list, errors.Join(problems...)
}

// Load returns Seawall's own rules and those in dir, which need not exist. What is
// wrong with some does not hide the others: right ones come beside the error.
func Load(root hostfs.Root, dir string) ([]sigma.Rule, error) {
	own, ownErr := Own()
	theirs, err := Read(root, dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	own = slices.DeleteFunc(own, func(r sigma.Rule) bool {
		return slices.ContainsFunc(theirs, func(t sigma.Rule) bool { return t.ID != "" && t.ID == r.ID })
	})
	return append(own, theirs...), errors.Join(ownErr, err)
}

// Read reads the rules of a file, or of the files of a directory, by name.
func Read(root hostfs.Root, name string) ([]sigma.Rule, error) {
	inside, err := root.ReadDir(name)
	if err != nil {
		return readFile(root, name)
	}
	slices.Sort(inside)
	var (
		list     []sigma.Rule
		problems []error
	)
	for i, file := range inside {
		if i == maxFiles {
			problems = append(problems, fmt.Errorf("%s: more than %d files", name, maxFiles))
			break
		}
		if strings.HasPrefix(file, ".") || !strings.HasSuffix(file, ".yaml") && !strings.HasSuffix(file, ".yml") {
			continue
		}
		rules, err := readFile(root, filepath.Join(name, file))
		list, problems = append(list, rules...), append(problems, err)
		if len(list) > maxRules {
			list = list[:maxRules]
			problems = append(problems, fmt.Errorf("%s: more than %d rules; what comes after some of %s is left out", name, maxRules, file))
			break
		}
	}
	return list, errors.Join(problems...)
}

func readFile(root hostfs.Root, name string) ([]sigma.Rule, error) {
	text, err := root.ReadFile(name, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return rulefile.Parse(name, text)
}
