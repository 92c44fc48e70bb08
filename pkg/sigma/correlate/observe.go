package correlate

import (
	"encoding/binary"
	"hash/maphash"
	"time"

	"seawall/pkg/sigma/event"
)

const (
	maxKept = 256         // bytes of a value that is grouped by
	slack   = time.Minute // for which a group is kept beyond its timespan, and may be in the future
)

// Observe takes an event that a rule matched, by the rule's index, and calls report
// for the correlations that then hold, those that only others are about too: they are
// for who examines rules, and not to be told to people (see Alone).
func (c *Correlator) Observe(rule int, e *event.Event, at time.Time, report func(Alert)) {
	for _, f := range c.feeds[rule] {
		x := f.to
		c.expire(x, at, report)
		g, value, ok := c.group(x, &x.members[f.member], e)
		if !ok {
			c.without++
			continue
		}
		alert, fired := c.count(x, g, f.member, value, at, report)
		c.evict(x, g)
		if fired {
			report(alert)
			c.Observe(x.index, e, at, report)
		}
	}
}

// count adds the event to its group.
func (c *Correlator) count(x *correlation, g *group, member int, value uint64, at time.Time, report func(Alert)) (Alert, bool) {
	now, span := at.UnixNano(), int64(x.Timespan)
	if g.touched && now < g.last-span {
		c.late++
		return Alert{}, false
	}
	if x.atEnd && g.touched && now > g.first+span {
		c.judge(x, g, report)
		g.clear()
	}
	if !g.touched {
		g.touched, g.first, g.last = true, now, now
	}
	g.first, g.last = min(g.first, now), max(g.last, now)
	first, last, count, fired := g.add(x, member, value, now)
	alert := Alert{Rule: x.index, Count: count, First: time.Unix(0, first), Last: time.Unix(0, last)}
	if fired {
		alert.Group = g.values()
		g.clear()
	}
	c.resize(x, g)
	return alert, fired
}

// group finds the event's group, or makes it. The value is that which is counted.
func (c *Correlator) group(x *correlation, m *member, e *event.Event) (g *group, value uint64, ok bool) {
	c.key = c.key[:0]
	s := e.Source()
	if s < 0 || s >= len(m.groupBy) {
		return nil, 0, false
	}
	for _, f := range m.groupBy[s] {
		text, ok := e.Value(f)
		if !ok {
			return nil, 0, false
		}
		c.append(text)
	}
	if x.Field != "" {
		text, ok := e.Value(m.field[s])
		if !ok {
			return nil, 0, false
		}
		value = maphash.Bytes(c.seed, text)
	}
	if g = x.groups[string(c.key)]; g == nil {
		g = &group{key: string(c.key)}
		x.groups[g.key] = g
		c.resize(x, g)
	} else {
		x.unlink(g)
	}
	x.link(g)
	return g, value, true
}

// append adds a value to the key, with its length before it, so that "ab" and "c" are
// not the group of "a" and "bc".
func (c *Correlator) append(text []byte) {
	if len(text) <= maxKept {
		c.key = binary.AppendUvarint(c.key, uint64(len(text)))
		c.key = append(c.key, text...)
		return
	}
	const digits = "0123456789abcdef"
	c.key = binary.AppendUvarint(c.key, maxKept)
	c.key = append(append(c.key, text[:maxKept-19]...), "..."...)
	for sum, i := maphash.Bytes(c.seed, text), 0; i < 16; sum, i = sum>>4, i+1 {
		c.key = append(c.key, digits[sum&15])
	}
}

// judge tells of a group whose timespan is over.
func (c *Correlator) judge(x *correlation, g *group, report func(Alert)) {
	count := g.count
	if x.Type == "value_count" {
		count = len(g.seen)
	}
	for _, b := range x.Bounds {
		if !b.Holds(count) {
			return
		}
	}
	report(Alert{Rule: x.index, Group: g.values(), Count: count, First: time.Unix(0, g.first), Last: time.Unix(0, g.last)})
}

// expire forgets groups that no event of this time can add to, oldest first.
func (c *Correlator) expire(x *correlation, at time.Time, report func(Alert)) {
	limit := at.Add(-x.Timespan - slack).UnixNano()
	for g := x.oldest; g != nil && g.last < limit; g = x.oldest {
		if x.atEnd {
			c.judge(x, g, report)
		}
		c.remove(x, g)
	}
}

// Advance tells what time it is, by the clock that events have: groups whose time is
// over are judged and forgotten. It is to be called now and then.
func (c *Correlator) Advance(now time.Time, report func(Alert)) {
	for _, x := range c.rules {
		limit, future := now.Add(-x.Timespan).UnixNano(), now.Add(x.Timespan+slack).UnixNano()
		for g := x.oldest; g != nil; {
			next := g.newer
			switch {
			case g.last > future: // the clock was set back
				c.evicted++
				c.remove(x, g)
			case x.atEnd && g.first < limit:
				c.judge(x, g, report)
				c.remove(x, g)
			case g.last < limit-int64(slack):
				c.remove(x, g)
			}
			g = next
		}
	}
}

// evict makes room; keep is the group that was just touched.
func (c *Correlator) evict(x *correlation, keep *group) {
	for len(x.groups) > c.limits.Groups && x.oldest != keep {
		c.evicted++
		c.remove(x, x.oldest)
	}
	for c.bytes > c.limits.Bytes {
		most := x
		for _, y := range c.rules {
			if y.bytes > most.bytes {
				most = y
			}
		}
		if most.oldest == nil {
			return
		}
		c.evicted++
		c.remove(most, most.oldest)
	}
}

// resize accounts for a group's memory after it may have changed.
func (c *Correlator) resize(x *correlation, g *group) {
	size := g.size()
	x.bytes += size - g.bytes
	c.bytes += size - g.bytes
	g.bytes = size
}

// remove forgets a group.
func (c *Correlator) remove(x *correlation, g *group) {
	x.bytes -= g.bytes
	c.bytes -= g.bytes
	x.unlink(g)
	delete(x.groups, g.key)
}

// link makes a group the newest.
func (x *correlation) link(g *group) {
	if g.older = x.newest; g.older != nil {
		g.older.newer = g
	} else {
		x.oldest = g
	}
	x.newest = g
}

// unlink takes a group out of the list, to be put at its end or forgotten.
func (x *correlation) unlink(g *group) {
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		x.oldest = g.newer
	}
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		x.newest = g.older
	}
	g.older, g.newer = nil, nil
}
