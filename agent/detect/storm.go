package detect

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"seawall/pkg/audit"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Bounds and times of storms.
const (
	maxOpen    = 1024
	maxOfRule  = 64
	maxText    = 8 << 20          // bytes of samples
	soon       = 30 * time.Second // after the first report
	later      = 5 * time.Minute  // after any other
	quietAfter = 10 * time.Minute
)

// key is what makes matches one detection.
type key struct {
	rule  int
	auid  uint32
	what  string // program, or group of a correlation
	other bool   // all that the rule had no room for
}

// storm is a detection that goes on.
type storm struct {
	key      key
	d        finding.Detection
	reported uint64 // the count that was reported
	at       time.Time
	seen     time.Time
	size     int // of the samples
}

// storms are the detections that go on, the one quiet for longest first.
type storms struct {
	all    map[key]*list.Element
	order  *list.List
	ofRule map[int]int
	size   int // of all samples
	merged uint64
}

func newStorms() storms {
	return storms{all: map[key]*list.Element{}, order: list.New(), ofRule: map[int]int{}}
}

// found counts a match of the event at hand, if there is one.
func (d *Detector) found(rule int, at time.Time, group []string, count uint64) {
	k := key{rule: rule, auid: audit.Unset, what: strings.Join(group, "\x00")}
	if e := d.current; e != nil && group == nil {
		k.auid, k.what = e.AUID, string(e.Exe)
	}
	o := &d.open
	element, ok := o.all[k]
	if !ok && o.ofRule[rule] >= maxOfRule {
		k = key{rule: rule, auid: audit.Unset, other: true}
		o.merged++
		element, ok = o.all[k]
	}
	if ok {
		s := element.Value.(*storm)
		if at.Sub(s.seen) <= quietAfter {
			d.again(s, at, count)
			o.order.MoveToBack(element)
			return
		}
		d.end(element)
	}
	for len(o.all) >= maxOpen || o.size > maxText && len(o.all) > 0 {
		d.end(o.order.Front())
	}
	s := &storm{key: k, at: at, seen: at, d: begin(&d.rules[rule])}
	s.d.Count, s.d.First, s.d.Last = count, at, at
	for _, g := range group {
		s.d.Group = append(s.d.Group, text.Clean(g, finding.MaxGroup))
	}
	if d.current != nil {
		d.add(s)
	}
	s.d.ID = identity(&s.d, k)
	o.all[k] = o.order.PushBack(s)
	o.ofRule[rule]++
	d.say(s, at)
}

// say reports a detection as it is now, if there is room.
func (d *Detector) say(s *storm, at time.Time) bool {
	if d.cfg.Full != nil && d.cfg.Full() {
		return false
	}
	s.at, s.reported = at, s.d.Count
	d.report(clone(&s.d))
	return true
}

// add adds a sample of the event at hand.
func (d *Detector) add(s *storm) {
	x := d.sample(d.current)
	n := size(&x)
	s.size += n
	d.open.size += n
	s.d.Samples = append(s.d.Samples, x)
}

// size is what a sample is accounted for.
func size(s *finding.Sample) int {
	n := 512 + len(s.Command) + len(s.Target) + len(s.Actor.Text) + len(s.Actor.Program) + len(s.Actor.Via)
	for i := range s.Ancestry {
		n += 48 + len(s.Ancestry[i].Exe) + len(s.Ancestry[i].Command)
	}
	for _, r := range s.Records {
		n += 16 + len(r)
	}
	return n
}

// identity names a detection, the same where the same events are read again.
func identity(x *finding.Detection, k key) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %q %d", x.Rule, k.auid, k.what, x.First.UnixNano())
	for _, s := range x.Samples {
		fmt.Fprintf(h, " %d", s.Serial)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// again counts another match. Samples are the first ones, and the newest when the count
// doubles.
func (d *Detector) again(s *storm, at time.Time, count uint64) {
	before := s.d.Count
	s.d.Count += count
	if at.After(s.seen) {
		s.seen = at // an event that was found later tells nothing of now
	}
	if at.After(s.d.Last) {
		s.d.Last = at
	} else if at.Before(s.d.First) {
		s.d.First = at
	}
	switch {
	case d.current == nil:
	case len(s.d.Samples) < maxSamples && d.open.size < maxText/2:
		d.add(s)
	case len(s.d.Samples) > 1 && before&(before-1) == 0:
		last := len(s.d.Samples) - 1
		n := size(&s.d.Samples[last])
		s.size -= n
		d.open.size -= n
		s.d.Samples = s.d.Samples[:last]
		d.add(s)
	}
}

// clone copies what a later match changes.
func clone(x *finding.Detection) finding.Detection {
	c := *x
	c.Samples = slices.Clone(x.Samples)
	return c
}

// advance reports what grew, and what there was no room for, and ends what is quiet.
func (d *Detector) advance(now time.Time) {
	for element := d.open.order.Front(); element != nil; {
		next := element.Next()
		s := element.Value.(*storm)
		wait := later
		switch s.reported {
		case 0:
			wait = 0
		case 1:
			wait = soon
		}
		switch {
		case now.Sub(s.seen) > quietAfter:
			d.end(element)
		case s.d.Count > s.reported && now.Sub(s.at) >= wait:
			d.say(s, now)
		}
		element = next
	}
}

// end reports the rest of a detection, if there is any, and forgets it.
func (d *Detector) end(element *list.Element) {
	o := &d.open
	s := o.order.Remove(element).(*storm)
	delete(o.all, s.key)
	o.size -= s.size
	if o.ofRule[s.key.rule]--; o.ofRule[s.key.rule] == 0 {
		delete(o.ofRule, s.key.rule)
	}
	if s.d.Count == s.reported {
		return
	}
	rest := s.d.Count - s.reported
	s.d.Ended = true
	if !d.say(s, s.at) {
		d.stats.Lost += rest
	}
}
