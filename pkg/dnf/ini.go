package dnf

import (
	"errors"
	"fmt"
	"slices"
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
// A section that comes again goes on, and an option that does counts instead.
func parseINI(text string) ([]section, error) {
	p := parser{}
	for raw := range strings.Lines(text) {
		p.number++
		if err := p.line(strings.TrimRight(raw, "\r\n")); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.number, err)
		}
		if p.options > maxOptions || len(p.sections) > maxSections {
			return nil, fmt.Errorf("line %d: %w: too many options", p.number, errSyntax)
		}
	}
	return p.sections, nil
}

type parser struct {
	sections        []section
	current         *section
	open            *option // that a line may go on with
	number, options int
}

func (p *parser) line(raw string) error {
	t := strings.TrimSpace(raw)
	switch {
	case raw == "" || raw[0] == '#' || raw[0] == ';':
		p.open = nil
	case raw[0] == ' ' || raw[0] == '\t':
		return p.more(t)
	case raw[0] == '[':
		return p.section(t)
	default:
		return p.option(t)
	}
	return nil
}

func (p *parser) more(t string) error {
	switch {
	case t == "":
		return nil
	case p.open == nil:
		return fmt.Errorf("%w: it goes on with nothing", errSyntax)
	case t[0] == '[':
		p.open = nil // dnf, too, takes no notice of it
		return nil
	}
	p.open.lines = append(p.open.lines, line{p.number, t, t})
	p.options++
	return nil
}

func (p *parser) section(t string) error {
	name, rest, closed := strings.Cut(t[1:], "]")
	if rest = strings.TrimSpace(rest); !closed || name == "" || rest != "" && rest[0] != '#' && rest[0] != ';' {
		return fmt.Errorf("%w: section", errSyntax)
	}
	i := slices.IndexFunc(p.sections, func(s section) bool { return s.name == name })
	if i < 0 {
		i = len(p.sections)
		p.sections = append(p.sections, section{name: name, line: p.number})
	}
	p.current, p.open = &p.sections[i], nil
	return nil
}

func (p *parser) option(t string) error {
	key, value, found := strings.Cut(t, "=")
	if key = strings.TrimSpace(key); !found || key == "" || p.current == nil {
		return fmt.Errorf("%w: neither a section nor an option of one", errSyntax)
	}
	p.options++
	p.open = p.current.option(key)
	if p.open == nil {
		p.current.options = append(p.current.options, option{key: key})
		p.open = &p.current.options[len(p.current.options)-1]
	}
	p.open.lines = []line{{p.number, strings.TrimSpace(value), t}}
	return nil
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
	return unquote(strings.TrimSpace(strings.Join(values, "\n")))
}

// unquote takes away quotes around the whole of a value.
func unquote(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

// option is the last option of that name.
func (s *section) option(key string) (last *option) {
	for i := range s.options {
		if s.options[i].key == key {
			last = &s.options[i]
		}
	}
	return last
}

// list splits a value as dnf splits lists; a tab does not.
func list(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
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
