// Package toml reads the TOML 1.0 that programs write for themselves, such as the
// files of dnf 5, with the line of each table.
//
// It reads tables, arrays of tables, dotted and quoted keys, strings on one line,
// arrays and inline tables. Strings of several lines are refused. Numbers, truth
// values and dates are kept as text. All is bounded: the document, its depth and
// the number of its tables.
package toml

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a document.
const (
	MaxSize   = 1 << 20
	maxDepth  = 16
	maxTables = 1 << 14 // each takes some hundred bytes, for as few as two of the document
)

// ErrSyntax is returned for what is not the TOML described above.
var ErrSyntax = errors.New("toml")

// Table is a table. Values are string, []any or *Table; bare values (1, true) are
// Bare.
type Table struct {
	Line   int // where it begins, from 1
	Values map[string]any
}

// Bare is a value that is no string: a number, a truth value, a date.
type Bare string

// Parse reads a document.
func Parse(text string) (*Table, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrSyntax, MaxSize)
	}
	p := &parser{text: text, line: 1}
	root := newTable(1)
	if err := p.document(root); err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return root, nil
}

func newTable(line int) *Table { return &Table{Line: line, Values: make(map[string]any)} }

// table makes a table.
func (p *parser) table() (*Table, error) {
	if p.tables++; p.tables > maxTables {
		return nil, fmt.Errorf("%w: more than %d tables", ErrSyntax, maxTables)
	}
	return newTable(p.line), nil
}

// Text returns the string of a key, or "".
func (t *Table) Text(key string) string {
	s, _ := t.Values[key].(string)
	return s
}

// Tables returns the tables in the array of a key.
func (t *Table) Tables(key string) []*Table {
	array, _ := t.Values[key].([]any)
	var tables []*Table
	for _, v := range array {
		if table, ok := v.(*Table); ok {
			tables = append(tables, table)
		}
	}
	return tables
}

type parser struct {
	text string // what is left
	line int

	tables int
}

func (p *parser) document(root *Table) error {
	current := root
	for {
		p.skip(true)
		if p.text == "" {
			return nil
		}
		var err error
		if p.text[0] == '[' {
			current, err = p.header(root)
		} else {
			err = p.pair(current, 0)
		}
		if err != nil {
			return err
		}
		if p.skip(false); p.text != "" && p.text[0] != '\n' {
			return fmt.Errorf("%w: more on the line", ErrSyntax)
		}
	}
}

// skip passes over blanks and comments, and with lines over the ends of lines.
func (p *parser) skip(lines bool) {
	for p.text != "" {
		switch c := p.text[0]; {
		case c == ' ' || c == '\t' || c == '\r':
		case c == '\n' && lines:
			p.line++
		case c == '#':
			i := strings.IndexByte(p.text, '\n')
			if i < 0 {
				i = len(p.text)
			}
			p.text = p.text[i:]
			continue
		default:
			return
		}
		p.text = p.text[1:]
	}
}

func (p *parser) take(token string) bool {
	rest, ok := strings.CutPrefix(p.text, token)
	if ok {
		p.text = rest
	}
	return ok
}

// header reads [table] or [[array]] and returns the table that it opens.
func (p *parser) header(root *Table) (*Table, error) {
	array := p.take("[[")
	if !array {
		p.take("[")
	}
	keys, err := p.keys()
	if err != nil {
		return nil, err
	}
	if array && !p.take("]]") || !array && !p.take("]") {
		return nil, fmt.Errorf("%w: header is not closed", ErrSyntax)
	}
	parent, last := root, keys[len(keys)-1]
	for _, key := range keys[:len(keys)-1] {
		if parent, err = p.enter(parent, key); err != nil {
			return nil, err
		}
	}
	if !array {
		return p.enter(parent, last)
	}
	tables, ok := parent.Values[last].([]any)
	if !ok && parent.Values[last] != nil {
		return nil, fmt.Errorf("%w: %q is no array", ErrSyntax, last)
	}
	table, err := p.table()
	parent.Values[last] = append(tables, table)
	return table, err
}

// enter returns the table of a key, made where there is none, or the last of its
// array.
func (p *parser) enter(t *Table, key string) (*Table, error) {
	switch v := t.Values[key].(type) {
	case nil:
		table, err := p.table()
		t.Values[key] = table
		return table, err
	case *Table:
		return v, nil
	case []any:
		if len(v) > 0 {
			if table, ok := v[len(v)-1].(*Table); ok {
				return table, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: %q is no table", ErrSyntax, key)
}

func (p *parser) keys() ([]string, error) {
	var keys []string
	for {
		p.skip(false)
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		if keys = append(keys, key); len(keys) > maxDepth {
			return nil, fmt.Errorf("%w: too deep", ErrSyntax)
		}
		if p.skip(false); !p.take(".") {
			return keys, nil
		}
	}
}

func (p *parser) key() (string, error) {
	if p.text != "" && (p.text[0] == '"' || p.text[0] == '\'') {
		return p.quoted()
	}
	n := 0
	for n < len(p.text) && (p.text[n] == '_' || p.text[n] == '-' || isLetter(p.text[n])) {
		n++
	}
	if n == 0 {
		return "", fmt.Errorf("%w: no key", ErrSyntax)
	}
	key := p.text[:n]
	p.text = p.text[n:]
	return key, nil
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// pair reads key = value into t.
func (p *parser) pair(t *Table, depth int) error {
	keys, err := p.keys()
	if err != nil {
		return err
	}
	if !p.take("=") {
		return fmt.Errorf("%w: key without a value", ErrSyntax)
	}
	last := keys[len(keys)-1]
	for _, key := range keys[:len(keys)-1] {
		if t, err = p.enter(t, key); err != nil {
			return err
		}
	}
	if _, there := t.Values[last]; there {
		return fmt.Errorf("%w: %q is there twice", ErrSyntax, last)
	}
	t.Values[last], err = p.value(depth)
	return err
}

func (p *parser) value(depth int) (any, error) {
	p.skip(false)
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: too deep", ErrSyntax)
	}
	switch {
	case p.text == "":
		return nil, fmt.Errorf("%w: no value", ErrSyntax)
	case p.text[0] == '"' || p.text[0] == '\'':
		return p.quoted()
	case p.take("["):
		return p.array(depth + 1)
	case p.take("{"):
		return p.inline(depth + 1)
	}
	n := strings.IndexAny(p.text, " \t\r\n,]}#")
	if n < 0 {
		n = len(p.text)
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: no value", ErrSyntax)
	}
	bare := p.text[:n]
	p.text = p.text[n:]
	return Bare(bare), nil
}

func (p *parser) array(depth int) (any, error) {
	values := []any{}
	for {
		p.skip(true)
		if p.take("]") {
			return values, nil
		}
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if p.skip(true); !p.take(",") && !strings.HasPrefix(p.text, "]") {
			return nil, fmt.Errorf("%w: array is not closed", ErrSyntax)
		}
	}
}

func (p *parser) inline(depth int) (any, error) {
	t, err := p.table()
	for err == nil {
		p.skip(false)
		if p.take("}") {
			return t, nil
		}
		if err := p.pair(t, depth); err != nil {
			return nil, err
		}
		if p.skip(false); !p.take(",") && !strings.HasPrefix(p.text, "}") {
			return nil, fmt.Errorf("%w: inline table is not closed", ErrSyntax)
		}
	}
	return nil, err
}

// quoted reads a string on one line.
func (p *parser) quoted() (string, error) {
	quote := p.text[0]
	if strings.HasPrefix(p.text, strings.Repeat(string(quote), 3)) {
		return "", fmt.Errorf("%w: string of several lines", ErrSyntax)
	}
	for i := 1; i < len(p.text) && p.text[i] != '\n'; i++ {
		switch {
		case p.text[i] == '\\' && quote == '"':
			i++
		case p.text[i] == quote:
			raw := p.text[:i+1]
			p.text = p.text[i+1:]
			if quote == '\'' {
				return raw[1 : len(raw)-1], nil
			}
			s, err := strconv.Unquote(raw)
			if err != nil {
				return "", fmt.Errorf("%w: string %w", ErrSyntax, err)
			}
			return s, nil
		}
	}
	return "", fmt.Errorf("%w: string is not closed", ErrSyntax)
}
