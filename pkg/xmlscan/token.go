package xmlscan

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	cdata    = "<![CDATA["
	cdataEnd = "]]>"
	bom      = "\ufeff"
)

// more reads on behind what is in the buffer and reports whether there was more.
// What stands before pos is given up.
func (s *Scanner) more() bool {
	if s.ended || s.err != nil {
		return false
	}
	if s.pos > 0 {
		s.read += int64(s.pos)
		s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
		s.pos = 0
	}
	if len(s.buf) == cap(s.buf) {
		s.fail("tag is too long")
		return false
	}
	for range 100 { // as bufio does with a reader that gives nothing
		n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err == io.EOF {
			s.ended = true
		} else if err != nil {
			s.err = s.wrap(err)
			return false
		}
		if n > 0 || s.ended {
			return n > 0
		}
	}
	s.err = s.wrap(io.ErrNoProgress)
	return false
}

// text goes to the next '<'. With a limit it appends what it passes over to dst,
// unescaped.
func (s *Scanner) text(dst []byte, limit int) []byte {
	if s.read == 0 && s.pos == 0 {
		s.mark()
	}
	for s.err == nil {
		rest := s.buf[s.pos:]
		i := bytes.IndexByte(rest, '<')
		end := i
		if i < 0 {
			end = len(rest)
		}
		if limit > 0 {
			dst, end = s.take(dst, rest[:end], limit, i >= 0)
		} else if s.depth == 0 {
			s.outside(rest[:end])
		}
		s.pos += end
		if i >= 0 {
			return dst
		}
		if s.err == nil && !s.more() {
			s.finish()
		}
	}
	return dst
}

// mark passes over a byte order mark at the very beginning.
func (s *Scanner) mark() {
	for len(s.buf) < len(bom) && s.more() {
	}
	if bytes.HasPrefix(s.buf, []byte(bom)) {
		s.pos = len(bom)
	}
}

// take appends text to dst and returns how many bytes it took: an entity that the
// buffer cuts is left for later, unless the text is whole.
func (s *Scanner) take(dst, text []byte, limit int, whole bool) ([]byte, int) {
	n := len(text)
	if amp := bytes.LastIndexByte(text, '&'); !whole && amp >= 0 && n-amp <= maxEntity && bytes.IndexByte(text[amp:], ';') < 0 {
		n = amp
	}
	if len(dst)+n > limit+MaxTag {
		s.fail("text is too long")
		return dst, n
	}
	dst, err := Unescape(dst, text[:n])
	if err != nil {
		s.err = s.wrap(err)
	} else if len(dst) > limit {
		s.fail("text is too long")
	}
	return dst, n
}

// outside looks at text outside of the root element.
func (s *Scanner) outside(text []byte) {
	if len(trimLeft(text)) > 0 {
		s.fail("text outside of the root element")
	}
}

// finish says what the end of the input means between tags.
func (s *Scanner) finish() {
	if s.err == nil && s.started && s.depth == 0 {
		s.err = io.EOF
	}
	s.cut()
}

// cut says what it means anywhere else.
func (s *Scanner) cut() {
	if s.err == nil {
		s.err = s.wrap(fmt.Errorf("%w: %w", ErrSyntax, io.ErrUnexpectedEOF))
	}
}

// tag reads what begins with the '<' at pos, and reports whether it was a tag and
// not a comment or the like.
func (s *Scanner) tag() (start, found bool) {
	if !s.have(2) {
		return false, false
	}
	switch s.buf[s.pos+1] {
	case '/':
		return false, s.endTag()
	case '?':
		s.instruction()
	case '!':
		s.declaration()
	default:
		return true, s.startTag()
	}
	return false, false
}

// have reads until n bytes are in the buffer behind pos.
func (s *Scanner) have(n int) bool {
	for len(s.buf)-s.pos < n {
		if !s.more() {
			s.cut()
			return false
		}
	}
	return true
}

func (s *Scanner) startTag() bool {
	n := 1
	for s.have(n+1) && s.buf[s.pos+n] > ' ' && s.buf[s.pos+n] != '>' && n < MaxTag {
		n++
	}
	name := n
	if s.err == nil && s.buf[s.pos+n] != '>' {
		n = s.tagEnd()
	}
	if s.err != nil {
		return false
	}
	tag := s.buf[s.pos+1 : s.pos+n]
	if s.empty = len(tag) > 0 && tag[len(tag)-1] == '/'; s.empty {
		tag = tag[:len(tag)-1]
	}
	name = min(name-1, len(tag))
	s.name, s.attrs = tag[:name], tag[name:]
	switch {
	case name == 0:
		s.fail("tag without a name")
	case s.depth == MaxDepth:
		s.fail("elements are too deep")
	case s.depth == 0 && s.started:
		s.fail("second root element")
	}
	if s.err != nil {
		return false
	}
	s.started = true
	s.opens[s.depth] = len(s.names)
	s.names = append(s.names, s.name...)
	s.depth++
	s.pos += n + 1
	return true
}

// tagEnd finds the '>' that ends the tag at pos, one in quotes does not, and
// returns its distance from pos.
func (s *Scanner) tagEnd() int {
	rest := s.buf[s.pos:]
	if i := bytes.IndexByte(rest, '>'); i >= 0 && i < MaxTag {
		tag := rest[1:i]
		if bytes.Count(tag, []byte{'"'})%2 == 0 && bytes.IndexByte(tag, '\'') < 0 && bytes.IndexByte(tag, '<') < 0 {
			return i
		}
	}
	var quote byte
	for i := 1; i < MaxTag && s.have(i+1); i++ {
		switch c := s.buf[s.pos+i]; {
		case c == '<':
			s.fail("'<' in a tag")
			return -1
		case c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	if s.err == nil {
		s.fail("tag is too long")
	}
	return -1
}

func (s *Scanner) endTag() bool {
	if s.depth == 0 {
		s.fail("end tag without its start tag")
		return false
	}
	want := s.names[s.opens[s.depth-1]:]
	n := len(want) + 2
	if !s.have(n + 1) {
		return false
	}
	if !bytes.Equal(s.buf[s.pos+2:s.pos+n], want) {
		s.fail("end tag of another element")
		return false
	}
	for ; s.buf[s.pos+n] != '>'; n++ {
		if s.buf[s.pos+n] > ' ' {
			s.fail("end tag of another element")
			return false
		}
		if !s.have(n + 2) {
			return false
		}
	}
	s.name = s.buf[s.pos+2 : s.pos+2+len(want)]
	s.close()
	s.pos += n + 1
	return true
}

// instruction passes over <? … ?>. The XML declaration may name another encoding,
// in which these bytes would mean something else.
func (s *Scanner) instruction() {
	if !s.started && s.have(len("<?xml ")) && bytes.HasPrefix(s.buf[s.pos:], []byte("<?xml ")) {
		s.xml()
	} else if s.err == nil {
		s.skipTo(2, "?>")
	}
}

func (s *Scanner) xml() {
	n := s.tagEnd()
	if n < 0 {
		return
	}
	s.attrs = bytes.TrimSuffix(s.buf[s.pos+len("<?xml "):s.pos+n], []byte("?"))
	encoding := s.Attr("encoding")
	if s.attrs = nil; s.err != nil {
		return
	}
	if e := bytes.ToLower(encoding); len(e) > 0 && string(e) != "utf-8" && string(e) != "us-ascii" {
		s.fail("encoding is not UTF-8")
	}
	s.pos += n + 1
}

// declaration passes over a comment or a CDATA section. All else that begins so
// declares document types and entities.
func (s *Scanner) declaration() {
	switch {
	case s.have(4) && string(s.buf[s.pos:s.pos+4]) == "<!--":
		s.skipTo(4, "-->")
	case s.err == nil && s.depth > 0 && s.have(len(cdata)) && bytes.HasPrefix(s.buf[s.pos:], []byte(cdata)):
		s.skipTo(len(cdata), cdataEnd)
	case s.err == nil:
		s.fail("document type declaration")
	}
}

// skipTo passes over all until behind the next end, which stands at least n bytes
// behind pos.
func (s *Scanner) skipTo(n int, end string) {
	for s.pos += n; s.err == nil; {
		if i := bytes.Index(s.buf[s.pos:], []byte(end)); i >= 0 {
			s.pos += i + len(end)
			return
		}
		s.pos = max(s.pos, len(s.buf)-len(end)+1)
		if !s.more() {
			s.cut()
		}
	}
}

// cdata appends the CDATA section at pos to dst.
func (s *Scanner) cdata(dst []byte, limit int) []byte {
	for s.pos += len(cdata); s.err == nil; {
		rest := s.buf[s.pos:]
		i := bytes.Index(rest, []byte(cdataEnd))
		n := i
		if i < 0 {
			n = max(0, len(rest)-len(cdataEnd)+1)
		}
		if len(dst)+n > limit {
			s.fail("text is too long")
			return dst
		}
		dst = append(dst, rest[:n]...)
		s.pos += n
		if i >= 0 {
			s.pos += len(cdataEnd)
			return dst
		}
		if !s.more() {
			s.cut()
		}
	}
	return dst
}

// maxEntity is the length of the longest entity: &#x10ffff; with some zeros.
const maxEntity = 16

// Unescape appends text to dst with its entities resolved: the five of XML and
// numeric ones.
func Unescape(dst, text []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(text, '&')
		if i < 0 {
			return append(dst, text...), nil
		}
		dst = append(dst, text[:i]...)
		text = text[i+1:]
		end := bytes.IndexByte(text[:min(len(text), maxEntity)], ';')
		if end < 0 {
			return dst, fmt.Errorf("%w: '&' without an entity", ErrSyntax)
		}
		var ok bool
		if dst, ok = entity(dst, text[:end]); !ok {
			return dst, fmt.Errorf("%w: unknown entity", ErrSyntax)
		}
		text = text[end+1:]
	}
}

func entity(dst, name []byte) ([]byte, bool) {
	switch string(name) {
	case "lt":
		return append(dst, '<'), true
	case "gt":
		return append(dst, '>'), true
	case "amp":
		return append(dst, '&'), true
	case "quot":
		return append(dst, '"'), true
	case "apos":
		return append(dst, '\''), true
	}
	number, ok := bytes.CutPrefix(name, []byte{'#'})
	if !ok {
		return dst, false
	}
	base := 10
	if hex, ok := bytes.CutPrefix(number, []byte{'x'}); ok {
		number, base = hex, 16
	}
	r, err := strconv.ParseUint(string(number), base, 32)
	if err != nil || r == 0 || r > utf8.MaxRune || !utf8.ValidRune(rune(r)) || slices.Contains(number, '+') {
		return dst, false
	}
	return utf8.AppendRune(dst, rune(r)), true
}
