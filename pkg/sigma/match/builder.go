package match

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/literals"
	"seawall/pkg/sigma/pattern"
)

// maxLiteral bounds what of a text goes into the automaton. It is long enough to be
// rare; what is longer is compared whole when its beginning was seen.
const maxLiteral = 24

// builder compiles a source.
type builder struct {
	source
	fields map[string]event.Field
	alike  []event.Field
	atom   map[atom]int32
	list   []atom
	uses   []int // by atom: rules that need it or one of its peers
	known  map[string]int32
}

// atom is a literal in a field.
type atom struct {
	field      event.Field
	text       string
	start, end bool
}

func newBuilder(s event.Source, alike []event.Field) builder {
	return builder{fields: s.Fields, alike: alike, atom: make(map[atom]int32), known: make(map[string]int32)}
}

// add compiles a rule.
func (b *builder) add(index int, rule *sigma.Rule) error {
	s := slot{rule: index}
	for i := range rule.Selections {
		n, err := b.node(&rule.Selections[i].Expr, s.selections)
		if err != nil {
			return fault(rule, rule.Selections[i].Line, "selection %s: %v", rule.Selections[i].Name, err)
		}
		s.selections = append(s.selections, n)
	}
	var err error
	if s.condition, err = b.node(&rule.Condition, s.selections); err != nil {
		return fault(rule, rule.Line, "%v", err)
	}
	b.slots = append(b.slots, s)
	used := make(map[int32]bool)
	b.count(s.condition, used)
	for a := range used {
		b.uses[a]++
	}
	return nil
}

// count gathers the atoms below a node, of negations too: what is used by many rules is
// common, whatever they use it for.
func (b *builder) count(n int32, used map[int32]bool) {
	if b.nodes[n].op == sigma.Like {
		for _, a := range b.tests[b.nodes[n].test].atoms {
			used[a] = true
		}
	}
	for _, child := range b.nodes[n].children {
		b.count(child, used)
	}
}

// node compiles an expression and returns its number. The children of a node are put
// in the order of their price, which changes no verdict: tests have no effects.
func (b *builder) node(e *sigma.Expr, selections []int32) (int32, error) {
	n := node{op: e.Op}
	switch e.Op {
	case sigma.Selected:
		return selections[e.Selection], nil
	case sigma.And, sigma.Or, sigma.Not:
		for i := range e.Args {
			child, err := b.node(&e.Args[i], selections)
			if err != nil {
				return 0, err
			}
			n.children = append(n.children, child)
		}
		slices.SortStableFunc(n.children, func(x, y int32) int { return cmp.Compare(b.price(x), b.price(y)) })
	default:
		t, err := b.test(e)
		if err != nil {
			return 0, err
		}
		n.op, n.test = sigma.Like, t
	}
	b.nodes = append(b.nodes, n)
	return int32(len(b.nodes) - 1), nil
}

// price orders nodes from cheap to dear.
func (b *builder) price(n int32) int {
	if b.nodes[n].op == sigma.Like {
		return b.tests[b.nodes[n].test].price()
	}
	sum := 1
	for _, child := range b.nodes[n].children {
		sum += b.price(child)
	}
	return sum
}

// test compiles a test, one for all that are the same, and returns its number. The key
// has every field of the expression that changes a verdict.
func (b *builder) test(e *sigma.Expr) (int32, error) {
	key := fmt.Sprintf("%d %q %v %q %q %v %q %q %q %v %v", e.Op, e.Field, e.Cased, e.Pattern, e.Regexp, e.Network, e.Sign, e.Number, e.Other, e.Head, e.Tail)
	if t, ok := b.known[key]; ok {
		return t, nil
	}
	t := test{op: e.Op, field: b.field(e.Field), cased: e.Cased, network: e.Network, sign: e.Sign, head: e.Head, tail: e.Tail}
	switch e.Op {
	case sigma.Like:
		t.pattern = compilePattern(e)
		b.literal(&t, e)
	case sigma.Regexp:
		texts, steps, err := required(e.Regexp)
		if err != nil {
			return 0, err
		}
		if t.regexp, err = regexp.Compile(e.Regexp); err != nil {
			return 0, err
		}
		t.scan = min(maxScan, maxWork/max(steps, 1))
		for _, text := range texts {
			t.atoms = append(t.atoms, b.intern(atom{field: t.field, text: text}))
		}
	case sigma.Compare:
		t.number, _ = parseNumber([]byte(e.Number))
	case sigma.SameAs:
		t.other = b.field(e.Other)
	}
	b.tests = append(b.tests, t)
	b.known[key] = int32(len(b.tests) - 1)
	return b.known[key], nil
}

// field returns the number of a field, anywhere for keywords.
func (b *builder) field(name string) event.Field {
	if name == "" {
		return anywhere
	}
	if f, ok := b.fields[name]; ok {
		return f
	}
	return nowhere
}

// compilePattern compiles the pattern of a test; folded unless case is regarded.
func compilePattern(e *sigma.Expr) pattern.Pattern {
	list := slices.Clone(e.Pattern)
	for i := range list {
		if !e.Cased {
			list[i].Text = string(literals.Fold(nil, []byte(list[i].Text)))
		}
	}
	return pattern.Compile(list)
}

// literal gives a test the atom that its pattern needs: the longest text.
func (b *builder) literal(t *test, e *sigma.Expr) {
	best, length := -1, 0
	for i, p := range e.Pattern {
		if p.Wild == 0 && len(p.Text) > length {
			best, length = i, len(p.Text)
		}
	}
	if best < 0 || t.field == nowhere {
		return
	}
	text := string(literals.Fold(nil, []byte(e.Pattern[best].Text)))
	a := atom{field: t.field, text: text, start: best == 0, end: best == len(e.Pattern)-1}
	// Text alone between stars or ends is all there is to the pattern.
	others := len(e.Pattern) - 1
	for _, p := range e.Pattern {
		if p.Wild == '*' {
			others--
		}
	}
	t.sure = others == 0 && !e.Cased && len(text) <= maxLiteral
	if len(text) > maxLiteral {
		if a.end && !a.start {
			a.text = text[len(text)-maxLiteral:]
		} else {
			a.text, a.end = text[:maxLiteral], false
		}
	}
	t.atoms = []int32{b.intern(a)}
}

// intern returns the number of an atom, one for all that are the same.
func (b *builder) intern(a atom) int32 {
	if id, ok := b.atom[a]; ok {
		return id
	}
	id := int32(len(b.list))
	b.atom[a] = id
	b.list = append(b.list, a)
	b.uses = append(b.uses, 0)
	return id
}

// finish makes the automata, one for each field that is looked at and one for keywords,
// and decides which atoms wake which rules.
func (b *builder) finish() (source, error) {
	b.atoms = len(b.list)
	byField := make(map[event.Field][]literals.Literal)
	for id, a := range b.list {
		if a.field != nowhere {
			byField[a.field] = append(byField[a.field], literals.Literal{ID: int32(id), Text: a.text, Start: a.start, End: a.end})
		}
	}
	for f, list := range byField {
		set, err := literals.New(list)
		if err != nil {
			return source{}, err
		}
		if f == anywhere {
			b.any = set
			continue
		}
		for int(f) >= len(b.sets) {
			b.sets = append(b.sets, nil)
		}
		b.sets[f] = set
	}
	b.wakes = make([]bool, len(b.sets))
	b.trigger = make([][]int32, b.atoms)
	b.always = make([]uint64, (len(b.slots)+63)/64)
	for i, s := range b.slots {
		atoms, _, ok := b.need(s.condition)
		if !ok {
			b.always[i/64] |= 1 << (i % 64)
			b.restless = true
		}
		for _, a := range atoms {
			if f := b.list[a].field; f >= 0 {
				b.wakes[f] = true
			}
			if list := b.trigger[a]; len(list) == 0 || list[len(list)-1] != int32(i) {
				b.trigger[a] = append(b.trigger[a], int32(i))
			}
		}
	}
	return b.source, nil
}

// need returns atoms of which one must be seen for a node to be true, and what they
// cost: how often they are likely to be seen. ok is false if there are none such.
//
// Of an "and" the cheapest part will do; of an "or" all parts are needed, so that one
// without atoms spoils it; a negation is true when nothing is seen. An atom is taken
// for common if many rules use it (as they do the type of a record) and if it is short.
func (b *builder) need(n int32) (atoms []int32, cost float64, ok bool) {
	switch x := &b.nodes[n]; x.op {
	case sigma.Like:
		if slices.Contains(b.alike, b.tests[x.test].field) {
			return nil, 0, false
		}
		atoms = b.tests[x.test].atoms
		for _, a := range atoms {
			cost += float64(b.uses[a]) + 16/float64(len(b.list[a].text))
		}
		return atoms, cost, len(atoms) > 0
	case sigma.And:
		for _, child := range x.children {
			if a, c, has := b.need(child); has && (!ok || c < cost) {
				atoms, cost, ok = a, c, true
			}
		}
		return atoms, cost, ok
	case sigma.Or:
		for _, child := range x.children {
			a, c, has := b.need(child)
			if !has {
				return nil, 0, false
			}
			atoms, cost = slices.Concat(atoms, a), cost+c
		}
		return atoms, cost, len(x.children) > 0
	}
	return nil, 0, false
}
