package correlate

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"time"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
)

// Limits bound the state. Zero is the default.
type Limits struct {
	Groups int // of each correlation; default 10,000
	Bytes  int // of all; default 8 MiB
}

// Bounds of what correlations count to: of events, and of values, all of which may
// have to be looked at for each event.
const (
	maxCount  = 10_000
	maxValues = 2_000
)

// Alert is a correlation that holds.
type Alert struct {
	Rule        int      // index into the rules given to New
	Group       []string // the values of group-by
	Count       int      // events, or different values or rules
	First, Last time.Time
}

// Stats says what is kept and what was dropped.
type Stats struct {
	Groups    int
	Bytes     int
	Evicted   uint64 // groups dropped for want of room, or because they are in the future
	Late      uint64 // events dropped
	Ungrouped uint64 // events without a field that is grouped by or counted
}

// Correlator keeps the state of all correlations.
type Correlator struct {
	limits  Limits
	rules   []*correlation
	feeds   map[int][]feed // by index of a rule: what is about it
	alone   []bool
	seed    maphash.Seed
	key     []byte
	bytes   int
	evicted uint64
	late    uint64
	without uint64
}

// feed is a place in a correlation.
type feed struct {
	to     *correlation
	member int
}

// correlation is a rule with its groups.
type correlation struct {
	*sigma.Correlation
	index   int
	members []member
	target  int  // what fires at once
	atEnd   bool // judged when the timespan is over
	groups  map[string]*group
	oldest  *group // by last touch
	newest  *group
	bytes   int
}

// member says where the values of a rule's events are.
type member struct {
	groupBy [][]event.Field // by source, then as in group-by; -1 is none
	field   []event.Field   // by source: what is counted
}

// New prepares the correlation rules among rules, those that were given to
// match.Compile. What is wrong with some of them does not disable the others: the
// error joins a *sigma.Error for each.
func New(rules []sigma.Rule, taxonomy event.Taxonomy, limits Limits) (*Correlator, error) {
	limits.Groups, limits.Bytes = cmp.Or(limits.Groups, 10_000), cmp.Or(limits.Bytes, 8<<20)
	c := &Correlator{limits: limits, feeds: make(map[int][]feed), alone: make([]bool, len(rules)), seed: maphash.MakeSeed()}
	b := builder{rules: rules, taxonomy: taxonomy, named: make(map[string][]int), state: make([]int8, len(rules))}
	for i := range rules {
		c.alone[i] = true
		for _, name := range []string{rules[i].ID, rules[i].Name} {
			if name != "" && !slices.Contains(b.named[name], i) {
				b.named[name] = append(b.named[name], i)
			}
		}
	}
	var errs []error
	generated := make(map[int]bool)
	for i := range rules {
		if rules[i].Correlation == nil {
			continue
		}
		x, about, err := b.correlation(i)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.rules = append(c.rules, x)
		for m, rule := range about {
			c.feeds[rule] = append(c.feeds[rule], feed{x, m})
			generated[rule] = generated[rule] || x.Generate
			c.alone[rule] = generated[rule]
		}
	}
	return c, errors.Join(errs...)
}

// Alone reports whether matches of a rule are to be told on their own: those of rules
// that only correlations are about are not.
func (c *Correlator) Alone(rule int) bool { return c.alone[rule] }

// Stats returns what is kept now and what was dropped since the beginning.
func (c *Correlator) Stats() Stats {
	s := Stats{Bytes: c.bytes, Evicted: c.evicted, Late: c.late, Ungrouped: c.without}
	for _, x := range c.rules {
		s.Groups += len(x.groups)
	}
	return s
}

// builder checks correlations.
type builder struct {
	rules    []sigma.Rule
	taxonomy event.Taxonomy
	named    map[string][]int
	state    []int8 // of the search for circles: 1 is being visited, 2 is done
}

// fault makes an error of a correlation.
func (b *builder) fault(i, line int, format string, args ...any) error {
	return &sigma.Error{File: b.rules[i].File, Line: line, What: fmt.Sprintf(format, args...)}
}

// correlation prepares one; about are the rules that it is about.
func (b *builder) correlation(i int) (x *correlation, about []int, err error) {
	spec := b.rules[i].Correlation
	x = &correlation{Correlation: spec, index: i, groups: make(map[string]*group)}
	if err := b.bounds(i, x); err != nil {
		return nil, nil, err
	}
	for k, name := range spec.Rules {
		rule, err := b.find(i, name, spec.Lines[k])
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(about, rule) {
			return nil, nil, b.fault(i, spec.Lines[k], "rule %q is named twice", name)
		}
		m, err := b.member(i, rule)
		if err != nil {
			return nil, nil, err
		}
		about, x.members = append(about, rule), append(x.members, m)
	}
	if b.circle(i) {
		return nil, nil, b.fault(i, spec.Line, "the correlation is about itself, by way of its rules")
	}
	return x, about, nil
}

// find returns the rule that an id or name means.
func (b *builder) find(i int, name string, line int) (int, error) {
	switch found := b.named[name]; {
	case len(found) == 0:
		return 0, b.fault(i, line, "there is no rule with id or name %q", name)
	case len(found) > 1:
		first, second := &b.rules[found[0]], &b.rules[found[1]]
		return 0, b.fault(i, line, "%q is the name of two rules, %s:%d and %s:%d", name, first.File, first.Line, second.File, second.Line)
	case b.ends(found[0]):
		return 0, b.fault(i, line, "rule %q is decided at the end of a timespan, when there is no event to build upon; use gt or gte there", name)
	default:
		return found[0], nil
	}
}

// ends reports whether a rule is a correlation that is judged at the end of a timespan.
func (b *builder) ends(i int) bool {
	spec := b.rules[i].Correlation
	return spec != nil && strings.HasSuffix(spec.Type, "_count") && slices.ContainsFunc(spec.Bounds, above)
}

// above reports whether a bound limits a count from above, so that more events can
// undo what holds.
func above(b sigma.Bound) bool { return b.Sign != ">" && b.Sign != ">=" }

// bounds finds out when the correlation fires.
func (b *builder) bounds(i int, x *correlation) error {
	x.target = 1
	for _, bound := range x.Bounds {
		switch bound.Sign {
		case ">":
			x.target = max(x.target, bound.Count+1)
		case ">=":
			x.target = max(x.target, bound.Count)
		}
	}
	if strings.HasSuffix(x.Type, "_count") {
		return b.ofCount(i, x)
	}
	return b.ofRules(i, x)
}

// ofCount looks at the bounds of an event_count or value_count.
func (b *builder) ofCount(i int, x *correlation) error {
	if x.atEnd = slices.ContainsFunc(x.Bounds, above); x.atEnd {
		// One more than all bounds is enough to know of each whether it holds.
		x.target = 0
		for _, bound := range x.Bounds {
			x.target = max(x.target, bound.Count+1)
		}
	}
	limit := maxCount
	if x.Type == "value_count" {
		limit = maxValues
	} else if x.atEnd {
		limit = math.MaxInt // only their number is kept
	}
	if x.target > limit {
		return b.fault(i, x.Line, "the condition counts to %d, more than %d; use a shorter timespan with a lower count", x.target, limit)
	}
	return nil
}

// ofRules looks at the bounds of a temporal correlation, which count its rules; without
// any it is about all of them.
func (b *builder) ofRules(i int, x *correlation) error {
	all := len(x.Rules)
	for _, bound := range x.Bounds {
		if above(bound) && (bound.Sign != "==" || bound.Count != all) {
			return b.fault(i, x.Line, "%s with a bound from above is not supported; use gt or gte", x.Type)
		}
	}
	if len(x.Bounds) == 0 || slices.ContainsFunc(x.Bounds, above) {
		x.target = all
	}
	if x.target > all || x.Type == "temporal_ordered" && x.target < all {
		return b.fault(i, x.Line, "the condition asks for %d of %d rules", x.target, all)
	}
	return nil
}

// member finds the fields of a rule's events.
func (b *builder) member(i, rule int) (member, error) {
	spec, m := b.rules[i].Correlation, member{}
	names := spec.GroupBy
	if spec.Field != "" {
		names = append(slices.Clone(names), spec.Field)
	}
	sources := make([][]event.Field, len(b.taxonomy))
	for _, name := range names {
		field := name
		if alias, ok := spec.Aliases[name]; ok {
			of := &b.rules[rule]
			if field = cmp.Or(alias[of.Name], alias[of.ID]); field == "" {
				return m, b.fault(i, spec.Line, "alias %q has no field for rule %q", name, cmp.Or(of.Name, of.ID))
			}
		}
		known := false
		for s := range b.taxonomy {
			f, ok := b.taxonomy[s].Fields[field]
			if !ok {
				f = -1
			}
			known = known || ok && b.rules[rule].Logsource.Covers(b.taxonomy[s].Logsource)
			sources[s] = append(sources[s], f)
		}
		if !known {
			return m, b.fault(i, spec.Line, "events of rule %q have no field %q", cmp.Or(b.rules[rule].Name, b.rules[rule].ID), field)
		}
	}
	for _, fields := range sources {
		count := event.Field(-1)
		if spec.Field != "" {
			count = fields[len(fields)-1]
		}
		m.groupBy, m.field = append(m.groupBy, fields[:len(spec.GroupBy)]), append(m.field, count)
	}
	return m, nil
}

// circle reports whether the correlations below a rule lead back to it.
func (b *builder) circle(i int) bool {
	if b.rules[i].Correlation == nil || b.state[i] == 2 {
		return false
	}
	if b.state[i] == 1 {
		return true
	}
	b.state[i] = 1
	for _, name := range b.rules[i].Correlation.Rules {
		if found := b.named[name]; len(found) == 1 && b.circle(found[0]) {
			return true // and the state stays: what is about a circle is refused too
		}
	}
	b.state[i] = 2
	return false
}
