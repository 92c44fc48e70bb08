package lint

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"seawall/agent/console"
	"seawall/agent/facts/fact"
	"seawall/agent/policy"
	"seawall/agent/policy/checks"
	"seawall/agent/policy/format"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
)

// Report is what was found in files of checks.
type Report struct{ console.Trial }

// Files checks sources together, with the built-in checks that they may speak of.
// Shape is the type of facts.
func Files(shape any, sources ...policy.Source) (*Report, error) {
	base, err := checks.Sources()
	if err != nil {
		return nil, err
	}
	// A built-in file is checked in place of itself.
	base = slices.DeleteFunc(base, func(b policy.Source) bool {
		return slices.ContainsFunc(sources, func(s policy.Source) bool { return bytes.Equal(s.Data, b.Data) })
	})
	r := &Report{}
	pol, err := policy.Load(shape, append(base, sources...)...)
	if err != nil {
		r.Problems = separate(err)
		return r, nil
	}
	known := pol.Checks()
	for _, src := range sources {
		f := format.Parse(src)
		for _, c := range f.Checks {
			r.Rules++
			if len(c.Examples) == 0 {
				line, column := f.Place(c.At, 0)
				r.Warnings = append(r.Warnings, fmt.Sprintf("%s:%d:%d: warning: %s has no examples", src.Name, line, column, c.Info.ID))
			}
			if !slices.ContainsFunc(known, func(k policy.Check) bool { return k.ID == c.Info.ID }) {
				continue // switched off
			}
			r.examples(pol, shape, f, c)
		}
	}
	return r, nil
}

// separate takes joined errors apart.
func separate(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// examples runs the examples of one check.
func (r *Report) examples(pol *policy.Policy, shape any, f *format.File, c *format.Check) {
	for _, e := range c.Examples {
		r.Examples++
		facts := reflect.New(reflect.TypeOf(shape))
		if err := fill(facts.Elem(), c, e, f.Name); err != nil {
			r.Problems = append(r.Problems, separate(err)...)
			continue
		}
		got := worst(pol.Evaluate(facts.Interface(), time.Time{}, c.Info.ID))
		why := ""
		switch {
		case got.Status != e.Want:
			why = fmt.Sprintf("is %s (%s), want %s", got.Status, got.Actual, e.Want)
		case e.Actual.Given() && got.Actual != e.Actual.Text:
			why = fmt.Sprintf("found %q, want %q", got.Actual, e.Actual.Text)
		default:
			continue
		}
		line, column := f.Place(e.Name, 0)
		r.Failures = append(r.Failures, &policy.Error{File: f.Name, Line: line, Column: column,
			Message: fmt.Sprintf("%s: example %q %s", c.Info.ID, e.Name.Text, why)})
	}
}

// worst is the result that people should look at first.
func worst(results []finding.Result) finding.Result {
	order := []finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown, finding.StatusPass, finding.StatusNotApplicable}
	return slices.MinFunc(results, func(a, b finding.Result) int {
		return slices.Index(order, a.Status) - slices.Index(order, b.Status)
	})
}

// fill puts an example's facts in place. What the check needs is known.
func fill(facts reflect.Value, c *format.Check, e format.Example, file string) error {
	d := &decoder{file: file}
	fields := members(facts.Type())
	for _, need := range c.Needs {
		if index, ok := fields[need.Text]; ok {
			meta := facts.FieldByIndex(index).FieldByName("Meta")
			meta.Set(reflect.ValueOf(fact.Meta{State: fact.StateKnown}))
		}
	}
	if e.Facts != nil {
		d.decode(facts, e.Facts)
	}
	return errors.Join(d.problems...)
}

// maxSize bounds a file.
const maxSize = 1 << 20

// Read reads the named files, of a directory those whose names end in .yaml or .yml.
func Read(names ...string) ([]policy.Source, error) {
	var list []policy.Source
	for _, name := range names {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("read checks: %w", err)
		}
		root := hostfs.Root{}
		inside, err := root.ReadDir(abs)
		if err != nil { // a file, or nothing, which is said below
			data, err := root.ReadFile(abs, maxSize)
			if err != nil {
				return nil, fmt.Errorf("read checks: %w", err)
			}
			list = append(list, policy.Source{Name: name, Data: data})
			continue
		}
		slices.Sort(inside)
		for _, file := range inside {
			if !strings.HasSuffix(file, ".yaml") && !strings.HasSuffix(file, ".yml") || strings.HasPrefix(file, ".") {
				continue
			}
			data, err := root.ReadFile(filepath.Join(abs, file), maxSize)
			if err != nil {
				return nil, fmt.Errorf("read checks: %w", err)
			}
			list = append(list, policy.Source{Name: filepath.Join(name, file), Data: data})
		}
	}
	return list, nil
}
