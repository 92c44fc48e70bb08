package aptconf

import (
	"fmt"
	"strings"
)

// Bounds of one configuration. Real ones have some hundred items, three deep.
const (
	maxItems   = 100_000
	maxTag     = 4096 // bytes of a full name
	maxInclude = 10   // apt's own
	maxFiles   = 1000 // read for includes, so that loops end
)

// Value is a value with the place that it was set at. Line is where its statement
// ends. What was never given a value of its own has no File.
type Value struct {
	Text string
	File string
	Line int
}

// Item is one item of the tree under its full name, as apt-config dump shows it.
type Item struct {
	Name string
	Value
}

// Error is a refusal that apt would utter, too.
type Error struct {
	File string
	Line int
	Text string
}

// Error returns the place and what is wrong there.
func (e *Error) Error() string { return fmt.Sprintf("%s line %d: %s", e.File, e.Line, e.Text) }

type node struct {
	tag      string
	value    Value
	children []*node
	named    map[string]*node // by lower-case tag, the first of each
}

// Config is apt's configuration. Its zero value has nothing set.
type Config struct {
	root  node
	items int
	files int
}

// Find returns the value of a name, such as "APT::Periodic::Enable". found says
// that the item is there, if only because something stands below it; its Text may
// be empty.
func (c *Config) Find(name string) (v Value, found bool) {
	if n := c.lookup(name); n != nil {
		return n.value, true
	}
	return Value{}, false
}

// List returns the values directly below a name, in order: how python-apt's
// value_list and apt's own lists read it.
func (c *Config) List(name string) []Value {
	n := c.lookup(name)
	if n == nil {
		return nil
	}
	list := make([]Value, 0, len(n.children))
	for _, child := range n.children {
		list = append(list, child.value)
	}
	return list
}

// Items lists the whole tree in the order of apt-config dump.
func (c *Config) Items() []Item {
	var all []Item
	var walk func(n *node, prefix string)
	walk = func(n *node, prefix string) {
		for _, child := range n.children {
			name := prefix + child.tag
			all = append(all, Item{name, child.value})
			walk(child, name+"::")
		}
	}
	walk(&c.root, "")
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

func (c *Config) lookup(name string) *node {
	n := &c.root
	for _, tag := range split(name) {
		n = n.child(tag)
		if n == nil {
			return nil
		}
	}
	return n
}

// child finds a child by its name. The nameless ones of a list are found by none.
func (n *node) child(tag string) *node {
	if tag == "" {
		return nil
	}
	return n.named[lower(tag)]
}

// set gives a name a value and makes what is missing on the way to it.
func (c *Config) set(name string, v Value) error {
	if len(name) > maxTag {
		return fmt.Errorf("a name of %d bytes", len(name))
	}
	n := &c.root
	for _, tag := range split(name) {
		next := n.child(tag)
		if next == nil {
			if c.items++; c.items > maxItems {
				return fmt.Errorf("more than %d items", maxItems)
			}
			next = &node{tag: tag}
			n.add(next)
		}
		n = next
	}
	n.value = v
	return nil
}

func (n *node) add(child *node) {
	n.children = append(n.children, child)
	if child.tag == "" {
		return
	}
	if n.named == nil {
		n.named = map[string]*node{}
	}
	n.named[lower(child.tag)] = child
}

// clear empties an item and drops what is below it; the item itself stays.
func (c *Config) clear(name string) {
	if n := c.lookup(name); n != nil {
		n.value, n.children, n.named = Value{}, nil, nil
	}
}

// lower changes ASCII letters alone, as apt does.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
