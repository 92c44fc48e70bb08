package ruleset

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/auditrule"
	"seawall/pkg/hostfs"
)

// The profiles.
const (
	Drift  = "drift"
	Detect = "detect"
	CIS    = "cis"
)

// Dir is where a user's own rules stand.
const Dir = "/etc/seawall/audit.d"

const (
	localKey = auditrule.Key + "-local"
	maxFile  = 1 << 20
	maxFiles = 256
	maxRules = 256 // of a set
)

//go:embed cis.rules
var cis string

// Rule is a rule and where it stands.
type Rule struct {
	auditrule.Rule
	File string
	Line int
}

// Problem is a line that is no rule of Seawall's.
type Problem struct {
	File string
	Line int // 0 for the file as a whole
	What string
}

// String is the problem as people read it.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.What
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
}

// Set is rules in their order, and what is wrong with others.
type Set struct {
	Rules    []Rule
	Problems []Problem
}

// Wires returns the rules as they are loaded.
func (s *Set) Wires() []auditrule.Rule {
	rules := make([]auditrule.Rule, 0, len(s.Rules))
	for _, r := range s.Rules {
		rules = append(rules, r.Rule)
	}
	return rules
}

// Load returns the rules of a profile and those in dir, a user's first. detect is the text
// of the profile Detect.
func Load(profile, detect string, root hostfs.Root, dir string) Set {
	var s Set
	s.readDir(root, dir)
	switch profile {
	case Detect:
		s.read("profile detect", detect, auditrule.Key+"-detect")
	case CIS:
		s.read("profile cis", cis, auditrule.Key+"-cis")
	}
	return s
}

func (s *Set) readDir(root hostfs.Root, dir string) {
	if dir == "" {
		return
	}
	names, err := root.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		s.Problems = append(s.Problems, Problem{File: dir, What: err.Error()})
		return
	}
	slices.Sort(names)
	for i, name := range names {
		if !strings.HasSuffix(name, ".rules") {
			continue
		}
		file := path.Join(dir, name)
		if i >= maxFiles {
			s.Problems = append(s.Problems, Problem{File: file, What: fmt.Sprintf("more than %d files", maxFiles)})
			return
		}
		text, err := root.ReadFile(file, maxFile)
		if err != nil {
			s.Problems = append(s.Problems, Problem{File: file, What: err.Error()})
			continue
		}
		s.read(file, string(text), localKey)
	}
}

// read reads rules of which each that has no key of ours gets one.
func (s *Set) read(file, text, key string) {
	line := 0
	for raw := range strings.SplitSeq(text, "\n") {
		line++
		raw = strings.TrimSpace(raw)
		if raw == "" || raw[0] == '#' {
			continue
		}
		if len(s.Rules) == maxRules {
			s.Problems = append(s.Problems, Problem{file, line, fmt.Sprintf("more than %d rules", maxRules)})
			return
		}
		r, err := parse(raw, key)
		if err != nil {
			s.Problems = append(s.Problems, Problem{file, line, err.Error()})
			continue
		}
		if i := slices.IndexFunc(s.Rules, func(o Rule) bool { return o.Body() == r.Body() }); i >= 0 {
			if key == localKey {
				s.Problems = append(s.Problems, Problem{file, line, fmt.Sprintf("the same as %s:%d", s.Rules[i].File, s.Rules[i].Line)})
			}
			continue
		}
		s.Rules = append(s.Rules, Rule{r, file, line})
	}
}

func parse(text, key string) (auditrule.Rule, error) {
	switch option, _, _ := strings.Cut(text, " "); option {
	case "-a", "-A", "-w":
	default:
		return auditrule.Rule{}, fmt.Errorf("%s is no rule (-a, -A, -w): settings and deletions belong to /etc/audit/rules.d", option)
	}
	r, err := auditrule.Parse(text)
	if errors.Is(err, auditrule.ErrUnsupported) || err == nil && !r.OfExit() {
		return auditrule.Rule{}, errors.New("only rules of the list exit can be Seawall's own: others belong to /etc/audit/rules.d")
	}
	if err != nil {
		return auditrule.Rule{}, err
	}
	if r.Owned() {
		if slices.Contains(r.Keys(), auditrule.Key) {
			return auditrule.Rule{}, fmt.Errorf("the key %q is that of the sensor's watches", auditrule.Key)
		}
		return r, nil
	}
	return auditrule.Parse(text + " -k " + key)
}

// Look says what the rules files in dir look like, in a line that changes when they do.
func Look(root hostfs.Root, dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "in %s", dir)
	if dir == "" {
		return b.String()
	}
	names, err := root.ReadDir(dir)
	if err != nil {
		return b.String() + " none"
	}
	slices.Sort(names)
	for _, name := range names {
		if fi, err := root.Stat(dir + "/" + name); err == nil && strings.HasSuffix(name, ".rules") {
			fmt.Fprintf(&b, "\n%s %d %d", name, fi.Size(), fi.ModTime().UnixNano())
		}
	}
	return b.String()
}
