package format

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"seawall/agent/near"
	"seawall/pkg/text"
)

// mapping calls the function of each key of n; a key without one, a key twice
// and a missing required key are errors.
func (p *File) mapping(n *yaml.Node, fields map[string]func(*yaml.Node), required ...string) {
	p.entries(n, func() []string { return slices.Sorted(maps.Keys(fields)) }, func(key string, value *yaml.Node) bool {
		read, ok := fields[key]
		if ok {
			read(value)
		}
		return ok
	}, required...)
}

// entries calls read for each key of n, which says whether there is such a key;
// known lists those that there are.
func (p *File) entries(n *yaml.Node, known func() []string, read func(key string, value *yaml.Node) bool, required ...string) {
	if n.Kind != yaml.MappingNode {
		p.errorAt(n, "want a mapping with the keys %s", strings.Join(known(), ", "))
		return
	}
	seen := make([]string, 0, min(len(n.Content)/2, 32))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case slices.Contains(seen, key.Value):
			p.errorAt(key, "key %q stands here twice", key.Value)
			continue
		case key.Kind != yaml.ScalarNode || !read(key.Value, value):
			p.errorAt(key, "unknown key %q%s", key.Value, near.Hint(key.Value, known()))
			continue
		}
		seen = append(seen, key.Value)
	}
	for _, name := range required {
		if !slices.Contains(seen, name) {
			p.errorAt(n, "%s is missing", name)
		}
	}
}

// has reports whether the mapping n has one of the keys.
func has(n *yaml.Node, keys ...string) bool {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if slices.Contains(keys, n.Content[i].Value) {
			return true
		}
	}
	return false
}

func (p *File) sequence(n *yaml.Node, limit int) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		p.errorAt(n, "want a list")
		return nil
	}
	if len(n.Content) > limit {
		p.errorAt(n, "more than %d entries", limit)
		return nil
	}
	return n.Content
}

func (p *File) scalar(n *yaml.Node) Scalar {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.errorAt(n, "want a value")
		return at(n, "")
	}
	if len(n.Value) > text.Limit {
		p.errorAt(n, "longer than %d bytes", text.Limit)
		return at(n, "")
	}
	return at(n, n.Value)
}

func (p *File) string(n *yaml.Node) string {
	s := p.scalar(n).Text
	if s == "" {
		p.errorAt(n, "is empty")
	}
	return s
}

func (p *File) bool(n *yaml.Node) bool {
	if n.Tag != "!!bool" {
		p.errorAt(n, "want true or false")
	}
	return n.Value == "true"
}

// pairs are the keys and values of a mapping whose keys are the user's.
func (p *File) pairs(n *yaml.Node, limit int, each func(key Scalar, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode || len(n.Content) > 2*limit {
		p.errorAt(n, "want a mapping of at most %d names", limit)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		each(p.scalar(n.Content[i]), n.Content[i+1])
	}
}

func (p *File) scalars(n *yaml.Node, limit int) []Scalar {
	var list []Scalar
	for _, item := range p.sequence(n, limit) {
		list = append(list, p.scalar(item))
	}
	return list
}

func (p *File) strings(n *yaml.Node, limit int) []string {
	var list []string
	for _, s := range p.scalars(n, limit) {
		list = append(list, s.Text)
	}
	return list
}

// Place returns line and column in the source of byte offset in s. In folded and
// wrapped scalars, whose text is not the source's, it is the Scalar's start.
func (p *File) Place(s Scalar, offset int) (line, column int) {
	offset = min(offset, len(s.Text))
	before := s.Text[:offset]
	switch {
	case s.style&yaml.LiteralStyle != 0:
		line = s.Line + 1 + strings.Count(before, "\n")
		return line, p.indent(s.Line) + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	case s.style&yaml.FoldedStyle != 0 || !p.onOneLine(s):
		return s.Line, s.Column
	case s.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return s.Line, s.Column + 1 + utf8.RuneCountInString(before)
	}
	return s.Line, s.Column + utf8.RuneCountInString(before)
}

// split returns the source's lines. Most sources are never asked for them.
func (p *File) split() []string {
	if p.lines == nil {
		p.lines = strings.Split(string(p.data), "\n")
	}
	return p.lines
}

// indent is how far the block that begins after the given line is indented.
func (p *File) indent(line int) int {
	for _, l := range p.split()[min(line, len(p.split())):] {
		if trimmed := strings.TrimLeft(l, " "); strings.TrimSpace(trimmed) != "" {
			return len(l) - len(trimmed)
		}
	}
	return 0
}

// onOneLine reports whether the source has s as it is on the line it starts on.
func (p *File) onOneLine(s Scalar) bool {
	lines := p.split()
	return s.Line > 0 && s.Line <= len(lines) && strings.Contains(lines[s.Line-1], s.Text)
}
