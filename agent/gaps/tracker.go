package gaps

import (
	"slices"
	"sort"
	"time"
)

// maxHoles bounds the holes of a Tracker; the oldest are reported before their time.
const maxHoles = 4096

// Sight is what a serial is to a Tracker.
type Sight int

// The sights.
const (
	Fresh Sight = iota // first seen, newer than all before
	Tardy              // first seen, in a hole that was still open
	Again              // seen before, or of a hole that was reported
)

// Tracker finds serials that do not come. The zero Tracker is ready. It is not safe for
// concurrent use.
type Tracker struct {
	started bool
	head    uint32 // newest seen
	at      time.Time
	holes   []hole // oldest first
	early   []hole // pushed out by newer ones
}

// hole is a range of serials that were not seen, from and to included, between two
// events that were.
type hole struct {
	from, to      uint32
	before, after time.Time // when those events were
	noticed       time.Time
}

// Resume says which serial was the last that somebody saw before, and when that event
// was. To be called before See.
func (t *Tracker) Resume(serial uint32, at time.Time) {
	t.started, t.head, t.at = true, serial, at
}

// Head returns the newest serial and the time of its event; ok is false before the first.
func (t *Tracker) Head() (serial uint32, at time.Time, ok bool) { return t.head, t.at, t.started }

// Through returns the newest serial up to which no hole waits for its time: of what is
// missing up to there, Settle told.
func (t *Tracker) Through() uint32 {
	switch {
	case len(t.early) > 0:
		return t.early[0].from - 1
	case len(t.holes) > 0:
		return t.holes[0].from - 1
	}
	return t.head
}

// Reopen says of serials before the one resumed from that they were waited for.
func (t *Tracker) Reopen(holes []Range, now time.Time) {
	for _, r := range holes {
		if int32(r.To-r.From) >= 0 && int32(t.head-r.To) > 0 {
			t.open(hole{from: r.From, to: r.To, before: t.at, after: t.at, noticed: now})
		}
	}
}

// See notes the serial of an event that was at a time and came now.
func (t *Tracker) See(serial uint32, at, now time.Time) Sight {
	step := int32(serial - t.head)
	switch {
	case !t.started:
		t.started = true
	case step <= 0:
		return t.find(serial)
	case step > 1:
		h := hole{from: t.head + 1, to: serial - 1, before: t.at, after: at, noticed: now}
		// The kernel never uses 0.
		if h.from > h.to && h.to != 0 && h.from != 0 {
			high := h
			high.to = ^uint32(0)
			t.open(high)
			h.from = 1
		}
		h.from = max(h.from, 1)
		if h.to == 0 {
			h.to--
		}
		if int32(h.to-h.from) >= 0 {
			t.open(h)
		}
	}
	t.head, t.at = serial, at
	return Fresh
}

func (t *Tracker) open(h hole) {
	if len(t.holes) == maxHoles {
		const many = maxHoles / 2 // to move the rest seldom
		t.early = append(t.early, t.holes[:many]...)
		t.holes = append(t.holes[:0], t.holes[many:]...)
	}
	t.holes = append(t.holes, h)
}

// find takes a serial out of the hole that it is in.
func (t *Tracker) find(serial uint32) Sight {
	if take(&t.holes, serial) || take(&t.early, serial) {
		return Tardy
	}
	return Again
}

// take takes a serial out of one of the holes, which are in the order of their serials.
func take(list *[]hole, serial uint32) bool {
	holes := *list
	i := sort.Search(len(holes), func(i int) bool { return int32(serial-holes[i].to) <= 0 })
	if i == len(holes) || int32(serial-holes[i].from) < 0 {
		return false
	}
	h := &holes[i]
	switch {
	case h.from == h.to:
		*list = append(holes[:i], holes[i+1:]...)
	case serial == h.from:
		h.from++
	case serial == h.to:
		h.to--
	default:
		rest := *h
		rest.from = serial + 1
		h.to = serial - 1
		*list = slices.Insert(holes, i+1, rest)
	}
	return true
}

// Open reports whether there are holes that wait for their time.
func (t *Tracker) Open() bool { return len(t.holes)+len(t.early) > 0 }

// Settle gives up on the holes that were noticed before a time, and returns them as gaps
// without a cause.
func (t *Tracker) Settle(noticed, now time.Time) []Gap {
	over := t.early
	n := 0
	for n < len(t.holes) && t.holes[n].noticed.Before(noticed) {
		n++
	}
	over = append(over, t.holes[:n]...)
	t.holes = append(t.holes[:0], t.holes[n:]...)
	t.early = nil
	if len(over) == 0 {
		return nil
	}
	gaps := make([]Gap, 0, len(over))
	for _, h := range over {
		gaps = append(gaps, Gap{
			From: h.from, To: h.to, Missing: uint64(h.to-h.from) + 1,
			Before: h.before, After: h.after, Found: now,
		})
	}
	return gaps
}
