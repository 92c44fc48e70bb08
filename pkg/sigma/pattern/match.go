package pattern

import (
	"bytes"
	"unicode/utf8"
)

// Pattern is a compiled pattern: segments with any text between them. The zero value
// matches empty text.
type Pattern struct {
	segments [][]unit
	head     bool // any text may go before the first segment
	tail     bool // any text may follow the last
}

// unit is text, or with one set one character.
type unit struct {
	text []byte
	one  bool
}

// Compile compiles a pattern.
func Compile(list []Piece) Pattern {
	p := Pattern{}
	var segment []unit
	for i, x := range list {
		switch x.Wild {
		case '*':
			p.head = p.head || i == 0
			p.tail = p.tail || i == len(list)-1
			if segment != nil {
				p.segments = append(p.segments, segment)
				segment = nil
			}
		case '?':
			segment = append(segment, unit{one: true})
		default:
			segment = append(segment, unit{text: []byte(x.Text)})
		}
	}
	if segment != nil {
		p.segments = append(p.segments, segment)
	}
	return p
}

// Match reports whether the whole text is like the pattern. Each segment is taken
// where it is first found: all that a segment can match has one number of characters,
// so a later place leaves less for those that follow.
func (p *Pattern) Match(text []byte) bool {
	segments := p.segments
	if len(segments) == 0 {
		return p.head || len(text) == 0
	}
	if !p.head {
		n := prefix(segments[0], text)
		if n < 0 {
			return false
		}
		text, segments = text[n:], segments[1:]
		if len(segments) == 0 {
			return p.tail || len(text) == 0
		}
	}
	if !p.tail {
		last := len(segments) - 1
		n := suffix(segments[last], text)
		if n < 0 {
			return false
		}
		text, segments = text[:n], segments[:last]
	}
	for _, segment := range segments {
		n := find(segment, text)
		if n < 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// prefix returns the length of the segment at the start of text, -1 if it is not there.
func prefix(segment []unit, text []byte) int {
	n := 0
	for _, x := range segment {
		switch {
		case !x.one:
			if !bytes.HasPrefix(text[n:], x.text) {
				return -1
			}
			n += len(x.text)
		case n == len(text):
			return -1
		default:
			_, size := utf8.DecodeRune(text[n:])
			n += size
		}
	}
	return n
}

// suffix returns where the segment begins at the end of text, -1 if it is not there.
func suffix(segment []unit, text []byte) int {
	n := len(text)
	for i := len(segment) - 1; i >= 0; i-- {
		x := segment[i]
		switch {
		case !x.one:
			if !bytes.HasSuffix(text[:n], x.text) {
				return -1
			}
			n -= len(x.text)
		case n == 0:
			return -1
		default:
			_, size := utf8.DecodeLastRune(text[:n])
			n -= size
		}
	}
	return n
}

// find returns where the first occurrence of a segment ends, -1 if there is none.
func find(segment []unit, text []byte) int {
	for from := 0; from <= len(text); {
		if first := segment[0]; !first.one {
			i := bytes.Index(text[from:], first.text)
			if i < 0 {
				return -1
			}
			from += i
		}
		if n := prefix(segment, text[from:]); n >= 0 {
			return from + n
		}
		_, size := utf8.DecodeRune(text[from:])
		from += max(size, 1)
	}
	return -1
}
