package main

import (
	"context"
	"fmt"
	"strings"

	other "github.com/bradleyjkemp/sigma-go"
	"github.com/bradleyjkemp/sigma-go/evaluator"

	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/match"
	"seawall/pkg/sigma/rulefile"
)

// event has one value of each field that it has.
type fields map[string]string

// ours is our matcher.
type ours struct {
	m      *match.Matcher
	s      *match.Scratch
	fields map[string]event.Field
	e      event.Event
}

func newOurs(rules string, names []string) (*ours, error) {
	parsed, err := rulefile.Parse("rules.yml", []byte(rules))
	if err != nil {
		return nil, err
	}
	o := &ours{fields: make(map[string]event.Field)}
	for i, name := range names {
		o.fields[name] = event.Field(i)
	}
	source := event.Source{Logsource: event.Logsource{Product: "linux", Category: "process_creation"}, Fields: o.fields}
	if o.m, err = match.Compile(parsed, event.Taxonomy{source}); err != nil {
		return nil, err
	}
	o.s = o.m.NewScratch()
	return o, nil
}

// fill makes an event as a program has it.
func (o *ours) fill(e *event.Event, from fields) {
	e.Reset(0)
	for name, value := range from {
		e.AddString(o.fields[name], value)
	}
}

// matches returns a letter per rule.
func (o *ours) matches(from fields, rules int) string {
	o.fill(&o.e, from)
	verdicts := []byte(strings.Repeat("-", rules))
	for _, r := range o.m.Match(&o.e, o.s) {
		verdicts[r.Rule] = 'x'
	}
	return string(verdicts)
}

// theirs is sigma-go, an evaluator per rule or, for many, its bundle of them.
type theirs struct {
	rules  []*evaluator.RuleEvaluator
	bundle evaluator.RuleEvaluatorBundle
}

func newTheirs(rules string) (*theirs, error) {
	t := &theirs{}
	var parsed []other.Rule
	for doc := range strings.SplitSeq(rules, "---\n") {
		rule, err := other.ParseRule([]byte(doc))
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, rule)
		t.rules = append(t.rules, evaluator.ForRule(rule))
	}
	t.bundle = evaluator.ForRules(parsed)
	return t, nil
}

// values is what sigma-go takes.
func values(from fields) map[string]any {
	e := make(map[string]any, len(from))
	for name, value := range from {
		e[name] = value
	}
	return e
}

// matches returns a letter per rule; what panics or fails has one of its own.
func (t *theirs) matches(from fields) string {
	var verdicts strings.Builder
	for _, rule := range t.rules {
		verdicts.WriteString(verdict(rule, values(from)))
	}
	return verdicts.String()
}

func verdict(rule *evaluator.RuleEvaluator, e map[string]any) (letter string) {
	defer func() {
		if fault := recover(); fault != nil {
			letter = fmt.Sprintf("panic: %v", fault)
		}
	}()
	r, err := rule.Matches(context.Background(), e)
	switch {
	case err != nil:
		return "error: " + err.Error()
	case r.Match:
		return "x"
	}
	return "-"
}
