package pamconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/hostfs"
)

const (
	maxDepth = 64
	maxFiles = 256
	maxRules = 2000 // of one service
	maxBytes = 256 << 10
)

// Loader reads the services of a host. Files has the names of what was read or looked
// for.
type Loader struct {
	Root  hostfs.Root
	Files []string

	texts map[string]text
}

// text is a file that was read.
type text struct {
	data []byte
	err  error
}

// dirs are where services are looked for, in order.
func dirs() []string { return []string{"/etc/pam.d", "/usr/lib/pam.d"} }

// Load reads a service. The error is that of reading a file that is there; a service
// that has none is that of "other".
func (l *Loader) Load(name string) (*Service, error) {
	s := &Service{Name: name, stacks: map[Type]Stack{}}
	own := &reading{loader: l, stacks: s.stacks}
	var err error
	s.File, err = own.service(name)
	if err != nil {
		return s, err
	}
	other := &reading{loader: l, stacks: map[Type]Stack{}}
	if name != "other" {
		_, err = other.service("other")
	}
	for _, t := range []Type{Auth, Account, Password, Session} {
		if len(s.stacks[t]) == 0 {
			s.stacks[t] = other.stacks[t]
		}
	}
	return s, err
}

// reading is the reading of one service.
type reading struct {
	loader *Loader
	stacks map[Type]Stack
	files  int
	rules  int
	cut    bool // there are more rules
}

// ErrTooMany is returned for a service of more rules than are read. What the others
// would let in is not known.
var ErrTooMany = fmt.Errorf("more than %d rules", maxRules)

// service reads a service's own file. A missing one is no error.
func (r *reading) service(name string) (file string, err error) {
	file, data, err := r.loader.find(name)
	if err != nil || file == "" {
		return "", err
	}
	r.file(file, data, "", 0, 0)
	if r.cut {
		return file, fmt.Errorf("%s: %w", file, ErrTooMany)
	}
	return file, nil
}

// find returns the text of a service's file; a name with a slash in front is a file.
func (l *Loader) find(name string) (file string, data []byte, err error) {
	candidates := []string{name}
	if !strings.HasPrefix(name, "/") {
		candidates = nil
		for _, d := range dirs() {
			candidates = append(candidates, path.Join(d, name))
		}
	}
	for _, file := range candidates {
		t, ok := l.texts[file]
		if !ok {
			t.data, t.err = l.Root.ReadFile(file, maxBytes)
			if l.texts == nil {
				l.texts = map[string]text{}
			}
			l.texts[file] = t
			l.Files = append(l.Files, file)
		}
		if !errors.Is(t.err, fs.ErrNotExist) {
			return file, t.data, t.err
		}
	}
	return "", nil, nil
}

// file adds the rules of a file, of one type only unless that is empty.
func (r *reading) file(name string, data []byte, only Type, depth, level int) {
	r.files++
	for line := range assembled(string(data)) {
		if r.rules >= maxRules {
			r.cut = true
			return
		}
		if f := fields(line.text); f[0] == "@include" {
			if len(f) < 2 || !r.include(f[1], only, depth, level) {
				r.add(Rule{Type: only, Control: "required", Broken: "what it includes cannot be read", File: name, Line: line.number, Raw: line.text, level: level})
			}
			continue
		}
		rule := parse(line.text)
		rule.File, rule.Line, rule.level = name, line.number, level
		switch {
		case rule.Broken != "":
			if !slices.Contains([]Type{Auth, Account, Password, Session}, rule.Type) {
				rule.Type = only
			}
			r.add(rule)
		case only != "" && rule.Type != only:
		case rule.Control == "substack":
			mark := rule
			mark.Module, mark.substack = "", true
			r.add(mark)
			r.nested(rule, depth, level+1)
		case rule.Control == "include":
			r.nested(rule, depth, level)
		default:
			r.add(rule)
		}
	}
}

// nested adds what an include or substack names, or one broken rule.
func (r *reading) nested(rule Rule, depth, level int) {
	name := rule.Module
	if f := fields(rule.Raw); len(f) > 2 {
		name = f[2]
	}
	if !r.include(name, rule.Type, depth, level) {
		rule.Broken = "what it includes cannot be read"
		rule.level = level
		r.add(rule)
	}
}

func (r *reading) include(name string, only Type, depth, level int) bool {
	if depth >= maxDepth || r.files >= maxFiles {
		return false
	}
	file, data, err := r.loader.find(name)
	if err != nil || file == "" {
		return false
	}
	r.file(file, data, only, depth+1, level)
	return true
}

// add puts a rule in its stack; one without a type is libpam's idea of an auth rule.
func (r *reading) add(rule Rule) {
	if rule.Type == "" {
		rule.Type = Auth
	}
	r.rules++
	r.stacks[rule.Type] = append(r.stacks[rule.Type], rule)
}

// line is a line with its continuations, and the number of the first.
type line struct {
	text   string
	number int
}

// assembled yields the lines that say something, comments gone and continuations
// joined.
func assembled(data string) func(func(line) bool) {
	return func(yield func(line) bool) {
		var b strings.Builder
		first, n := 0, 0
		flush := func() bool {
			text := strings.Trim(b.String(), " \t\r\v\f")
			b.Reset()
			return text == "" || yield(line{text, first})
		}
		for l := range strings.Lines(data) {
			n++
			l = strings.TrimLeft(strings.TrimRight(l, "\n"), " \t\r\v\f")
			if b.Len() == 0 {
				first = n
			}
			part, _, comment := strings.Cut(l, "#")
			part = strings.TrimRight(part, " \t\r\v\f")
			if joined, ok := strings.CutSuffix(part, `\`); ok && !comment {
				b.WriteString(joined + " ")
				continue
			}
			if b.Len() > 0 && l == "" {
				continue // an empty line does not end what goes on
			}
			b.WriteString(part)
			if !flush() {
				return
			}
		}
		flush()
	}
}
