// Package deb822 reads the stanzas of Debian control files (deb822(5)) from a
// stream: dpkg's status, apt's package lists, Release files, sources and
// preferences.
//
// A stanza is a run of lines up to an empty one. A field is "Name: value", its
// value goes on in lines that begin with a space or a tab. Lines that begin with
// "#" are comments. Names are compared without case.
//
// The reader holds one stanza at a time, of bounded length, in a buffer it uses
// again: what it returns is valid until the next call. Signatures around a
// document (InRelease) are not its matter.
package deb822

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// DefaultLimit bounds a stanza where the reader names no limit.
const DefaultLimit = 1 << 20

// ErrTooLong is returned for a stanza beyond the limit.
var ErrTooLong = errors.New("stanza is longer than the limit")

// SyntaxError is a line that is neither a field nor the rest of one.
type SyntaxError struct {
	Line int
	Text string // what is wrong
}

// Error says the line and what is wrong with it; the caller adds the file.
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// Stanza is the text of one stanza, empty line excluded, and the number of its
// first line.
type Stanza struct {
	Text []byte
	Line int
}

// Field is one field of a stanza. Value is as written from the first to the last
// byte that is not white space, line ends in between included.
type Field struct {
	Name, Value []byte
	Line        int
}

// Is reports whether the field has this name.
func (f Field) Is(name string) bool {
	return len(f.Name) == len(name) && bytes.EqualFold(f.Name, []byte(name))
}

// Each calls fn for every field in order. What goes on behind a comment within a
// value is given as one more field of the same name. It stops with a *SyntaxError
// at the first line that is no field.
func (s Stanza) Each(fn func(Field)) error {
	text, line := s.Text, s.Line
	var name []byte
	for len(text) > 0 {
		n, lines := extent(text)
		whole := text[:n]
		text = text[n:]
		at := line
		line += lines
		if whole[0] == '#' {
			continue
		}
		if name != nil && (whole[0] == ' ' || whole[0] == '\t') {
			fn(Field{Name: name, Value: bytes.TrimSpace(whole), Line: at})
			continue
		}
		colon := bytes.IndexByte(whole, ':')
		if colon <= 0 || !validName(whole[:colon]) {
			return &SyntaxError{at, "not a field and not the rest of one"}
		}
		name = whole[:colon]
		fn(Field{Name: name, Value: bytes.TrimSpace(whole[colon+1:]), Line: at})
	}
	return nil
}

// Get returns the value of the first field with this name, nil where there is
// none or the stanza is damaged before it.
func (s Stanza) Get(name string) (value []byte) {
	found := false
	// A damaged stanza has no more fields to give; Each tells whoever asks.
	_ = s.Each(func(f Field) {
		if !found && f.Is(name) {
			value, found = f.Value, true
		}
	})
	return value
}

// extent is the length of the first field with all its lines, or of one comment.
func extent(text []byte) (n, lines int) {
	for {
		i := bytes.IndexByte(text[n:], '\n')
		lines++
		if i < 0 {
			return len(text), lines
		}
		n += i + 1
		if n == len(text) || text[0] == '#' || text[n] != ' ' && text[n] != '\t' {
			return n, lines
		}
	}
}

func validName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// Reader reads stanzas.
type Reader struct {
	r          io.Reader
	buf        []byte
	start, end int // unread bytes in buf
	line       int // of buf[start]
	limit      int
	err        error // from r
	Truncated  bool  // the last stanza returned had no line end at its end
}

// NewReader returns a Reader that refuses stanzas longer than limit bytes
// (DefaultLimit when 0).
func NewReader(r io.Reader, limit int) *Reader {
	if limit <= 0 {
		limit = DefaultLimit
	}
	const first = 64 << 10
	return &Reader{r: r, buf: make([]byte, min(first, limit+1)), line: 1, limit: limit}
}

// Next returns the next stanza, or io.EOF.
func (d *Reader) Next() (Stanza, error) {
	for {
		for d.start < d.end && d.buf[d.start] == '\n' {
			d.start++
			d.line++
		}
		if d.start < d.end {
			break
		}
		if err := d.fill(); err != nil {
			return Stanza{}, err
		}
	}
	lines, at := 0, d.start
	for {
		i := bytes.IndexByte(d.buf[at:d.end], '\n')
		if i >= 0 {
			lines++
			at += i + 1
			if at < d.end || d.fillAt(&at) {
				if d.buf[at] == '\n' {
					return d.take(at, lines), nil
				}
				continue
			}
		} else {
			at = d.end
			if d.fillAt(&at) {
				continue
			}
			d.Truncated = d.err == io.EOF
		}
		if d.err != io.EOF {
			return Stanza{}, fmt.Errorf("line %d: %w", d.line, d.err)
		}
		return d.take(d.end, lines), nil
	}
}

// take returns the stanza that ends at end.
func (d *Reader) take(end, lines int) Stanza {
	s := Stanza{Text: d.buf[d.start:end], Line: d.line}
	d.start = end
	d.line += lines
	return s
}

// fillAt reads more, keeps at where it was in the text, and says whether there
// was more.
func (d *Reader) fillAt(at *int) bool {
	from := *at - d.start
	err := d.fill()
	*at = d.start + from
	return err == nil
}

// fill reads at least one more byte behind what is unread.
func (d *Reader) fill() error {
	if d.err != nil {
		return d.err
	}
	if d.start > 0 && d.end == len(d.buf) {
		d.end = copy(d.buf, d.buf[d.start:d.end])
		d.start = 0
	}
	if d.end == len(d.buf) {
		if d.end > d.limit {
			d.err = fmt.Errorf("%w of %d bytes", ErrTooLong, d.limit)
			return d.err
		}
		d.buf = append(d.buf, make([]byte, min(len(d.buf), d.limit+1-len(d.buf)))...)
	}
	for range 100 {
		n, err := d.r.Read(d.buf[d.end:])
		d.end += n
		if err != nil {
			d.err = err
		}
		switch {
		case n > 0:
			return nil
		case err != nil:
			return err
		}
	}
	d.err = io.ErrNoProgress
	return d.err
}
