// Package caddyfile reads Caddy's Caddyfile: its global options, sites and their
// directives, with file and line.
//
// Caddy's own description (Caddyfile Concepts) and lexer decide: words are divided
// by blanks; "double quotes" keep blanks and a backslash in them keeps a quote;
// `backticks` keep everything; "#" begins a comment where a word begins; a
// backslash before the end of a line joins the next one; "{" as the last word of a
// line opens a block and "}" alone closes it; "<<WORD" begins a text that goes to a
// line with WORD. A first block without a name holds the options. A site has
// addresses, divided by commas or blanks; where the file has one site alone, the
// braces may be missing. "(name) {" is a snippet; "import" takes in a snippet or
// files by pattern.
//
// Variables of the environment ("{$NAME:default}") are replaced by their default,
// since the environment is not known; arguments of imports are not put in.
//
// A configuration has at most 256 files, 4 MiB, 100,000 directives, 16 levels of
// blocks and imports.
package caddyfile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
)

// DefaultPath is the file that Caddy's packages name.
const DefaultPath = "/etc/caddy/Caddyfile"

const (
	maxFiles      = 256
	maxBytes      = 4 << 20
	maxDirectives = 100_000
	maxDepth      = 16
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

// Directive is one directive, with its block.
type Directive struct {
	Words []string
	File  string
	Line  int
	Block []Directive // nil without one
}

// Site is one site; Addresses as written, without commas.
type Site struct {
	Addresses  []string
	Directives []Directive
	File       string
	Line       int
}

// Config is a Caddyfile with everything it imports.
type Config struct {
	Options []Directive
	Sites   []Site
	Watch   []string // the files, and directories of patterns, which end in "/"
}

// Error is what Caddy would refuse, with its place.
type Error struct {
	File    string
	Line    int
	Message string
}

// Error says it as Caddy does.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d - Error during parsing: %s", e.File, e.Line, e.Message)
}

// Place is where it stands.
func (e *Error) Place() (file string, line int) { return e.File, e.Line }

// Load reads the configuration that starts with the file name.
func Load(root hostfs.Root, name string) (*Config, error) {
	l := &loader{root: root, config: &Config{}, snippets: map[string][]Directive{}}
	list, err := l.file(name, 0)
	if err != nil {
		return l.config, err
	}
	l.sites(list)
	return l.config, nil
}

// sites sorts what stands outside of blocks.
func (l *loader) sites(list []Directive) {
	if len(list) > 0 && len(list[0].Words) == 0 {
		l.config.Options = list[0].Block
		list = list[1:]
	}
	if len(list) > 0 && list[0].Block == nil { // one site without braces: the first line is its address
		l.config.Sites = []Site{{addresses(list[0].Words), list[1:], list[0].File, list[0].Line}}
		return
	}
	for _, d := range list {
		l.config.Sites = append(l.config.Sites, Site{addresses(d.Words), d.Block, d.File, d.Line})
	}
}

func addresses(words []string) []string {
	var out []string
	for _, w := range words {
		for part := range strings.SplitSeq(w, ",") {
			if part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

type loader struct {
	root     hostfs.Root
	config   *Config
	snippets map[string][]Directive
	files    int
	bytes    int
	count    int
}

func (l *loader) watch(name string) {
	if !slices.Contains(l.config.Watch, name) {
		l.config.Watch = append(l.config.Watch, name)
	}
}

func (l *loader) file(name string, depth int) ([]Directive, error) {
	l.watch(name)
	if l.files++; depth > maxDepth || l.files > maxFiles {
		return nil, fmt.Errorf("%s: %w", name, ErrLimit)
	}
	data, err := l.root.ReadFile(name, maxBytes)
	if err != nil {
		return nil, err
	}
	if l.bytes += len(data); l.bytes > maxBytes {
		return nil, fmt.Errorf("%s: %w", name, ErrLimit)
	}
	p := &parser{lex: lexer{text: string(data), line: 1}, file: name, load: l, depth: depth}
	return p.block(0)
}

// parser reads the directives of one file.
type parser struct {
	lex   lexer
	file  string
	load  *loader
	depth int
}

// block reads to the "}" of a block, or to the end of the file where nesting is 0.
func (p *parser) block(nesting int) ([]Directive, error) {
	list := []Directive{}
	for {
		words, line, more := p.lex.words()
		if !more || len(words) == 1 && words[0] == "}" {
			if err := p.ends(more, nesting, line); err != nil {
				return nil, err
			}
			return list, nil
		}
		if n := len(words); n > 1 && words[n-1] == "}" {
			return nil, &Error{p.file, line, "Unexpected '}' because no matching opening brace"}
		}
		if p.load.count++; nesting > maxDepth || p.load.count > maxDirectives {
			return nil, fmt.Errorf("%s:%d: %w", p.file, line, ErrLimit)
		}
		d := Directive{Words: words, File: p.file, Line: line}
		if words[len(words)-1] == "{" {
			d.Words = words[:len(words)-1]
			var err error
			if d.Block, err = p.block(nesting + 1); err != nil {
				return nil, err
			}
		}
		var err error
		if list, err = p.take(list, d, nesting); err != nil {
			return nil, err
		}
	}
}

// ends says whether a block may end: by "}" where brace is set, or with the file.
func (p *parser) ends(brace bool, nesting, line int) error {
	switch {
	case !brace && nesting > 0:
		return &Error{p.file, line, "unexpected EOF"}
	case brace && nesting == 0:
		return &Error{p.file, line, "Unexpected '}' because no matching opening brace"}
	}
	return nil
}

// take adds a directive: snippets are kept aside and imports expanded.
func (p *parser) take(list []Directive, d Directive, nesting int) ([]Directive, error) {
	switch {
	case nesting == 0 && len(d.Words) == 1 && strings.HasPrefix(d.Words[0], "(") && d.Block != nil:
		p.load.snippets[strings.Trim(d.Words[0], "()")] = d.Block
		return list, nil
	case len(d.Words) >= 2 && d.Words[0] == "import":
		more, err := p.load.imported(d, p)
		return append(list, more...), err
	case nesting == 0 && d.Block == nil && strings.HasSuffix(at(d.Words, len(d.Words)-1), ","):
		return nil, &Error{d.File, d.Line, "addresses on several lines are not read"}
	}
	return append(list, d), nil
}

func at(list []string, i int) string {
	if i < 0 || i >= len(list) {
		return ""
	}
	return list[i]
}

// imported returns what an import stands for.
func (l *loader) imported(d Directive, from *parser) ([]Directive, error) {
	pattern := d.Words[1]
	if s, ok := l.snippets[pattern]; ok {
		if l.count += len(s); l.count > maxDirectives {
			return nil, fmt.Errorf("%s:%d: %w", d.File, d.Line, ErrLimit)
		}
		return s, nil
	}
	if !strings.HasPrefix(pattern, "/") {
		pattern = path.Join(path.Dir(from.file), pattern)
	}
	names, searched, err := glob.Expand(l.root, pattern)
	for _, dir := range searched {
		l.watch(strings.TrimSuffix(dir, "/") + "/")
	}
	switch {
	case err != nil:
		return nil, err
	case len(names) == 0 && !glob.Has(pattern):
		return nil, &Error{d.File, d.Line, fmt.Sprintf("File to import not found: %s", d.Words[1])}
	}
	var list []Directive
	for _, n := range names {
		more, err := l.file(n, from.depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}
