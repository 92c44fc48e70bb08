package reach

import (
	"bytes"
	"slices"

	"seawall/pkg/nftables"
)

// index is a set, prepared for lookups.
type index struct {
	exact  map[string]*nftables.Element
	starts []*nftables.Element // of intervals, by key, starts before ends
	ranges []*nftables.Element // those with an end of their own
	rest   *nftables.Element   // for what no other matches
}

func (f *Filter) index(s *nftables.Set) *index {
	if x := f.sorted[s.Key]; x != nil {
		return x
	}
	x := &index{exact: map[string]*nftables.Element{}}
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
	slices.SortStableFunc(x.starts, func(a, b *nftables.Element) int {
		if c := bytes.Compare(a.Key, b.Key); c != 0 || a.Stop == b.Stop {
			return c
		}
		if a.Stop { // where one range ends and the next one starts, the start counts
			return -1
		}
		return 1
	})
	f.sorted[s.Key] = x
	return x
}

// find looks a key up. Of maybe, the element is nil: one of several, or none.
func (x *index) find(key field) (*nftables.Element, tri) {
	if !key.whole() {
		return nil, x.possible(key)
	}
	if e := x.exact[string(key.bytes)]; e != nil {
		return e, yes
	}
	i, _ := slices.BinarySearchFunc(x.starts, key.bytes, func(e *nftables.Element, k []byte) int {
		if bytes.Compare(e.Key, k) <= 0 {
			return -1
		}
		return 1
	})
	if i > 0 && !x.starts[i-1].Stop {
		return x.starts[i-1], yes
	}
	for _, e := range x.ranges {
		if within(key.bytes, e.Key, e.End) {
			return e, yes
		}
	}
	if x.rest != nil {
		return x.rest, yes
	}
	return nil, no
}

// possible says whether a key that is not wholly known could be in the set.
func (x *index) possible(key field) tri {
	if len(x.starts) > 0 || len(x.ranges) > 0 || x.rest != nil {
		return maybe
	}
	for k := range x.exact {
		if key.equals([]byte(k)) != no {
			return maybe
		}
	}
	return no
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
