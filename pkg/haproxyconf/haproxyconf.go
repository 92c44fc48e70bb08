// Package haproxyconf reads HAProxy's configuration: its sections, and the words of
// their lines with file and line.
//
// The configuration manual (section 2.2) decides: words are divided by blanks;
// a backslash keeps a blank, "#", a quote or itself from meaning anything; in
// "double quotes" blanks mean nothing and a backslash still does, in 'single
// quotes' nothing does; "#" begins a comment. "${NAME}" and "$NAME" in double
// quotes are of the environment, which is not known here: they stay as written.
// Conditions (".if") are not decided; what stands in them is read as if they held,
// and [Config].Conditions has their places.
//
// A configuration has at most 4 MiB and 100,000 lines.
package haproxyconf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"seawall/pkg/hostfs"
)

// DefaultPath is the file that the packages of HAProxy name.
const DefaultPath = "/etc/haproxy/haproxy.cfg"

const (
	maxBytes = 4 << 20
	maxLines = 100_000
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

// Line is one line of a section.
type Line struct {
	Words []string
	File  string
	Line  int
}

// Section is a part of the configuration; Head is the line that opens it.
type Section struct {
	Kind  string // global, defaults, frontend, backend, listen, …
	Name  string
	Head  Line
	Lines []Line
}

// Config is what a file holds.
type Config struct {
	Sections   []Section
	Conditions []Line
}

// Error is what HAProxy would refuse, with its place.
type Error struct {
	File    string
	Line    int
	Message string
}

// Error says it as HAProxy does.
func (e *Error) Error() string { return fmt.Sprintf("parsing [%s:%d] : %s", e.File, e.Line, e.Message) }

// Place is where it stands.
func (e *Error) Place() (file string, line int) { return e.File, e.Line }

// Load reads a file.
func Load(root hostfs.Root, name string) (*Config, error) {
	data, err := root.ReadFile(name, maxBytes)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	number := 0
	for text := range strings.Lines(string(data)) {
		if number++; number > maxLines {
			return nil, fmt.Errorf("%s: %w", name, ErrLimit)
		}
		words, ok := Split(text)
		l := Line{words, name, number}
		switch {
		case !ok:
			return nil, &Error{name, number, "unmatched quote"}
		case len(words) == 0:
		case strings.HasPrefix(words[0], "."):
			c.Conditions = append(c.Conditions, l)
		case slices.Contains(kinds(), words[0]):
			s := Section{Kind: words[0], Head: l}
			if len(words) > 1 {
				s.Name = words[1]
			}
			c.Sections = append(c.Sections, s)
		case len(c.Sections) == 0:
			return nil, &Error{name, number, fmt.Sprintf("unknown keyword '%s' out of section.", words[0])}
		default:
			s := &c.Sections[len(c.Sections)-1]
			s.Lines = append(s.Lines, l)
		}
	}
	return c, nil
}

func kinds() []string {
	return []string{"global", "defaults", "frontend", "backend", "listen", "userlist", "peers", "resolvers", "mailers", "cache", "program",
		"ring", "http-errors", "log-forward", "fcgi-app", "crt-store", "traces", "log-profile", "acme"}
}

// Split divides a line into its words; false for a quote that is not closed.
func Split(text string) (words []string, ok bool) {
	var word strings.Builder
	open, quote := false, byte(0)
	text = strings.TrimRight(text, "\r\n")
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote == '\'' && c != '\'':
			word.WriteByte(c)
		case c == '\\' && i+1 < len(text) && strings.IndexByte(` #"'\`, text[i+1]) >= 0:
			i++
			word.WriteByte(text[i])
			open = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == '#':
			i = len(text)
		case c == ' ' || c == '\t':
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words, quote == 0
}
