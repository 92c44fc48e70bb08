// Package standard is what a host is held to: the built-in checks and the owner's
// own, changed by overrides for the host's tags, those of them that are in one
// profile, and the waivers of failures that somebody answers for.
//
// Everything comes from files below /etc/seawall, whose names the configuration has:
//
//	checks.d/*.yaml   own checks, parameters, overrides, profiles (package policy/format)
//	waivers.d/*.yaml  waivers (package waiver)
//	tags              the host's tags: one to a line, # begins a comment
//
// A file may be missing. One that is wrong is an error with its place, and nothing
// is loaded: half a standard would pass hosts that it should not.
package standard

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"seawall/agent/config"
	"seawall/agent/policy"
	"seawall/agent/policy/checks"
	"seawall/agent/policy/format"
	"seawall/agent/waiver"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Limits of what is read.
const (
	maxFiles = 256
	maxSize  = 1 << 20 // of one file
	maxTags  = 64
)

// Standard is what a host is held to. It may be used from any goroutine.
type Standard struct {
	Policy  *policy.Policy
	config  config.Config
	ids     []string // of the profile
	mu      sync.Mutex
	waivers []waiver.Waiver
}

// Load reads the standard that c names, for facts of the type of shape.
func Load(shape any, c config.Config, now time.Time) (*Standard, error) {
	tags, tagsErr := readTags(c.TagsFile)
	own, ownErr := Read(c.ChecksDir)
	if err := errors.Join(tagsErr, ownErr); err != nil {
		return nil, err
	}
	pol, err := checks.Load(shape, tags, own...)
	if err != nil {
		return nil, err
	}
	s := &Standard{Policy: pol, config: c}
	if s.ids, err = pol.Profile(c.Profile); err != nil {
		return nil, err
	}
	return s, s.Refresh(now)
}

// Refresh reads the waivers again. Where one is wrong those that were read before
// stay.
func (s *Standard) Refresh(now time.Time) error {
	sources, err := Read(s.config.WaiversDir)
	if err != nil {
		return err
	}
	var list []waiver.Waiver
	var problems []error
	for _, src := range sources {
		got, err := waiver.Parse(src.Name, src.Data, s.Policy.Known(), now)
		list = append(list, got...)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waivers = list
	return nil
}

// Files are the names on the host that the standard is read from, directories with
// "/" at the end: those whose change Refresh sees. Checks count from the next start.
func (s *Standard) Files() []string {
	if s.config.WaiversDir == "" {
		return nil
	}
	return []string{s.config.WaiversDir + "/"}
}

// Affected reports whether a change of the named file changes the standard in a way
// that Refresh sees.
func (s *Standard) Affected(name string) bool {
	dir := s.config.WaiversDir
	return dir != "" && (name == dir || filepath.Dir(name) == dir)
}

// Config is the configuration that named the standard.
func (s *Standard) Config() config.Config { return s.config }

// Choose returns the ids that names stand for, those of the profile without names.
func (s *Standard) Choose(names ...string) ([]string, error) {
	return s.Policy.Choose(s.config.Profile, names...)
}

// Evaluate evaluates the checks with the given ids over facts, and marks what is
// waived.
func (s *Standard) Evaluate(facts any, at time.Time, ids []string) []finding.Result {
	if len(ids) == 0 {
		return nil
	}
	results := s.Policy.Evaluate(facts, at, ids...)
	s.mu.Lock()
	waivers := s.waivers
	s.mu.Unlock()
	waiver.Apply(results, waivers, at)
	return results
}

// ForGroups returns the ids of the profile's checks that need any of the groups.
func (s *Standard) ForGroups(groups ...string) []string {
	return slices.DeleteFunc(s.Policy.ForGroups(groups...), func(id string) bool { return !slices.Contains(s.ids, id) })
}

// Pack returns the text of the profile's checks for a family of distributions.
func (s *Standard) Pack(family string) []finding.CheckInfo {
	return slices.DeleteFunc(s.Policy.Pack(family).Checks, func(c finding.CheckInfo) bool { return !slices.Contains(s.ids, c.ID) })
}

// Read reads the files of dir whose names end in .yaml, in the order of their names.
// A directory that does not exist, and "", has none.
func Read(dir string) ([]policy.Source, error) {
	if dir == "" {
		return nil, nil
	}
	root := hostfs.Root{}
	names, err := root.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	slices.Sort(names)
	var list []policy.Source
	for _, name := range names {
		if !strings.HasSuffix(name, ".yaml") || strings.HasPrefix(name, ".") {
			continue
		}
		if len(list) == maxFiles {
			return nil, fmt.Errorf("read %s: more than %d files", dir, maxFiles)
		}
		file := filepath.Join(dir, name)
		data, err := root.ReadFile(file, maxSize)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		list = append(list, policy.Source{Name: file, Data: data})
	}
	return list, nil
}

// readTags reads the host's tags.
func readTags(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	data, err := hostfs.Root{}.ReadFile(name, maxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	var tags []string
	for i, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		switch line = strings.TrimSpace(line); {
		case line == "":
		case !format.IsTag(line):
			return nil, fmt.Errorf("%s:%d: %q is no tag: lower case letters, digits, and . _ : - between them", name, i+1, text.Clean(line, maxTags))
		case len(tags) == maxTags:
			return nil, fmt.Errorf("%s:%d: more than %d tags", name, i+1, maxTags)
		default:
			tags = append(tags, line)
		}
	}
	return tags, nil
}
