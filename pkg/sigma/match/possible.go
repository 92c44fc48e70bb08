package match

import (
	"slices"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
)

// Possible returns the rules that an event may match of which only some fields are
// known: e has all values of those, and what else it has does not count. Whoever
// makes events of few kinds can leave out what the rules left do not ask for.
func (m *Matcher) Possible(e *event.Event, known []event.Field, s *Scratch) []int {
	if e.Source() < 0 || e.Source() >= len(m.sources) {
		return nil
	}
	p := partly{source: &m.sources[e.Source()], event: e, scratch: s, known: known}
	s.begin(e)
	p.source.scan(e, s, true)
	p.source.scan(e, s, false)
	var rules []int
	for i := range p.source.slots {
		if slot := &p.source.slots[i]; p.verdict(slot.condition) != no {
			rules = append(rules, slot.rule)
		}
	}
	return rules
}

// verdict is what can be said of a node.
type verdict uint8

const (
	no verdict = iota
	maybe
	yes
)

// partly evaluates nodes for an event of which only some fields are known.
type partly struct {
	source  *source
	event   *event.Event
	scratch *Scratch
	known   []event.Field
}

func (p *partly) verdict(n int32) verdict {
	x := &p.source.nodes[n]
	switch x.op {
	case sigma.And:
		v := yes
		for _, child := range x.children {
			v = min(v, p.verdict(child))
		}
		return v
	case sigma.Or:
		v := no
		for _, child := range x.children {
			v = max(v, p.verdict(child))
		}
		return v
	case sigma.Not:
		return yes - p.verdict(x.children[0])
	}
	t := &p.source.tests[x.test]
	if !p.knows(t.field) || t.op == sigma.SameAs && !p.knows(t.other) {
		return maybe
	}
	if p.source.holds(n, p.event, p.scratch) {
		return yes
	}
	return no
}

// knows reports whether a field's values are known, of which one that no event has has
// none.
func (p *partly) knows(f event.Field) bool { return f == nowhere || slices.Contains(p.known, f) }
