// Package ini reads the INI files of dnf: dnf.conf, the repositories' files,
// automatic.conf and the state of modules, as libdnf's IniParser and ConfigParser
// do, oddities included. What they refuse is an error here too, since dnf then does
// not start.
package ini

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrSyntax is a file that dnf would not read either.
var ErrSyntax = errors.New("no INI file")

// Bounds of a configuration file, beside its size. Each option is looked for among
// those before it.
const (
	maxSections = 4096
	maxOptions  = 1 << 13
)

// Section is one [section] of a file. Of an option that comes twice the last one
// counts.
type Section struct {
	Name    string
	Line    int
	Options []Option
}

// Option is one line "key = value" with the lines that go on below it.
type Option struct {
	Key   string
	Lines []Line
}

// Line is a line of a file, without blanks around it.
type Line struct {
	Number int
	Value  string // of the option on this line
	Text   string // all of it
}

// Parse reads a file: lines that begin with '#' or ';' are comments, and those that
// begin with a blank go on with the value above them, unless they are a section.
// A section that comes again goes on, and an option that does counts instead.
func Parse(text string) ([]Section, error) {
	p := parser{}
	for raw := range strings.Lines(text) {
		p.number++
		if err := p.line(strings.TrimSuffix(raw, "\n")); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.number, err)
		}
		if p.options > maxOptions || len(p.sections) > maxSections {
			return nil, fmt.Errorf("line %d: %w: too many options", p.number, ErrSyntax)
		}
	}
	return p.sections, nil
}

type parser struct {
	sections        []Section
	current         *Section
	open            *Option // that a line may go on with
	number, options int
}

// blanks are what libdnf takes for blank.
const blanks = " \t\r"

func (p *parser) line(raw string) error {
	t := strings.Trim(raw, blanks)
	switch {
	case raw == "" || raw[0] == '#' || raw[0] == ';':
		p.open = nil
	case strings.HasPrefix(t, "["):
		return p.section(t)
	case strings.Contains(blanks, raw[:1]):
		return p.more(t)
	default:
		return p.option(t)
	}
	return nil
}

func (p *parser) more(t string) error {
	switch {
	case p.open != nil:
		p.open.Lines = append(p.open.Lines, Line{p.number, t, t})
		p.options++
	case t != "":
		return fmt.Errorf("%w: it goes on with nothing", ErrSyntax)
	}
	return nil
}

func (p *parser) section(t string) error {
	name, rest, closed := strings.Cut(t[1:], "]")
	// libdnf does not look at the last character of the line.
	rest = strings.TrimLeft(rest[:max(0, len(rest)-1)], blanks)
	if !closed || name == "" || rest != "" && rest[0] != '#' && rest[0] != ';' {
		return fmt.Errorf("%w: section", ErrSyntax)
	}
	i := slices.IndexFunc(p.sections, func(s Section) bool { return s.Name == name })
	if i < 0 {
		i = len(p.sections)
		p.sections = append(p.sections, Section{Name: name, Line: p.number})
	}
	p.current, p.open = &p.sections[i], nil
	return nil
}

func (p *parser) option(t string) error {
	key, value, found := strings.Cut(t, "=")
	if key = strings.Trim(key, blanks); !found || key == "" || p.current == nil {
		return fmt.Errorf("%w: neither a section nor an option of one", ErrSyntax)
	}
	p.options++
	p.open = p.current.Option(key)
	if p.open == nil {
		p.current.Options = append(p.current.Options, Option{Key: key})
		p.open = &p.current.Options[len(p.current.Options)-1]
	}
	p.open.Lines = []Line{{p.number, strings.Trim(value, blanks), t}}
	return nil
}

// Value is the last value of an option, "" where it is not set.
func (s *Section) Value(key string) string {
	o := s.Option(key)
	if o == nil {
		return ""
	}
	return o.Value()
}

// Value is the value, its lines joined, without quotes around it.
func (o *Option) Value() string {
	values := make([]string, len(o.Lines))
	for i, l := range o.Lines {
		values[i] = l.Value
	}
	all := strings.Join(values, "\n")
	if end := strings.TrimRight(all, blanks+"\n"); end != "" {
		all = end
	}
	return Unquote(all)
}

// Unquote takes away quotes around the whole of a value.
func Unquote(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

// Option is the last option of that name.
func (s *Section) Option(key string) (last *Option) {
	for i := range s.Options {
		if s.Options[i].Key == key {
			last = &s.Options[i]
		}
	}
	return last
}

// List splits a value as dnf splits lists; a tab does not.
func List(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
}

// Bool is what libdnf takes a value for, which is no truth value where ok is false.
func Bool(value string) (yes, ok bool) {
	switch strings.ToLower(value) {
	case "1", "yes", "true", "on":
		return true, true
	case "0", "no", "false", "off":
		return false, true
	}
	return false, false
}
