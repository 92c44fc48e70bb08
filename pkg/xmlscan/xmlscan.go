// Package xmlscan walks over XML that may be large and hostile, as a stream and
// without keeping any of it: a tag at a time, with its attributes and text looked
// at only when asked for.
//
// It reads the XML 1.0 that programs write as data: elements, attributes, text,
// comments, CDATA sections and processing instructions, in UTF-8. Tags must be
// balanced, and there is one root element with nothing but blanks around it, so
// that a file cut short is an error. What is not asked for is not checked any
// further: names and text are bytes, and namespace prefixes are part of the name.
//
// A document type declaration is refused, and with it every entity but XML's five
// and the numeric ones. A tag is at most [MaxTag] bytes long and [MaxDepth]
// elements deep; text is bounded by who asks for it. Memory is one buffer.
package xmlscan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of what is read. dnf's own files stay below 1 KiB and 8 levels.
const (
	MaxTag   = 32 << 10
	MaxDepth = 32
)

// ErrSyntax is returned for what is not the XML described above, or beyond the
// bounds.
var ErrSyntax = errors.New("xml")

// Scanner walks over one document. Use New.
type Scanner struct {
	r         io.Reader
	buf       []byte // what was read; buf[pos:] is still to come
	pos       int
	read      int64 // bytes that left the buffer, for messages
	ended     bool  // r is at its end
	started   bool  // the root element was seen
	empty     bool  // the start tag closes itself; its end is still to be told
	name      []byte
	attrs     []byte
	names     []byte // of the open elements, one behind the other
	opens     [MaxDepth]int
	depth     int
	unescaped []byte
	err       error
}

// New returns a scanner of what r holds.
func New(r io.Reader) *Scanner {
	return &Scanner{r: r, buf: make([]byte, 0, 2*MaxTag)}
}

// Depth is the number of elements that are open: 1 after the root's start tag,
// and 0 after its end.
func (s *Scanner) Depth() int { return s.depth }

// Name is the name of the tag that Next found, valid until the next call.
func (s *Scanner) Name() []byte { return s.name }

// Next goes to the next tag and reports whether it is a start tag. An empty
// element (<a/>) has both, too. After the root element it returns io.EOF, when
// everything behind it has been read.
func (s *Scanner) Next() (start bool, err error) {
	for s.err == nil {
		if s.empty {
			s.empty = false
			s.close()
			return false, nil
		}
		if s.text(nil, 0); s.err != nil {
			break
		}
		start, found := s.tag()
		if found {
			return start, nil
		}
	}
	return false, s.err
}

// Skip passes over the rest of the element whose start tag Next found.
func (s *Scanner) Skip() error {
	if s.skipWithin() {
		return nil
	}
	for depth := s.depth - 1; s.depth > depth; {
		if _, err := s.Next(); err != nil {
			return err
		}
	}
	return nil
}

// skipWithin does it for an element that ends in the buffer and holds nothing that
// could hide an end tag or need another. How balanced its content is, is not looked
// at: most of a large file is passed over here.
func (s *Scanner) skipWithin() bool {
	if s.err != nil || s.empty || s.depth == 0 {
		return false
	}
	rest, name := s.buf[s.pos:], s.names[s.opens[s.depth-1]:]
	for at := 0; ; at++ {
		i := bytes.IndexByte(rest[at:], '<')
		at += i + 1
		if i < 0 || at+len(name)+2 > len(rest) {
			return false
		}
		switch rest[at] {
		case '/':
			if n := at + 1 + len(name); rest[n] == '>' && string(rest[at+1:n]) == string(name) {
				s.pos += n + 1
				s.close()
				return true
			}
		case '!', '?':
			return false
		default:
			if string(rest[at:at+len(name)]) == string(name) {
				return false
			}
		}
	}
}

// Text appends the text of the element whose start tag Next found to dst, that of
// elements in it included, and passes over the element. More than limit bytes are
// an error.
func (s *Scanner) Text(dst []byte, limit int) ([]byte, error) {
	limit += len(dst)
	for depth := s.depth - 1; s.depth > depth && s.err == nil; {
		if s.empty {
			s.empty = false
			s.close()
			continue
		}
		if dst = s.text(dst, limit); s.err != nil {
			break
		}
		if s.have(2) && s.buf[s.pos+1] == '!' && s.have(len(cdata)) && bytes.HasPrefix(s.buf[s.pos:], []byte(cdata)) {
			dst = s.cdata(dst, limit)
			continue
		}
		s.tag()
	}
	if s.err != nil {
		return dst, s.err
	}
	return dst, nil
}

// Attr returns the value of an attribute of the start tag that Next found, or nil
// where it has none of that name; valid until the next call. A tag that is no tag
// makes Next fail.
func (s *Scanner) Attr(name string) []byte {
	for rest := s.attrs; s.err == nil; {
		rest = trimLeft(rest)
		if len(rest) == 0 {
			break
		}
		key, value, after, ok := attribute(rest)
		if !ok {
			s.fail("attribute without a value")
			break
		}
		if string(key) == name {
			return s.value(value)
		}
		rest = after
	}
	return nil
}

func (s *Scanner) value(raw []byte) []byte {
	if bytes.IndexByte(raw, '&') < 0 {
		return raw
	}
	var err error
	if s.unescaped, err = Unescape(s.unescaped[:0], raw); err != nil {
		s.err = s.wrap(err)
		return nil
	}
	return s.unescaped
}

// attribute cuts key="value" from the front of text.
func attribute(text []byte) (key, value, rest []byte, ok bool) {
	n := 0
	for n < len(text) && text[n] > ' ' && text[n] != '=' && text[n] != '"' && text[n] != '\'' {
		n++
	}
	key, rest = text[:n], trimLeft(text[n:])
	if n == 0 || len(rest) == 0 || rest[0] != '=' {
		return nil, nil, nil, false
	}
	rest = trimLeft(rest[1:])
	if len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return nil, nil, nil, false
	}
	return key, rest[1 : 1+end], rest[end+2:], true
}

// trimLeft cuts blanks off the front; bytes.TrimLeft makes a set of them each time.
func trimLeft(text []byte) []byte {
	for len(text) > 0 && blank(text[0]) {
		text = text[1:]
	}
	return text
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (s *Scanner) fail(what string) {
	s.err = s.wrap(fmt.Errorf("%w: %s", ErrSyntax, what))
}

func (s *Scanner) wrap(err error) error { return fmt.Errorf("byte %d: %w", s.read+int64(s.pos), err) }

// close ends the innermost element.
func (s *Scanner) close() {
	s.depth--
	s.names = s.names[:s.opens[s.depth]]
	s.attrs = nil
}
