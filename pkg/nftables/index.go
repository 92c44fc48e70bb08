package nftables

import (
	"bytes"
	"slices"
)

// Index is a set, prepared for lookups.
type Index struct {
	exact  map[string]*Element
	starts []*Element // of intervals, by key, starts before ends
	ranges []*Element // those with an end of their own
	rest   *Element   // for what no other matches
}

// Index prepares the set for lookups.
func (s *Set) Index() *Index {
	x := &Index{exact: map[string]*Element{}}
	for i := range s.Elements {
		switch e := &s.Elements[i]; {
		case e.Any:
			x.rest = e
		case e.End != nil:
			x.ranges = append(x.ranges, e)
		case s.Interval:
			x.starts = append(x.starts, e)
		default:
			x.exact[string(e.Key)] = e
		}
	}
	slices.SortStableFunc(x.starts, func(a, b *Element) int {
		if c := bytes.Compare(a.Key, b.Key); c != 0 || a.Stop == b.Stop {
			return c
		}
		if a.Stop { // where one range ends and the next one starts, the start counts
			return -1
		}
		return 1
	})
	return x
}

// Find returns the element that a key is of, nil for none.
func (x *Index) Find(key []byte) *Element {
	if e := x.exact[string(key)]; e != nil {
		return e
	}
	i, _ := slices.BinarySearchFunc(x.starts, key, func(e *Element, k []byte) int {
		if bytes.Compare(e.Key, k) <= 0 {
			return -1
		}
		return 1
	})
	if i > 0 && !x.starts[i-1].Stop {
		return x.starts[i-1]
	}
	for _, e := range x.ranges {
		if within(key, e.Key, e.End) {
			return e
		}
	}
	return x.rest
}

// Possible says whether a key of which not all is known could be in the set; equals
// says whether it can be a given one.
func (x *Index) Possible(equals func(key []byte) bool) bool {
	if len(x.starts) > 0 || len(x.ranges) > 0 || x.rest != nil {
		return true
	}
	for k := range x.exact {
		if equals([]byte(k)) {
			return true
		}
	}
	return false
}

// within compares four bytes by four, since each part of a concatenation has a range
// of its own.
func within(key, from, to []byte) bool {
	if len(from) != len(key) || len(to) != len(key) {
		return false
	}
	for i := 0; i < len(key); i += 4 {
		j := min(i+4, len(key))
		if bytes.Compare(key[i:j], from[i:j]) < 0 || bytes.Compare(key[i:j], to[i:j]) > 0 {
			return false
		}
	}
	return true
}
