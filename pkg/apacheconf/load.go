package apacheconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
)

// Bounds of one configuration, all files together.
const (
	maxFiles      = 4096
	maxBytes      = 16 << 20
	maxDirectives = 200_000
	maxDepth      = 20 // of includes
	maxNesting    = 32 // of sections
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

// Paths are where distributions keep the first file: Debian and Ubuntu, the family
// of RHEL.
func Paths() []string {
	return []string{"/etc/apache2/apache2.conf", "/etc/httpd/conf/httpd.conf"}
}

// Directive is one directive, or a section with what stands in it.
type Directive struct {
	Name  string // in lower case, a section's without brackets
	Args  []string
	File  string
	Line  int
	Block []Directive // nil for a simple directive
}

// Tree is a configuration with everything it includes.
type Tree struct {
	Directives []Directive
	Uses       []Directive // uses of macros, of which nothing is known
	Files      []string    // every file, as it was first read
	// Watch is what the tree depends on: files, missing ones too, and the
	// directories of patterns, which end in "/".
	Watch []string
}

// Load reads the configuration that starts with the file name. On an error the
// tree has what Files and Watch are known, and no directives; the error is an
// *Error, or wraps ErrLimit or what hostfs says.
func Load(root hostfs.Root, name string) (*Tree, error) {
	l := &loader{root: root, dir: path.Dir(name), tree: &Tree{}, variables: map[string]string{}, defined: map[string]bool{}, modules: builtin()}
	if path.Base(l.dir) == "conf" {
		l.dir = path.Dir(l.dir)
	}
	if err := l.environment(path.Join(path.Dir(name), "envvars")); err != nil {
		return l.tree, err
	}
	top := &section{}
	err := l.file(name, place{}, 0, top)
	if err != nil {
		return l.tree, err
	}
	l.tree.Directives = top.list
	return l.tree, nil
}

// Error is what httpd would refuse, with its place.
type Error struct {
	File    string
	Line    int
	Message string
}

// Error says it as httpd does.
func (e *Error) Error() string {
	return fmt.Sprintf("Syntax error on line %d of %s: %s", e.Line, e.File, e.Message)
}

// Place is where it stands.
func (e *Error) Place() (file string, line int) { return e.File, e.Line }

// All returns the directives of a name, in lower case, that stand in the section
// itself.
func (d *Directive) All(name string) []Directive { return all(d.Block, name) }

// All returns the directives of a name, in lower case, outside of sections.
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

type place struct {
	file string
	line int
}

// loader reads the files of one configuration, and what is decided on the way.
type loader struct {
	root       hostfs.Root
	dir        string // names are relative to it
	tree       *Tree
	variables  map[string]string // of Define and the environment
	defined    map[string]bool
	modules    map[string]bool // by name and by source
	files      int
	bytes      int
	directives int
}

func (l *loader) watch(name string) {
	if len(l.tree.Watch) < maxFiles && !slices.Contains(l.tree.Watch, name) {
		l.tree.Watch = append(l.tree.Watch, name)
	}
}

// read reads a file within the limits.
func (l *loader) read(name string) (string, error) {
	l.watch(name)
	if l.files++; l.files > maxFiles {
		return "", fmt.Errorf("%s: %w", name, ErrLimit)
	}
	data, err := l.root.ReadFile(name, maxBytes)
	if err != nil {
		return "", err
	}
	if l.bytes += len(data); l.bytes > maxBytes {
		return "", fmt.Errorf("%s: %w", name, ErrLimit)
	}
	if !slices.Contains(l.tree.Files, name) {
		l.tree.Files = append(l.tree.Files, name)
	}
	return string(data), nil
}

// environment takes the plain assignments of Debian's envvars.
func (l *loader) environment(name string) error {
	text, err := l.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		word := strings.TrimPrefix(strings.TrimSpace(line), "export ")
		key, value, ok := strings.Cut(word, "=")
		if !ok || strings.ContainsAny(key, " \t#$:{'\"") {
			continue
		}
		value = strings.Trim(value, `"'`)
		// envvars itself: SUFFIX is empty but for a second instance.
		value = strings.NewReplacer("$SUFFIX", "", "${SUFFIX}", "").Replace(value)
		if !strings.ContainsAny(value, "$`") {
			l.variables[key] = value
		}
	}
	return nil
}

// file reads one file into a section; from is the directive that includes it.
func (l *loader) file(name string, from place, depth int, into *section) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: %w", name, ErrLimit)
	}
	text, err := l.read(name)
	if err != nil {
		return from.wrap(err)
	}
	p := &parser{rest: text, file: name, load: l, depth: depth}
	return p.lines(into)
}

func (p place) wrap(err error) error {
	if p.file == "" {
		return err
	}
	return fmt.Errorf("include in %s:%d: %w", p.file, p.line, err)
}

// include reads what Include or IncludeOptional names.
func (l *loader) include(d *Directive, depth int, into *section) error {
	from := place{d.File, d.Line}
	optional := d.Name == "includeoptional"
	for _, arg := range d.Args {
		name := arg
		if !strings.HasPrefix(name, "/") {
			name = path.Join(l.dir, name)
		}
		names := []string{path.Clean(name)}
		if glob.Has(name) {
			var searched []string
			var err error
			names, searched, err = glob.Expand(l.root, name)
			for _, dir := range append(searched, glob.Base(name)) {
				l.watch(strings.TrimSuffix(dir, "/") + "/")
			}
			if err != nil {
				return from.wrap(err)
			}
			if len(names) == 0 && !optional {
				return &Error{d.File, d.Line, fmt.Sprintf("No matches for the wildcard '%s' in '%s', failing (use IncludeOptional if required)",
					path.Base(name), path.Dir(name))}
			}
		}
		for _, n := range names {
			if err := l.below(n, from, depth+1, optional, into); err != nil {
				return err
			}
		}
	}
	return nil
}

// below reads a file, or every file below a directory.
func (l *loader) below(name string, from place, depth int, optional bool, into *section) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: %w", name, ErrLimit)
	}
	fi, err := l.root.Stat(name)
	switch {
	case err != nil && optional && errors.Is(err, fs.ErrNotExist):
		l.watch(name)
		return nil
	case err != nil || !fi.IsDir():
		return l.file(name, from, depth, into)
	}
	l.watch(name + "/")
	entries, err := l.root.ReadDir(name)
	if err != nil {
		return from.wrap(err)
	}
	for _, e := range entries {
		if err := l.below(path.Join(name, e), from, depth+1, optional, into); err != nil {
			return err
		}
	}
	return nil
}
