package repodata

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"seawall/pkg/xmlscan"
)

// document calls child for each child of the root element, which must be of that
// name, and reads to the end.
func document(s *xmlscan.Scanner, root string, child func() error) error {
	_, err := s.Next()
	if err == nil && string(s.Name()) != root {
		return fmt.Errorf("%w: it is no <%s>", ErrDamaged, root)
	}
	if err == nil {
		err = elements(s, child)
	}
	if err == nil {
		_, err = s.Next()
	}
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, xmlscan.ErrSyntax):
		return nil
	case errors.Is(err, xmlscan.ErrSyntax) && !errors.Is(err, ErrDamaged):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// elements calls child at the start tag of each child of the element whose start
// tag s found last. What child leaves of its element is passed over; it may end the
// parent, too.
func elements(s *xmlscan.Scanner, child func() error) error {
	for depth := s.Depth(); ; {
		start, err := s.Next()
		if err != nil {
			return err
		}
		if start {
			if err = child(); err == nil && s.Depth() > depth {
				err = s.Skip()
			}
			if err != nil {
				return err
			}
		}
		if s.Depth() < depth {
			return nil
		}
	}
}

// text reads the text of an element.
func text(s *xmlscan.Scanner, to *string) error {
	b, err := s.Text(nil, maxField)
	*to = strings.TrimSpace(string(b))
	return err
}

// date reads the ways in which vendors write a time: seconds since 1970, a day, a
// day and a time. Anything else is the zero time.
func date(s string) time.Time {
	layout := ""
	switch {
	case len(s) < len(time.DateOnly) || s[4] != '-':
		if seconds, err := strconv.ParseFloat(s, 64); err == nil && seconds > 0 && seconds < 1<<36 {
			return time.Unix(int64(seconds), 0).UTC()
		}
		return time.Time{}
	case len(s) == len(time.DateOnly):
		layout = time.DateOnly
	case s[len(time.DateOnly)] == 'T':
		layout = time.RFC3339
	default:
		layout = "2006-01-02 15:04:05 UTC"[:min(len(s), len("2006-01-02 15:04:05 UTC"))]
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// limit makes reading more than n bytes an error.
func limit(r io.Reader, n int64) io.Reader { return &limited{r: r, left: n} }

type limited struct {
	r    io.Reader
	left int64
	in   *counted // what r decompresses, if it does
	n    int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, fmt.Errorf("%w: larger than the limit", ErrDamaged)
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.n += int64(n)
	if l.left -= int64(n); l.left < 0 {
		return 0, fmt.Errorf("%w: larger than the limit", ErrDamaged)
	}
	if l.in != nil && l.n-freeGrowth > maxRatio*l.in.n {
		l.left = -1
		return 0, fmt.Errorf("%w: %d bytes became %d", ErrDamaged, l.in.n, l.n)
	}
	return n, err
}

// counted counts what is read through it.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
