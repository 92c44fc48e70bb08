package match

import (
	"math/bits"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/literals"
)

// Result is a rule that matched.
type Result struct {
	Rule       int    // index into the rules that were compiled
	Selections uint64 // bit i is set if Rule.Selections[i] holds
}

// Scratch is what Match works with.
type Scratch struct {
	mark    uint32   // of the current event; what is marked so is of it
	seen    []uint32 // by atom
	ids     []int32  // atoms seen
	memo    []uint32 // by test: mark<<1 and the verdict
	slots   []uint64
	results []Result
	spans   []span // by value: where it is in text, folded
	text    []byte
}

type span struct {
	from, to int
	done     bool
}

// maxKept bounds the buffer that is kept for folded values.
const maxKept = 1 << 20

// NewScratch makes a scratch for Match.
func (m *Matcher) NewScratch() *Scratch {
	var atoms, tests, words, slots int
	for i := range m.sources {
		src := &m.sources[i]
		atoms, tests = max(atoms, src.atoms), max(tests, len(src.tests))
		words, slots = max(words, len(src.always)), max(slots, len(src.slots))
	}
	return &Scratch{
		seen: make([]uint32, atoms), ids: make([]int32, 0, atoms), memo: make([]uint32, tests),
		slots: make([]uint64, words), results: make([]Result, 0, slots),
	}
}

// Size returns about how many bytes the matcher's automata take.
func (m *Matcher) Size() int {
	size := 0
	for i := range m.sources {
		if any := m.sources[i].any; any != nil {
			size += any.Size()
		}
		for _, set := range m.sources[i].sets {
			if set != nil {
				size += set.Size()
			}
		}
	}
	return size
}

// Match returns the rules that an event matches, in their order. The result is valid
// until the next Match with this scratch.
func (m *Matcher) Match(e *event.Event, s *Scratch) []Result {
	s.results = s.results[:0]
	if e.Source() < 0 || e.Source() >= len(m.sources) {
		return nil
	}
	src := &m.sources[e.Source()]
	s.begin(e)
	src.scan(e, s, true)
	slots := s.slots[:len(src.always)]
	copy(slots, src.always)
	woken := src.restless
	for _, atom := range s.ids {
		for _, i := range src.trigger[atom] {
			slots[i/64] |= 1 << (i % 64)
			woken = true
		}
	}
	if !woken {
		return nil
	}
	src.scan(e, s, false)
	for word, set := range slots {
		for ; set != 0; set &= set - 1 {
			if i := word*64 + bits.TrailingZeros64(set); src.holds(src.slots[i].condition, e, s) {
				s.results = append(s.results, src.result(i, e, s))
			}
		}
	}
	return s.results
}

// scan looks for all atoms in all values, each value once for its field and, if there
// are keywords, once for them: first in the fields in which texts wake rules and, if one
// was woken, in the others. Text that is not ASCII is folded first; the automata fold
// ASCII themselves.
func (src *source) scan(e *event.Event, s *Scratch, wakes bool) {
	for i := range e.Len() {
		field, text := e.At(i)
		var set *literals.Set
		if int(field) < len(src.sets) && src.wakes[field] == wakes {
			set = src.sets[field]
		}
		keywords := src.any != nil && wakes
		if set == nil && !keywords {
			continue
		}
		if !literals.ASCII(text) {
			text = s.folded(e, i)
		}
		if set != nil {
			s.ids = set.Find(text, s.mark, s.seen, s.ids)
		}
		if keywords {
			s.ids = src.any.Find(text, s.mark, s.seen, s.ids)
		}
	}
}

// begin forgets the event before: by another mark, so that nothing is cleared but once
// in two thousand million events.
func (s *Scratch) begin(e *event.Event) {
	if s.mark++; s.mark == 1<<31 {
		s.mark = 1
		clear(s.seen)
		clear(s.memo)
	}
	s.ids, s.text = s.ids[:0], s.text[:0]
	if cap(s.text) > maxKept {
		s.text = nil
	}
	s.spans = s.spans[:0]
	for range e.Len() {
		s.spans = append(s.spans, span{})
	}
}

// anySeen reports whether one of the atoms is in the event.
func (s *Scratch) anySeen(atoms []int32) bool {
	for _, a := range atoms {
		if s.seen[a] == s.mark {
			return true
		}
	}
	return false
}

// folded returns a value folded.
func (s *Scratch) folded(e *event.Event, i int) []byte {
	at := &s.spans[i]
	if !at.done {
		from := len(s.text)
		_, text := e.At(i)
		s.text = literals.Fold(s.text, text)
		*at = span{from, len(s.text), true}
	}
	return s.text[at.from:at.to]
}

// holds evaluates a node. A test is made once for an event, for whichever rule asks
// first; its verdict is remembered with the event's mark.
func (src *source) holds(n int32, e *event.Event, s *Scratch) bool {
	x := &src.nodes[n]
	switch x.op {
	case sigma.And:
		for _, child := range x.children {
			if !src.holds(child, e, s) {
				return false
			}
		}
		return true
	case sigma.Or:
		for _, child := range x.children {
			if src.holds(child, e, s) {
				return true
			}
		}
		return false
	case sigma.Not:
		return !src.holds(x.children[0], e, s)
	}
	if known := s.memo[x.test]; known>>1 == s.mark {
		return known&1 != 0
	}
	verdict := src.tests[x.test].holds(e, s)
	s.memo[x.test] = s.mark << 1
	if verdict {
		s.memo[x.test]++
	}
	return verdict
}

// result says which selections of a rule hold.
func (src *source) result(i int, e *event.Event, s *Scratch) Result {
	r := Result{Rule: src.slots[i].rule}
	for bit, n := range src.slots[i].selections {
		if src.holds(n, e, s) {
			r.Selections |= 1 << bit
		}
	}
	return r
}
