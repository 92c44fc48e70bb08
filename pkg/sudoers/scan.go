package sudoers

import (
	"strconv"
	"strings"
)

const blanks = " \t\r\v\f"

// scanner goes through one line.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// skip passes over blanks.
func (s *scanner) skip() {
	for s.pos < len(s.text) && strings.IndexByte(blanks, s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// end reports whether nothing follows, or a comment.
func (s *scanner) end() bool {
	return s.pos >= len(s.text) || s.text[s.pos] == '#' && !numberFollows(s.text[s.pos+1:])
}

// hasComment reports whether a line has a comment in it, and whether quotes are open
// at its end. A comment may stand anywhere but between quotes and after a backslash.
func hasComment(line string, quoted bool) (comment, open bool) {
	s := scanner{text: line}
	for ; s.pos < len(line); s.pos++ {
		switch c := line[s.pos]; {
		case c == '\\':
			s.pos++
		case c == '"':
			quoted = !quoted
		case !quoted && s.end():
			return true, false
		}
	}
	return false, quoted
}

func numberFollows(rest string) bool {
	rest = strings.TrimPrefix(rest, "-")
	return rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// closing is where the quotes end, -1 if they do not.
func closing(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// take passes over c, blanks before it too, if it comes next.
func (s *scanner) take(c byte) bool {
	s.skip()
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// word reads up to one of the characters in stop, escapes resolved, or what is
// between quotes. It is not ok when there is none.
func (s *scanner) word(stop string) (string, bool) {
	if s.peek() == '"' {
		s.pos++
		return s.toQuote()
	}
	var b strings.Builder
	for start := s.pos; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		if strings.IndexByte(stop, c) >= 0 || c == '"' || c == '#' && s.pos > start {
			break
		}
		if c == '\\' && s.pos+1 < len(s.text) {
			s.pos++
			c = s.text[s.pos]
			if v, err := strconv.ParseUint(hex(s.text[s.pos:]), 16, 8); err == nil {
				c = byte(v)
				s.pos += 2
			}
		}
		b.WriteByte(c)
	}
	return b.String(), b.Len() > 0
}

// hex is the two digits of "xHH".
func hex(s string) string {
	if len(s) < 3 || s[0] != 'x' {
		return ""
	}
	return s[1:3]
}

// toQuote reads the rest of what is between quotes. Nothing is not ok.
func (s *scanner) toQuote() (string, bool) {
	i := closing(s.text[s.pos:])
	if i <= 0 {
		return "", false
	}
	inner := strings.ReplaceAll(s.text[s.pos:s.pos+i], `\"`, `"`)
	s.pos += i + 1
	return inner, true
}
