// Package conf reads apt's configuration language (apt.conf(5)) into a tree of
// settings: nested blocks, lists, #clear and #include, all three kinds of comments.
//
// It follows ReadConfigFile of apt's configuration.cc. Names are compared without
// case; the last value of a name counts; values of lists ("Name:: value" and words
// alone in a block) are kept in order, each with its file and line. #include is
// followed only as far as the caller opens files for it. Directives that apt itself
// passes over, and settings of programs, are not judged.
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

// maxDepth bounds how deep files include files, as apt does, maxName how long the
// name of a setting is, and maxStatement all of it.
const (
	maxDepth     = 10
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

	root  node
	count int
	depth int
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

func (t *Tree) lookup(name string) *node {
	n := &t.root
	for tag := range strings.SplitSeq(name, "::") {
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

var errMany = errors.New("too many settings")

// set puts a value in place. A name that ends in "::" adds to a list.
func (t *Tree) set(name string, v Value) error {
	n := &t.root
	for tag := range strings.SplitSeq(name, "::") {
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
	if n := t.lookup(strings.TrimSuffix(name, "::")); n != nil {
		*n = node{tag: n.tag}
	}
}
