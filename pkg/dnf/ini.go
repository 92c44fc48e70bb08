package dnf

import (
	"errors"
	"fmt"
	"strings"
)

// errSyntax is a file that dnf would not read either.
var errSyntax = errors.New("no INI file")

// Bounds of a configuration file, beside its size.
const (
	maxSections = 4096
	maxOptions  = 1 << 16
)

// section is one [section] of a file.
type section struct {
	name    string
	line    int
	options []option
}

// option is one line "key = value" with the lines that go on below it.
type option struct {
	key   string
	lines []line
}

// line is a line of a file, without blanks around it.
type line struct {
	number int
	value  string // of the option on this line
	text   string // all of it
}

// parseINI reads a file as libdnf's IniParser does: lines that begin with '#' or
// ';' are comments, lines that begin with a blank go on with the value above them.
// A section may come twice.
func parseINI(text string) ([]section, error) {
	var sections []section
	number, options := 0, 0
	var open *option
	for raw := range strings.Lines(text) {
		number++
		t := strings.TrimSpace(raw)
		switch {
		case t == "":
			open = nil
			continue
		case raw[0] == '#' || raw[0] == ';':
			continue
		case raw[0] == ' ' || raw[0] == '\t':
			if open == nil {
				return nil, fmt.Errorf("line %d: %w: it goes on with nothing", number, errSyntax)
			}
			open.lines = append(open.lines, line{number, t, t})
			continue
		case raw[0] == '[':
			name, rest, closed := strings.Cut(t[1:], "]")
			if rest = strings.TrimSpace(rest); !closed || name == "" || rest != "" && rest[0] != '#' && rest[0] != ';' {
				return nil, fmt.Errorf("line %d: %w: section", number, errSyntax)
			}
			sections = append(sections, section{name: name, line: number})
			open = nil
		default:
			key, value, found := strings.Cut(t, "=")
			if !found || len(sections) == 0 {
				return nil, fmt.Errorf("line %d: %w: neither a section nor an option of one", number, errSyntax)
			}
			s := &sections[len(sections)-1]
			s.options = append(s.options, option{strings.TrimSpace(key), []line{{number, strings.TrimSpace(value), t}}})
			open = &s.options[len(s.options)-1]
		}
		if options++; options > maxOptions || len(sections) > maxSections {
			return nil, fmt.Errorf("line %d: %w: too many options", number, errSyntax)
		}
	}
	return sections, nil
}

// value is the last value of an option, its lines joined, "" where it is not set.
func (s *section) value(key string) string {
	o := s.option(key)
	if o == nil {
		return ""
	}
	values := make([]string, len(o.lines))
	for i, l := range o.lines {
		values[i] = l.value
	}
	return strings.TrimSpace(strings.Join(values, "\n"))
}

func (s *section) option(key string) (last *option) {
	for i := range s.options {
		if s.options[i].key == key {
			last = &s.options[i]
		}
	}
	return last
}

// list splits a value as dnf splits lists.
func list(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// isTrue reads a truth value as dnf does; other is what anything else means.
func isTrue(value string, other bool) bool {
	switch strings.ToLower(value) {
	case "1", "yes", "true", "on":
		return true
	case "0", "no", "false", "off":
		return false
	}
	return other
}
