package correlate

import (
	"encoding/binary"
	"math"
	"slices"
)

// remembered is how many times of each rule a temporal correlation keeps.
const remembered = 8

// group is the state of one group of a correlation.
type group struct {
	key          string
	older, newer *group
	bytes        int

	touched     bool
	first, last int64
	count       int
	times       []int64          // event_count: the latest, sorted
	seen        map[uint64]int64 // value_count: when each value was last
	rules       [][]int64        // temporal: the latest of each rule, sorted
}

// clear makes the group begin anew.
func (g *group) clear() {
	g.touched, g.count = false, 0
	g.times, g.seen, g.rules = g.times[:0], nil, nil
}

// size is about what the group takes.
func (g *group) size() int {
	size := 256 + len(g.key) + 8*cap(g.times) + 48*len(g.seen)
	for _, times := range g.rules {
		size += 24 + 8*cap(times)
	}
	return size
}

// values takes the key apart.
func (g *group) values() []string {
	var list []string
	for key := g.key; key != ""; {
		length, n := binary.Uvarint([]byte(key[:min(len(key), 10)]))
		key = key[n:]
		list = append(list, key[:length])
		key = key[length:]
	}
	return list
}

// add counts an event and reports whether the correlation then holds.
func (g *group) add(x *correlation, member int, value uint64, now int64) (first, last int64, count int, fired bool) {
	span := int64(x.Timespan)
	switch x.Type {
	case "event_count":
		if g.count++; x.atEnd {
			return g.first, g.last, g.count, false
		}
		first, last, fired = g.addTime(x.target, span, now)
		return first, last, x.target, fired
	case "value_count":
		if x.atEnd {
			if g.seen == nil {
				g.seen = make(map[uint64]int64)
			}
			if len(g.seen) < x.target {
				g.seen[value] = now
			}
			return g.first, g.last, len(g.seen), false
		}
		first, last, fired = g.addValue(x.target, span, value, now)
		return first, last, x.target, fired
	}
	if g.rules == nil {
		g.rules = make([][]int64, len(x.members))
	}
	g.rules[member] = insert(g.rules[member], now, remembered)
	if x.Type == "temporal_ordered" {
		first, last, fired = g.ordered(span)
		return first, last, len(g.rules), fired
	}
	return g.together(x.target, span)
}

// insert puts a time into a sorted list of at most limit.
func insert(times []int64, now int64, limit int) []int64 {
	i, _ := slices.BinarySearch(times, now+1)
	times = slices.Insert(times, i, now)
	if len(times) > limit {
		times = slices.Delete(times, 0, len(times)-limit)
	}
	return times
}

// addTime reports whether target events are within a timespan.
func (g *group) addTime(target int, span, now int64) (first, last int64, fired bool) {
	g.times = insert(g.times, now, target+1)
	for i := 0; i+target <= len(g.times); i++ {
		if first, last = g.times[i], g.times[i+target-1]; last-first <= span {
			return first, last, true
		}
	}
	g.times = g.times[max(0, len(g.times)-target):]
	return 0, 0, false
}

// addValue reports whether target values are within the timespan before the newest.
func (g *group) addValue(target int, span int64, value uint64, now int64) (first, last int64, fired bool) {
	if g.seen == nil {
		g.seen = make(map[uint64]int64)
	}
	g.seen[value] = max(now, g.seen[value])
	if len(g.seen) < target {
		return 0, 0, false
	}
	first = math.MaxInt64
	for v, at := range g.seen {
		if at < g.last-span {
			delete(g.seen, v)
		} else {
			first = min(first, at)
		}
	}
	return first, g.last, len(g.seen) >= target
}

// together reports whether enough rules are within a timespan, and how many.
func (g *group) together(target int, span int64) (first, last int64, count int, fired bool) {
	for _, ends := range g.rules {
		for _, end := range ends {
			count, first = 0, end
			for _, times := range g.rules {
				// The latest that is not after the end.
				i, _ := slices.BinarySearch(times, end+1)
				if i > 0 && times[i-1] >= end-span {
					count++
					first = min(first, times[i-1])
				}
			}
			if count >= target {
				return first, end, count, true
			}
		}
	}
	return 0, 0, 0, false
}

// ordered reports whether there are times of all rules in their order within a
// timespan. Going back from each time of the last rule, the latest time of the rule
// before is the best: it leaves most room for those before it.
func (g *group) ordered(span int64) (first, last int64, fired bool) {
	for _, end := range g.rules[len(g.rules)-1] {
		at, ok := end, true
		for k := len(g.rules) - 2; k >= 0 && ok; k-- {
			i, _ := slices.BinarySearch(g.rules[k], at+1)
			if ok = i > 0; ok {
				at = g.rules[k][i-1]
			}
		}
		if ok && end-at <= span {
			return at, end, true
		}
	}
	return 0, 0, false
}
