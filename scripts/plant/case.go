package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Places where a case can run.
const (
	container = "container"
	machine   = "vm"
)

// Case is one fault: see the package's documentation.
type Case struct {
	Check    string            `yaml:"check"`
	Break    string            `yaml:"break"`
	Resource string            `yaml:"resource"`
	Where    string            `yaml:"where"`
	Needs    []string          `yaml:"needs"`
	Prepare  string            `yaml:"prepare"`
	Cleanup  string            `yaml:"cleanup"`
	With     map[string]string `yaml:"with"`
	Also     []string          `yaml:"also"`
	Fix      string            `yaml:"fix"`
	Want     string            `yaml:"want"`
	Together string            `yaml:"together"`
	Once     string            `yaml:"once"`

	file string
	line int
}

// Load reads all cases below dir, strictly.
func Load(dir string) ([]Case, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no cases in %s", dir)
	}
	var all []Case
	var problems []error
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read cases: %w", err)
		}
		cases, err := parse(filepath.Base(name), data)
		problems = append(problems, err)
		all = append(all, cases...)
	}
	return all, errors.Join(problems...)
}

func parse(name string, data []byte) ([]Case, error) {
	var cases []Case
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&cases); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	var problems []error
	for i := range cases {
		c := &cases[i]
		c.file, c.line = name, doc.Content[0].Content[i].Line
		c.Where, c.Want = cmp.Or(c.Where, container), cmp.Or(c.Want, "fail")
		switch {
		case c.Check == "" || c.Break == "":
			problems = append(problems, fmt.Errorf("%s: a case needs check and break", c.place()))
		case c.Where != container && c.Where != machine:
			problems = append(problems, fmt.Errorf("%s: where is %q, want %s or %s", c.place(), c.Where, container, machine))
		}
	}
	return cases, errors.Join(problems...)
}

func (c *Case) place() string { return fmt.Sprintf("%s:%d", c.file, c.line) }

// choose returns the cases of a place, of the named checks and files where there are any with
// those that go together with them, those that need the same packages together.
func choose(all []Case, where string, checks []string) []Case {
	named := func(c Case) bool {
		return slices.Contains(checks, c.Check) || slices.Contains(checks, strings.TrimSuffix(c.file, ".yaml"))
	}
	list := slices.DeleteFunc(slices.Clone(all), func(c Case) bool {
		beside := func(d Case) bool { return named(d) && c.Together != "" && d.Together == c.Together }
		return c.Where != where || len(checks) > 0 && !named(c) && !slices.ContainsFunc(all, beside)
	})
	slices.SortStableFunc(list, func(a, b Case) int { return slices.Compare(a.Needs, b.Needs) })
	return list
}

// packages are those that the cases need, each once.
func packages(cases []Case) []string {
	var all []string
	for _, c := range cases {
		all = append(all, c.Needs...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
