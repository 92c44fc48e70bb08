// Package dovecotconf reads Dovecot's configuration: settings and blocks with file
// and line, includes expanded.
//
// Dovecot's config parser decides: "key = value" and "kind name {" each on a line
// of its own, "}" ends a block; "#" begins a comment where a line begins or after a
// blank; a backslash at the end of a line joins the next; a value may stand in
// quotes; "!include" and "!include_try" take in files by pattern, relative to the
// file that they stand in; an include without a match is an error, an include_try
// is not. Of a setting that is set twice in one block the last counts.
//
// Variables ("%{…}", "$name") are not expanded, and a value that begins with "<"
// is the name of a file: it stays as it is written.
//
// A configuration has at most 1,000 files, 4 MiB, 16 levels of includes and of
// blocks.
package dovecotconf

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
)

// DefaultPath is the file that Dovecot reads when it is told nothing else.
const DefaultPath = "/etc/dovecot/dovecot.conf"

const (
	maxFiles    = 1000
	maxBytes    = 4 << 20
	maxDepth    = 16
	maxSettings = 100_000
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

// Setting is a setting, or a block with what stands in it.
type Setting struct {
	Name  string // a block's kind
	Value string // a block's name
	File  string
	Line  int
	Block []Setting // nil for a setting
}

// Config is a configuration with everything it includes.
type Config struct {
	Settings []Setting
	Files    []string
	Watch    []string // the files, and directories of patterns, which end in "/"
}

// Get returns the setting of a name that counts outside of blocks.
func (c *Config) Get(name string) (Setting, bool) { return Last(c.Settings, name) }

// Last returns the setting of a name that counts among those of a block.
func Last(list []Setting, name string) (Setting, bool) {
	for _, s := range slices.Backward(list) {
		if s.Name == name && s.Block == nil {
			return s, true
		}
	}
	return Setting{}, false
}

// Error is what Dovecot would refuse, with its place.
type Error struct {
	File    string
	Line    int
	Message string
}

// Error says it as Dovecot does.
func (e *Error) Error() string { return fmt.Sprintf("%s line %d: %s", e.File, e.Line, e.Message) }

// Place is where it stands.
func (e *Error) Place() (file string, line int) { return e.File, e.Line }

// Load reads the configuration that starts with the file name.
func Load(root hostfs.Root, name string) (*Config, error) {
	l := &loader{root: root, config: &Config{}}
	list, err := l.file(name, 0)
	if err == nil {
		l.config.Settings = list
	}
	return l.config, err
}

type loader struct {
	root   hostfs.Root
	config *Config
	bytes  int
	count  int
}

func (l *loader) watch(name string) {
	if len(l.config.Watch) < maxFiles && !slices.Contains(l.config.Watch, name) {
		l.config.Watch = append(l.config.Watch, name)
	}
}

// file reads one file.
func (l *loader) file(name string, depth int) ([]Setting, error) {
	l.watch(name)
	if depth > maxDepth || len(l.config.Files) == maxFiles {
		return nil, fmt.Errorf("%s: %w", name, ErrLimit)
	}
	data, err := l.root.ReadFile(name, maxBytes)
	if err != nil {
		return nil, err
	}
	if l.bytes += len(data); l.bytes > maxBytes {
		return nil, fmt.Errorf("%s: %w", name, ErrLimit)
	}
	l.config.Files = append(l.config.Files, name)
	p := &parser{rest: string(data), file: name, load: l, depth: depth}
	return p.block(0)
}

// include reads the files of a pattern.
func (l *loader) include(pattern string, from *parser, try bool) ([]Setting, error) {
	if !strings.HasPrefix(pattern, "/") {
		pattern = path.Join(path.Dir(from.file), pattern)
	}
	names, searched, err := glob.Expand(l.root, pattern)
	for _, dir := range searched {
		l.watch(strings.TrimSuffix(dir, "/") + "/")
	}
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && !try {
		return nil, &Error{from.file, from.number, "No matches"}
	}
	if len(names) == 0 {
		l.watch(pattern[:strings.LastIndexByte(pattern, '/')+1])
	}
	var list []Setting
	for _, n := range names {
		more, err := l.file(n, from.depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

type parser struct {
	rest   string
	file   string
	number int
	load   *loader
	depth  int // of includes
}

// line returns the next line that says something.
func (p *parser) line() (string, bool) {
	for p.rest != "" {
		var text string
		for {
			part, rest, _ := strings.Cut(p.rest, "\n")
			p.rest = rest
			p.number++
			joined, more := strings.CutSuffix(strings.TrimRight(part, " \t\r"), `\`)
			text = strings.TrimSpace(text + " " + strings.TrimSpace(joined))
			if !more || rest == "" {
				break
			}
		}
		text = strings.TrimSpace(uncomment(text))
		if text != "" {
			return text, true
		}
	}
	return "", false
}

// uncomment takes off a comment; in quotes there is none.
func uncomment(text string) string {
	quote := byte(0)
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote && text[i-1] != '\\' {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t'):
			return text[:i]
		}
	}
	return text
}

// block reads to the end of a block, or of the file where nesting is 0.
func (p *parser) block(nesting int) ([]Setting, error) {
	list := []Setting{}
	if nesting > maxDepth {
		return nil, fmt.Errorf("%s: %w", p.file, ErrLimit)
	}
	for {
		text, ok := p.line()
		switch {
		case !ok && nesting > 0:
			return nil, &Error{p.file, p.number, "Missing '}'"}
		case !ok:
			return list, nil
		case text == "}" && nesting == 0:
			return nil, &Error{p.file, p.number, "Unexpected '}'"}
		case text == "}":
			return list, nil
		}
		if p.load.count++; p.load.count > maxSettings {
			return nil, fmt.Errorf("%s: %w", p.file, ErrLimit)
		}
		var err error
		if list, err = p.statement(text, list, nesting); err != nil {
			return nil, err
		}
	}
}

// statement takes one line.
func (p *parser) statement(text string, list []Setting, nesting int) ([]Setting, error) {
	s := Setting{File: p.file, Line: p.number}
	word, rest, _ := strings.Cut(text, " ")
	if word == "!include" || word == "!include_try" {
		more, err := p.load.include(strings.TrimSpace(rest), p, word == "!include_try")
		return append(list, more...), err
	}
	if head, ok := strings.CutSuffix(text, "{"); ok && !strings.Contains(head, "=") {
		s.Name, s.Value, _ = strings.Cut(strings.TrimSpace(head), " ")
		s.Value = unquote(s.Value)
		var err error
		if s.Block, err = p.block(nesting + 1); err != nil {
			return nil, err
		}
		return append(list, s), nil
	}
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return nil, &Error{p.file, p.number, "Expecting '{'"}
	}
	s.Name, s.Value = strings.TrimSpace(key), unquote(value)
	return append(list, s), nil
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`)
	}
	return s
}
