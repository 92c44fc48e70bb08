package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/literals"
)

// Fields that are none.
const (
	anywhere event.Field = -1 // keywords: all fields
	nowhere  event.Field = -2 // a field that this source's events never have
)

// Matcher matches events with all rules it was compiled from.
type Matcher struct {
	sources []source
}

// source is what there is for one kind of events.
type source struct {
	sets     []*literals.Set // by field; nil where no rule looks for text
	any      *literals.Set   // of keywords
	wakes    []bool          // by field: an atom in it is a trigger
	atoms    int
	trigger  [][]int32 // by atom: the slots to evaluate if it was seen
	always   []uint64  // slots to evaluate for each event
	restless bool      // there are such
	slots    []slot
	nodes    []node
	tests    []test
}

// slot is a rule as compiled for a source.
type slot struct {
	rule       int
	condition  int32 // node
	selections []int32
}

// node is an expression. Nodes, tests and slots are in slices and name each other by
// number, so that evaluating a rule touches little memory. Children are numbers of nodes.
type node struct {
	op       sigma.Op // And, Or, Not; Like stands for all tests
	test     int32
	children []int32
}

// Compile makes a matcher of rules; correlation rules among them are passed over. What
// is wrong with some rules does not disable the others: the matcher has all that could
// be compiled, and the error joins a *sigma.Error for each of the rest. alike are fields
// in which events do not differ, so that no text in them is to wake a rule.
func Compile(rules []sigma.Rule, taxonomy event.Taxonomy, alike ...event.Field) (*Matcher, error) {
	m := &Matcher{sources: make([]source, len(taxonomy))}
	var errs []error
	builders := make([]builder, len(taxonomy))
	for i := range taxonomy {
		builders[i] = newBuilder(taxonomy[i], alike)
	}
	ids := make(map[string]*sigma.Rule)
	for i := range rules {
		rule := &rules[i]
		if rule.ID != "" {
			if first := ids[rule.ID]; first != nil {
				errs = append(errs, fault(rule, rule.Line, "id %s is that of %s:%d already; give each rule its own", rule.ID, first.File, first.Line))
				continue
			}
			ids[rule.ID] = rule
		}
		if rule.Correlation != nil {
			continue
		}
		if err := place(builders, taxonomy, i, rule); err != nil {
			errs = append(errs, err)
		}
	}
	for i := range builders {
		var err error
		if m.sources[i], err = builders[i].finish(); err != nil {
			return nil, fmt.Errorf("rules for %s: %w", taxonomy[i].Logsource, err)
		}
	}
	return m, errors.Join(errs...)
}

func fault(rule *sigma.Rule, line int, format string, args ...any) error {
	return &sigma.Error{File: rule.File, Line: line, What: fmt.Sprintf(format, args...)}
}

// place compiles a rule for the sources that its logsource covers and at least one of
// which has all of its fields. In the others the fields that they lack are missing.
func place(builders []builder, taxonomy event.Taxonomy, index int, rule *sigma.Rule) error {
	var covered []int
	var lacking error
	fits := false
	for s := range taxonomy {
		if !rule.Logsource.Covers(taxonomy[s].Logsource) {
			continue
		}
		covered = append(covered, s)
		if field, line := unknown(rule, taxonomy[s]); field == "" {
			fits = true
		} else if lacking == nil {
			lacking = fault(rule, line, "field %q is none of %s; there are %s", field, taxonomy[s].Logsource, names(taxonomy[s]))
		}
	}
	switch {
	case len(covered) == 0:
		return fault(rule, rule.LogsourceLine, "logsource %s: there are no such events here; there are %s", rule.Logsource, kinds(taxonomy))
	case !fits:
		return lacking
	}
	for _, s := range covered {
		if err := builders[s].add(index, rule); err != nil {
			return err
		}
	}
	return nil
}

// unknown returns the first field of a rule that a source does not have.
func unknown(rule *sigma.Rule, s event.Source) (field string, line int) {
	var walk func(e *sigma.Expr) bool
	walk = func(e *sigma.Expr) bool {
		for i := range e.Args {
			if walk(&e.Args[i]) {
				return true
			}
		}
		for _, name := range []string{e.Field, e.Other} {
			if _, ok := s.Fields[name]; !ok && name != "" {
				field, line = name, e.Line
				return true
			}
		}
		return false
	}
	for i := range rule.Selections {
		if walk(&rule.Selections[i].Expr) {
			break
		}
	}
	return field, line
}

// names lists the fields of a source, for errors.
func names(s event.Source) string {
	var list []string
	for name := range s.Fields {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// kinds lists the sources, for errors.
func kinds(t event.Taxonomy) string {
	var list []string
	for _, s := range t {
		list = append(list, s.Logsource.String())
	}
	return strings.Join(list, "; ")
}
