// Package literals finds which of many literals a text has, in one pass and without
// regard to case: an Aho–Corasick automaton, compiled to a table with one column for
// each byte that the literals tell apart. The time is linear in the text, whatever
// the text and the literals are; a search allocates nothing.
package literals

import (
	"errors"
)

// Literal is a text to look for.
type Literal struct {
	ID    int32  // what Find reports; several literals may have the same
	Text  string // folded (see Fold), not empty
	Start bool   // found at the start of a text only
	End   bool   // found at the end of a text only
}

// Bounds of a set: its states, and how many of them get a row of the table.
const (
	maxStates = 1 << 18 // of 28 bytes each, and about 110 while they are made
	maxRows   = 2_048
)

// ErrTooMany is returned for literals that would take too much memory.
var ErrTooMany = errors.New("too many literals")

// Set is a compiled set of literals. It is not changed by searches.
//
// States that many texts reach, those of the first character and those with several
// ways on, have a row in the table of what follows; a state is then the index of its
// row. The others, from sparse on, have what little follows in a list, and where it
// does not go on the state of their longest proper suffix is asked.
type Set struct {
	class   [256]uint8 // column of a byte; 0 are all bytes in no literal
	columns uint32
	next    []uint32 // by row and column: the next state, with hit
	sparse  uint32
	chains  []chain
	ways    []way
	ends    []end
	found   []uint32 // by number of the state: where in ends those begin that end there
	link    []uint32 // by number: 1 + the number of the longest proper suffix at which a literal ends
}

// chain is a state without a row.
type chain struct {
	from, to uint32 // of ways
	suffix   uint32
}

// way is what follows a state at a column.
type way struct {
	column uint32
	next   uint32 // with hit
}

// end is a literal where it ends.
type end struct {
	id         int32
	length     int
	start, end bool
}

// hit marks a state at which, or at a suffix of which, literals end.
const hit = 1 << 31

// New compiles literals.
func New(list []Literal) (*Set, error) {
	s := &Set{columns: 1}
	for _, l := range list {
		if l.Text == "" {
			return nil, errors.New("a literal is empty")
		}
		for i := range len(l.Text) {
			if c := l.Text[i]; s.class[c] == 0 {
				s.class[c] = uint8(s.columns)
				s.columns++
			}
		}
	}
	for c := 'a'; c <= 'z'; c++ {
		s.class[c-'a'+'A'] = s.class[c]
	}
	t := tree{{}}
	for _, l := range list {
		if err := t.insert(l, &s.class); err != nil {
			return nil, err
		}
	}
	s.compile(t, t.order())
	return s, nil
}

// Find looks for all literals in a text that is folded but for the case of ASCII
// letters. It sets seen[ID] to mark for those that it finds and appends to ids those
// for which it was not mark before.
func (s *Set) Find(text []byte, mark uint32, seen []uint32, ids []int32) []int32 {
	state := uint32(0)
	for i, c := range text {
		column := uint32(s.class[c])
		if state < s.sparse {
			state = s.next[state+column]
		} else {
			state = s.step(state, column)
		}
		if state&hit == 0 {
			continue
		}
		state &^= hit
		for n := s.number(state) + 1; n != 0; n = s.link[n-1] {
			for _, e := range s.ends[s.found[n-1]:s.found[n]] {
				if seen[e.id] != mark && (!e.start || e.length == i+1) && (!e.end || i+1 == len(text)) {
					seen[e.id] = mark
					ids = append(ids, e.id)
				}
			}
		}
	}
	return ids
}

// step returns what follows a state.
func (s *Set) step(state, column uint32) uint32 {
	for state >= s.sparse {
		c := &s.chains[state-s.sparse]
		for _, w := range s.ways[c.from:c.to] {
			if w.column == column {
				return w.next
			}
		}
		state = c.suffix
	}
	return s.next[state+column]
}

// number returns the number of a state.
func (s *Set) number(state uint32) uint32 {
	if state < s.sparse {
		return state / s.columns
	}
	return s.sparse/s.columns + state - s.sparse
}

// Size returns about how many bytes the set takes.
func (s *Set) Size() int {
	return len(s.next)*4 + len(s.chains)*12 + len(s.ways)*8 + len(s.ends)*24 + len(s.found)*4 + len(s.link)*4
}
