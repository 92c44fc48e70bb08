package detect

import (
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/match"
)

// Bounds of matchers for the events of one class, which have the few rules alone that
// such events can match: they look for little, and cost little. More memory than that
// of so many rules in all is not spent on them.
const (
	maxFew    = 64
	maxAllFew = 2048
)

// possible returns the rules that an event may match of which some fields are known,
// and what matches such events with these rules alone, nil where they are many.
func (d *Detector) possible(ev *event.Event, known []event.Field) (rules []int, each func(*event.Event)) {
	rules = d.matcher.Possible(ev, known, d.scratch)
	if len(rules) == 0 || len(rules) > maxFew || d.few+len(rules) > maxAllFew {
		return rules, nil
	}
	d.few += len(rules)
	list := make([]sigma.Rule, len(rules))
	for i, rule := range rules {
		list[i] = d.rules[rule]
	}
	m, err := match.Compile(list, d.reader.Taxonomy.Sources, known...)
	if err != nil {
		return rules, nil // what was compiled once can be, but the other has all anyway
	}
	s := m.NewScratch()
	return rules, func(ev *event.Event) {
		results := m.Match(ev, s)
		for i := range results {
			results[i].Rule = rules[results[i].Rule]
		}
		d.matches(ev, results)
	}
}
