// Package conf reads apt's configuration language (apt.conf(5)) into a tree of
// settings: nested blocks, lists, #clear and #include, all three kinds of comments.
//
// It follows ReadConfigFile of apt's configuration.cc. Names are compared without
// case; the last value of a name counts; values of lists ("Name:: value" and words
// alone in a block) are kept in order, each with its file and line. #include is
// followed only as far as the caller opens files for it. Directives that apt itself
// passes over, and settings of programs, are not judged. Oddities are apt's own:
// quotes do not reach over a line's end, %xx is decoded in bare words, a value of
// 1,024 bytes is no quoted string, and the byte behind a "::" begins no other one.
// A test holds all of it against apt-config dump.
//
// Input is bounded by the caller's reading; a tree holds at most MaxSettings.
package conf

import (
	"errors"
	"fmt"
	"strings"
)

// MaxSettings bounds the settings of a tree. Real hosts have some hundred.
const MaxSettings = 10000

// maxDepth bounds how deep files include files, as apt does, maxFiles how many there
// are, maxName how long the name of a setting is, and maxStatement all of it.
const (
	maxDepth     = 10
	maxFiles     = 1000
	maxName      = 4096
	maxStatement = 32 << 10
)

// SyntaxError is what apt would refuse.
type SyntaxError struct {
	File string
	Line int
	Text string
}

// Error names the file, the line and what is wrong.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s line %d: %s", e.File, e.Line, e.Text) }

// Value is a setting's value and where it stands.
type Value struct {
	Text string
	File string
	Line int
}

// Tree is the settings of one or more files. Its zero value is empty.
type Tree struct {
	// Include returns the text of a file that a directive names, "" where there is
	// none; where Include is nil the directive is passed over.
	Include func(name string) ([]byte, error)
	// IncludeDir lists the files of a directory that a directive names, with their
	// full names and in order; where it is nil Include is asked.
	IncludeDir func(name string) ([]string, error)

	root  node
	count int
	depth int
	files int
}

type node struct {
	tag      string
	value    Value
	set      bool
	children []*node
	byTag    map[string]*node // in lower case
}

// Find returns the value of a name such as "APT::Periodic::Enable", and whether it
// is set.
func (t *Tree) Find(name string) (Value, bool) {
	n := t.lookup(name)
	if n == nil {
		return Value{}, false
	}
	return n.value, n.set
}

// Bool returns a value as apt understands it, otherwise where it is not set or is
// neither yes nor no.
func (t *Tree) Bool(name string, otherwise bool) bool {
	v, _ := t.Find(name)
	switch strings.ToLower(v.Text) {
	case "0", "no", "false", "without", "off", "disable":
		return false
	case "1", "yes", "true", "with", "on", "enable":
		return true
	}
	return otherwise
}

// List returns the values below a name, in order: those of a list, and those of
// the names in a block.
func (t *Tree) List(name string) []Value {
	n := t.lookup(name)
	if n == nil {
		return nil
	}
	var all []Value
	for _, c := range n.children {
		if c.set {
			all = append(all, c.value)
		}
	}
	return all
}

// split cuts a name at "::" as apt does: the byte after a separator starts no
// other one.
func split(name string) []string {
	var parts []string
	start := 0
	for i := 0; len(name)-i >= 2; i++ {
		if name[i] == ':' && name[i+1] == ':' {
			parts = append(parts, name[start:i])
			i += 2
			start = i
		}
	}
	return append(parts, name[start:])
}

func (t *Tree) lookup(name string) *node {
	n := &t.root
	for _, tag := range split(name) {
		if n = n.child(tag); n == nil {
			return nil
		}
	}
	return n
}

// child is the first child of this name. Nameless ones, values of lists, are not
// found.
func (n *node) child(tag string) *node { return n.byTag[strings.ToLower(tag)] }

// add appends a child.
func (n *node) add(tag string) *node {
	c := &node{tag: tag}
	n.children = append(n.children, c)
	if tag != "" {
		if n.byTag == nil {
			n.byTag = map[string]*node{}
		}
		n.byTag[strings.ToLower(tag)] = c
	}
	return c
}

var (
	errMany = errors.New("too many settings")
	errLong = errors.New("the name is too long")
)

// set puts a value in place. A name that ends in "::" adds to a list.
func (t *Tree) set(name string, v Value) error {
	if len(name) > maxName {
		return errLong
	}
	n := &t.root
	for _, tag := range split(name) {
		next := n.child(tag)
		if next == nil {
			if t.count++; t.count > MaxSettings {
				return errMany
			}
			next = n.add(tag)
		}
		n = next
	}
	n.value, n.set = v, true
	return nil
}

// clear empties a name and forgets all below it.
func (t *Tree) clear(name string) {
	if n := t.lookup(name); n != nil {
		*n = node{tag: n.tag}
	}
}
