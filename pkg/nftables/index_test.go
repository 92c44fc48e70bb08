package nftables

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// element is one of a set of ports; to is the last of a range of its own, or 0.
func element(from, to uint16, stop bool) Element {
	e := Element{Key: binary.BigEndian.AppendUint16(nil, from), Stop: stop}
	if to != 0 {
		e.End = binary.BigEndian.AppendUint16(nil, to)
	}
	return e
}

// TestFind: in sets of single values, of starts and ends, and of ranges.
func TestFind(t *testing.T) {
	single := &Set{Elements: []Element{element(22, 0, false), element(80, 0, false)}}
	// 10-19 and, right behind it, 20-29, as the kernel gives them in any order.
	intervals := &Set{Interval: true, Elements: []Element{element(20, 0, false), element(30, 0, true), element(20, 0, true), element(10, 0, false)}}
	ranges := &Set{Elements: []Element{element(10, 19, false), element(443, 443, false)}}
	rest := &Set{Elements: []Element{element(22, 0, false), {Any: true}}}
	for name, tt := range map[string]struct {
		set     *Set
		yes, no []uint16
	}{
		"single":    {single, []uint16{22, 80}, []uint16{0, 23, 79}},
		"intervals": {intervals, []uint16{10, 19, 20, 29}, []uint16{9, 30, 65535}},
		"ranges":    {ranges, []uint16{10, 15, 19, 443}, []uint16{9, 20, 442, 444}},
		"rest":      {rest, []uint16{22, 23}, nil},
		"empty":     {&Set{}, nil, []uint16{0}},
	} {
		x := tt.set.Index()
		for want, ports := range map[bool][]uint16{true: tt.yes, false: tt.no} {
			for _, p := range ports {
				if e := x.Find(binary.BigEndian.AppendUint16(nil, p)); (e != nil) != want {
					t.Errorf("%s: %d: got %v", name, p, e)
				}
			}
		}
	}
}

// TestPossible: a key of which the first byte is known is in a set where one of its
// elements begins with that byte, or where there is more than single values.
func TestPossible(t *testing.T) {
	single := (&Set{Elements: []Element{element(22, 0, false)}}).Index()
	for first, want := range map[byte]bool{0: true, 1: false} {
		if got := single.Possible(func(k []byte) bool { return k[0] == first }); got != want {
			t.Errorf("%d: got %v", first, got)
		}
	}
	never := func([]byte) bool { return false }
	for _, s := range []*Set{{Elements: []Element{{Any: true}}}, {Elements: []Element{element(1, 2, false)}}, {Interval: true, Elements: []Element{element(1, 0, false)}}} {
		if !s.Index().Possible(never) {
			t.Errorf("%+v cannot have it", s)
		}
	}
}

// TestWithin: each part of a concatenation has a range of its own.
func TestWithin(t *testing.T) {
	from, to := []byte{10, 0, 0, 0, 0, 80}, []byte{10, 255, 255, 255, 0, 90}
	for _, tt := range []struct {
		key  []byte
		want bool
	}{
		{[]byte{10, 1, 2, 3, 0, 85}, true}, {[]byte{10, 1, 2, 3, 0, 91}, false}, {[]byte{11, 0, 0, 0, 0, 85}, false}, {[]byte{10, 1, 2, 3}, false},
	} {
		if got := within(tt.key, from, to); got != tt.want {
			t.Errorf("%v: got %v", tt.key, got)
		}
	}
}

// FuzzFind: whatever a set holds, what is found is one of its elements.
func FuzzFind(f *testing.F) {
	f.Add([]byte{0, 22}, []byte{0, 20}, []byte{0, 30}, 0)
	f.Add([]byte{}, []byte{1}, []byte{}, 3)
	f.Fuzz(func(t *testing.T, key, from, to []byte, kind int) {
		set := &Set{Interval: kind&1 == 0, Elements: []Element{{Key: from, End: to}, {Key: to, Stop: kind&2 == 0}, {Key: from}}}
		if e := set.Index().Find(key); e != nil && e.End == nil && !set.Interval && !bytes.Equal(e.Key, key) {
			t.Errorf("%v is found for %v", e, key)
		}
	})
}
