package reach

import (
	"bytes"
	"slices"

	"seawall/pkg/nftables"
	"seawall/pkg/nftables/match"
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
func (x *index) find(key match.Field) (*nftables.Element, match.Tri) {
	if !key.Whole() {
		return nil, x.possible(key)
	}
	if e := x.exact[string(key.Bytes)]; e != nil {
		return e, match.Yes
	}
	i, _ := slices.BinarySearchFunc(x.starts, key.Bytes, func(e *nftables.Element, k []byte) int {
		if bytes.Compare(e.Key, k) <= 0 {
			return -1
		}
		return 1
	})
	if i > 0 && !x.starts[i-1].Stop {
		return x.starts[i-1], match.Yes
	}
	for _, e := range x.ranges {
		if within(key.Bytes, e.Key, e.End) {
			return e, match.Yes
		}
	}
	if x.rest != nil {
		return x.rest, match.Yes
	}
	return nil, match.No
}

// possible says whether a key that is not wholly known could be in the set.
func (x *index) possible(key match.Field) match.Tri {
	if len(x.starts) > 0 || len(x.ranges) > 0 || x.rest != nil {
		return match.Maybe
	}
	for k := range x.exact {
		if key.Equals([]byte(k)) != match.No {
			return match.Maybe
		}
	}
	return match.No
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
