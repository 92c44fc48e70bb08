package match

import (
	"bytes"
	"net/netip"
	"regexp"

	"seawall/pkg/sigma"
)

// maxScan bounds what a regular expression sees of a value.
const maxScan = 32 << 10

// test is a test of a field.
type test struct {
	op    sigma.Op
	field Field
	atoms []int32 // of which one must be seen; none if there are none that must
	sure  bool    // the atom seen is all there is to it

	cased      bool
	pattern    pattern
	regexp     *regexp.Regexp
	network    netip.Prefix
	sign       string
	number     decimal
	other      Field
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
func (t *test) holds(e *Event, s *Scratch) bool {
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
		return e.first(t.field) != 0
	case sigma.Absent:
		return e.first(t.field) == 0
	}
	if t.field == anywhere {
		for i := range e.values {
			if t.passes(e, s, i) {
				return true
			}
		}
		return false
	}
	for i := e.first(t.field); i != 0; i = e.values[i-1].next {
		if t.passes(e, s, int(i-1)) {
			return true
		}
	}
	return false
}

// passes reports whether one value passes.
func (t *test) passes(e *Event, s *Scratch, i int) bool {
	text := e.values[i].text
	switch t.op {
	case sigma.Like:
		if !t.cased {
			text = s.folded(e, i)
		}
		return t.pattern.match(text)
	case sigma.Regexp:
		return t.regexp.Match(text[:min(len(text), maxScan)])
	case sigma.Within:
		addr, ok := parseAddr(text)
		return ok && t.network.Contains(addr)
	case sigma.Compare:
		n, ok := parseNumber(text)
		return ok && n.is(t.sign, t.number)
	case sigma.SameAs:
		for j := e.first(t.other); j != 0; j = e.values[j-1].next {
			if t.same(e, s, i, int(j-1)) {
				return true
			}
		}
	}
	return false
}

// same compares the values of two fields.
func (t *test) same(e *Event, s *Scratch, i, j int) bool {
	a, b := e.values[i].text, e.values[j].text
	if !t.cased {
		a, b = s.folded(e, i), s.folded(e, j)
	}
	switch {
	case t.head && t.tail:
		return bytes.Contains(a, b)
	case t.head:
		return bytes.HasSuffix(a, b)
	case t.tail:
		return bytes.HasPrefix(a, b)
	}
	return bytes.Equal(a, b)
}
