package bindconf

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

const (
	maxFiles      = 1000
	maxFile       = 4 << 20
	maxBytes      = 16 << 20
	maxStatements = 300_000
	maxIncludes   = 16
	maxBlocks     = 32
	maxWords      = 100 // of one statement
)

// Statement is words and blocks up to a semicolon.
type Statement struct {
	Words  []string // a keyword in lower case first
	Blocks [][]Statement
	File   string
	Line   int
}

// Name is the first word, "" for a block alone.
func (s *Statement) Name() string { return s.Word(0) }

// Word returns a word, "" where there are fewer.
func (s *Statement) Word(i int) string {
	if i >= len(s.Words) {
		return ""
	}
	return s.Words[i]
}

// Block returns the first block, nil where there is none.
func (s *Statement) Block() []Statement {
	if len(s.Blocks) == 0 {
		return nil
	}
	return s.Blocks[0]
}

// Error is a syntax error and its place.
type Error struct {
	File    string
	Line    int
	Message string
}

// Error says it as named does.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message) }

// Tree is a configuration with everything that it includes.
type Tree struct {
	Statements []Statement
	// Watch is what the tree depends on: files, missing ones too, and the directories
	// of patterns, which end in "/".
	Watch []string
}

// Load reads the configuration that starts with the file name. On an error the tree
// has what Watch is known and no statements.
func Load(root hostfs.Root, name string) (*Tree, error) {
	l := &loader{root: root, tree: &Tree{}, room: maxBytes}
	s, err := l.file(name, nil)
	if err != nil {
		return l.tree, fmt.Errorf("read %s: %w", name, err)
	}
	l.tree.Statements = s
	return l.tree, nil
}

// All returns the statements of a name.
func All(in []Statement, name string) []Statement {
	var all []Statement
	for _, s := range in {
		if s.Name() == name {
			all = append(all, s)
		}
	}
	return all
}

// Last returns the last statement of a name, nil where there is none.
func Last(in []Statement, name string) *Statement {
	for i := len(in) - 1; i >= 0; i-- {
		if in[i].Name() == name {
			return &in[i]
		}
	}
	return nil
}

type loader struct {
	root       hostfs.Root
	tree       *Tree
	files      int
	statements int
	room       int
}

func (l *loader) watch(name string) {
	if !slices.Contains(l.tree.Watch, name) {
		l.tree.Watch = append(l.tree.Watch, name)
	}
}

func (l *loader) file(name string, chain []string) ([]Statement, error) {
	name = path.Clean("/" + name)
	l.watch(name)
	if l.files++; l.files > maxFiles || len(chain) > maxIncludes {
		return nil, ErrLimit
	}
	text, err := l.root.ReadFile(name, maxFile)
	if err != nil {
		return nil, err
	}
	if l.room -= len(text); l.room < 0 {
		return nil, ErrLimit
	}
	p := &parser{loader: l, lexer: lexer{text: text, file: name, line: 1}, chain: append(chain[:len(chain):len(chain)], name)}
	return p.statements(0)
}

// included reads what a pattern names.
func (l *loader) included(pattern string, chain []string) ([]Statement, error) {
	names := []string{pattern}
	if glob.Has(pattern) {
		var searched []string
		var err error
		names, searched, err = glob.Expand(l.root, path.Clean("/"+pattern))
		for _, dir := range searched {
			l.watch(strings.TrimRight(dir, "/") + "/")
		}
		if err != nil {
			return nil, err
		}
	}
	var all []Statement
	for _, name := range names {
		s, err := l.file(name, chain)
		if err != nil {
			return nil, err
		}
		all = append(all, s...)
	}
	return all, nil
}
