// Package literals finds which of many literals a text has, in one pass and without
// regard to case: an Aho–Corasick automaton, compiled to a table with one column for
// each byte that the literals tell apart. The time is linear in the text, whatever
// the text and the literals are; a search allocates nothing.
package literals

import (
	"errors"
	"fmt"
)

// Literal is a text to look for.
type Literal struct {
	ID    int32  // what Find reports; several literals may have the same
	Text  string // folded (see Fold), not empty
	Start bool   // found at the start of a text only
	End   bool   // found at the end of a text only
}

// maxTable bounds the entries of a table, of four bytes each.
const maxTable = 4 << 20

// ErrTooMany is returned for literals that would take too much memory.
var ErrTooMany = errors.New("too many literals")

// Set is a compiled set of literals. It is not changed by searches.
type Set struct {
	class   [256]uint8 // column of a byte; 0 are all bytes in no literal
	columns uint32
	next    []uint32 // state (the index of its row) and column to state, with hit
	found   [][]end  // by row: the literals that end there
	link    []uint32 // by row: 1 + the row of the longest proper suffix at which a literal ends
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
	s.grow()
	for _, l := range list {
		if err := s.insert(l); err != nil {
			return nil, err
		}
	}
	s.close()
	return s, nil
}

// grow adds a row and returns it.
func (s *Set) grow() uint32 {
	row := uint32(len(s.found))
	s.next = append(s.next, make([]uint32, s.columns)...)
	s.found = append(s.found, nil)
	s.link = append(s.link, 0)
	return row
}

// insert adds a literal to the tree of rows.
func (s *Set) insert(l Literal) error {
	row := uint32(0)
	for i := range len(l.Text) {
		at := row*s.columns + uint32(s.class[l.Text[i]])
		if s.next[at] == 0 {
			if len(s.next) >= maxTable {
				return fmt.Errorf("%w: more than %d states", ErrTooMany, len(s.found))
			}
			grown := s.grow()
			s.next[at] = grown
		}
		row = s.next[at]
	}
	s.found[row] = append(s.found[row], end{l.ID, len(l.Text), l.Start, l.End})
	return nil
}

// close makes the tree an automaton, row after row by their depth: what the tree has
// not at a row is what the automaton has at its longest proper suffix.
func (s *Set) close() {
	suffix := make([]uint32, len(s.found))
	queue := make([]uint32, 0, len(s.found))
	for c := range s.columns {
		if row := s.next[c]; row != 0 {
			queue = append(queue, row)
		}
	}
	for i := 0; i < len(queue); i++ {
		row := queue[i]
		if back := suffix[row]; s.found[back] != nil {
			s.link[row] = back + 1
		} else {
			s.link[row] = s.link[back]
		}
		for c := range s.columns {
			at, shorter := row*s.columns+c, s.next[suffix[row]*s.columns+c]
			if child := s.next[at]; child != 0 {
				suffix[child] = shorter
				queue = append(queue, child)
			} else {
				s.next[at] = shorter
			}
		}
	}
	for i, row := range s.next {
		s.next[i] = row * s.columns
		if s.found[row] != nil || s.link[row] != 0 {
			s.next[i] |= hit
		}
	}
}

// Find looks for all literals in a text that is folded but for the case of ASCII
// letters. It sets seen[ID] to mark for those that it finds and appends to ids those
// for which it was not mark before.
func (s *Set) Find(text []byte, mark uint32, seen []uint32, ids []int32) []int32 {
	state := uint32(0)
	for i, c := range text {
		state = s.next[state+uint32(s.class[c])]
		if state&hit == 0 {
			continue
		}
		state &^= hit
		for row := state/s.columns + 1; row != 0; row = s.link[row-1] {
			for _, e := range s.found[row-1] {
				if seen[e.id] != mark && (!e.start || e.length == i+1) && (!e.end || i+1 == len(text)) {
					seen[e.id] = mark
					ids = append(ids, e.id)
				}
			}
		}
	}
	return ids
}

// Size returns the bytes that the set's table takes.
func (s *Set) Size() int { return len(s.next) * 4 }
