package nginxconf

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
)

// DefaultPath is the file that nginx reads when it is told nothing else.
const DefaultPath = "/etc/nginx/nginx.conf"

// Bounds of one configuration, all files together.
const (
	maxFiles      = 4096
	maxBytes      = 16 << 20
	maxDirectives = 200_000
	maxDepth      = 16 // of includes
	maxNesting    = 32 // of blocks
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

// Directive is one directive, with its place.
type Directive struct {
	Name  string
	Args  []string
	File  string
	Line  int
	Block []Directive // nil for a simple directive
}

// Tree is a configuration with everything it includes.
type Tree struct {
	Directives []Directive // of the main context
	Files      []string    // every file, as it was first read
	// Watch is what the tree depends on: files, missing ones too, and the
	// directories of patterns, which end in "/".
	Watch []string
}

// Load reads the configuration that starts with the file name. On an error the
// tree has what Files and Watch are known, and no directives; the error is an
// *Error, or wraps ErrLimit or what hostfs says.
func Load(root hostfs.Root, name string) (*Tree, error) {
	l := &loader{root: root, dir: path.Dir(name), tree: &Tree{}}
	list, err := l.file(name, place{}, 0)
	if err != nil {
		return l.tree, err
	}
	l.tree.Directives = list
	return l.tree, nil
}

// Error is what nginx would refuse, with its place.
type Error struct {
	File    string
	Line    int
	Message string
}

// Error says it as nginx does.
func (e *Error) Error() string { return fmt.Sprintf("%s in %s:%d", e.Message, e.File, e.Line) }

// Place is where it stands.
func (e *Error) Place() (file string, line int) { return e.File, e.Line }

// All returns the directives of a name that stand in the block itself.
func (d *Directive) All(name string) []Directive { return all(d.Block, name) }

// All returns the directives of a name in the main context.
func (t *Tree) All(name string) []Directive { return all(t.Directives, name) }

func all(list []Directive, name string) []Directive {
	var out []Directive
	for i := range list {
		if list[i].Name == name {
			out = append(out, list[i])
		}
	}
	return out
}

// Inherited returns the directives of a name that hold in the innermost of the
// blocks, which are given from the outermost in: its own, else those of the
// nearest block around it that has any.
func Inherited(name string, blocks ...*Directive) []Directive {
	for _, b := range slices.Backward(blocks) {
		if own := b.All(name); len(own) > 0 {
			return own
		}
	}
	return nil
}

type place struct {
	file string
	line int
}

// loader reads the files of one configuration.
type loader struct {
	root       hostfs.Root
	dir        string // names are relative to it
	tree       *Tree
	files      int
	bytes      int
	directives int
}

func (l *loader) watch(name string) {
	if len(l.tree.Watch) < maxFiles && !slices.Contains(l.tree.Watch, name) {
		l.tree.Watch = append(l.tree.Watch, name)
	}
}

// file reads one file; from is the include that names it.
func (l *loader) file(name string, from place, depth int) ([]Directive, error) {
	l.watch(name)
	l.files++
	if depth > maxDepth || l.files > maxFiles {
		return nil, fmt.Errorf("%s: %w", name, ErrLimit)
	}
	data, err := l.root.ReadFile(name, maxBytes)
	if err != nil {
		if from.file != "" {
			return nil, fmt.Errorf("include in %s:%d: %w", from.file, from.line, err)
		}
		return nil, err
	}
	if l.bytes += len(data); l.bytes > maxBytes {
		return nil, fmt.Errorf("%s: %w", name, ErrLimit)
	}
	if !slices.Contains(l.tree.Files, name) {
		l.tree.Files = append(l.tree.Files, name)
	}
	p := &parser{lex: lexer{text: string(data), line: 1}, file: name, load: l, depth: depth}
	list, err := p.block(0)
	if err != nil {
		return nil, err
	}
	return list, nil
}

// include reads what an include directive names.
func (l *loader) include(d *Directive, depth int) ([]Directive, error) {
	from := place{d.File, d.Line}
	if len(d.Args) != 1 {
		return nil, &Error{d.File, d.Line, `invalid number of arguments in "include" directive`}
	}
	name := d.Args[0]
	if !strings.HasPrefix(name, "/") {
		name = path.Join(l.dir, name)
	}
	if !glob.Has(name) {
		return l.file(name, from, depth+1)
	}
	names, searched, err := glob.Expand(l.root, name)
	for _, dir := range searched {
		l.watch(strings.TrimSuffix(dir, "/") + "/")
	}
	if len(searched) == 0 {
		l.watch(glob.Base(name))
	}
	if err != nil {
		return nil, fmt.Errorf("include in %s:%d: %w", d.File, d.Line, err)
	}
	var list []Directive
	for _, n := range names {
		more, err := l.file(n, from, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}
