package match

import (
	"bytes"
	"net/netip"
	"regexp"
	"unicode/utf8"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/pattern"
)

// Bounds of what a regular expression sees of a value: bytes, and bytes times the
// steps of its program, since each byte can take all steps. An expression of 128
// steps, which is a long one, sees all of the former; no value takes longer than
// about a tenth of a second.
const (
	maxScan = 32 << 10
	maxWork = 4 << 20
)

// test is a test of a field.
type test struct {
	op    sigma.Op
	field event.Field
	atoms []int32 // of which one must be seen; none if there are none that must
	sure  bool    // the atom seen is all there is to it

	cased      bool
	pattern    pattern.Pattern
	regexp     *regexp.Regexp
	scan       int // bytes that it sees
	network    netip.Prefix
	sign       string
	number     decimal
	other      event.Field
	head, tail bool
}

// price orders tests from cheap to dear.
func (t *test) price() int {
	switch {
	case t.op == sigma.Regexp:
		return 100
	case t.sure || t.op == sigma.Exists || t.op == sigma.Absent:
		return 1
	case len(t.atoms) > 0:
		return 10
	}
	return 20
}

// holds reports whether the event passes the test.
func (t *test) holds(e *event.Event, s *Scratch) bool {
	if len(t.atoms) > 0 {
		if !s.anySeen(t.atoms) {
			return false
		}
		if t.sure {
			return true
		}
	}
	switch t.op {
	case sigma.Exists:
		return e.First(t.field) >= 0
	case sigma.Absent:
		return e.First(t.field) < 0
	}
	if t.field == anywhere {
		for i := range e.Len() {
			if t.passes(e, s, i) {
				return true
			}
		}
		return false
	}
	for i := e.First(t.field); i >= 0; i = e.Next(i) {
		if t.passes(e, s, i) {
			return true
		}
	}
	return false
}

// passes reports whether one value passes.
func (t *test) passes(e *event.Event, s *Scratch, i int) bool {
	_, text := e.At(i)
	switch t.op {
	case sigma.Like:
		if !t.cased {
			text = s.folded(e, i)
		}
		return t.pattern.Match(text)
	case sigma.Regexp:
		return t.regexp.Match(text[:min(len(text), t.scan)])
	case sigma.Within:
		addr, ok := parseAddr(text)
		return ok && t.network.Contains(addr)
	case sigma.Compare:
		n, ok := parseNumber(text)
		return ok && n.is(t.sign, t.number)
	case sigma.SameAs:
		for j := e.First(t.other); j >= 0; j = e.Next(j) {
			if t.same(e, s, i, j) {
				return true
			}
		}
	}
	return false
}

// same compares the values of two fields.
func (t *test) same(e *event.Event, s *Scratch, i, j int) bool {
	_, a := e.At(i)
	_, b := e.At(j)
	if !t.cased {
		a, b = s.folded(e, i), s.folded(e, j)
	}
	switch {
	case t.head && t.tail:
		return contains(a, b)
	case t.head:
		return bytes.HasSuffix(a, b) && whole(a, len(a)-len(b))
	case t.tail:
		return bytes.HasPrefix(a, b) && whole(a, len(b))
	}
	return bytes.Equal(a, b)
}

// contains reports whether a has b in it and no character is cut for it, which a
// value that is no UTF-8 could do.
func contains(a, b []byte) bool {
	for from := 0; ; from++ {
		i := bytes.Index(a[from:], b)
		if i < 0 {
			return false
		}
		if from += i; whole(a, from) && whole(a, from+len(b)) {
			return true
		}
	}
}

// whole reports whether no character of text goes over i.
func whole(text []byte, i int) bool {
	for from := i - 1; i < len(text) && from >= 0 && from > i-utf8.UTFMax; from-- {
		if utf8.RuneStart(text[from]) {
			_, size := utf8.DecodeRune(text[from:])
			return from+size <= i
		}
	}
	return true
}
