package sqlitefile

import (
	"fmt"
	"slices"
	"strings"
)

const maxColumns = 2000 // SQLite's own limit unless it is built with another

// token of a CREATE TABLE statement: a word in lower case unless it is quoted, or
// one character of punctuation.
type token struct {
	text   string
	quoted bool
	depth  int // of parentheses around it
}

func (t token) is(words ...string) bool { return !t.quoted && slices.Contains(words, t.text) }

// parseTable takes the names of the columns and which of them is the row number,
// -1 if none, from a CREATE TABLE statement as sqlite_schema keeps it.
func parseTable(sql string) (columns []string, rowid int, err error) {
	all := tokens(sql)
	rowid = -1
	var integers []string
	for _, def := range definitions(all) {
		if def[0].is("constraint", "primary", "unique", "check", "foreign") {
			if name, ok := primaryKey(def); ok && slices.Contains(integers, name) {
				rowid = slices.Index(columns, name)
			}
			continue
		}
		integer, key, err := parseColumn(def)
		if err != nil {
			return nil, 0, err
		}
		if integer {
			integers = append(integers, def[0].text)
		}
		if integer && key {
			rowid = len(columns)
		}
		columns = append(columns, def[0].text)
	}
	if slices.ContainsFunc(all, func(t token) bool { return t.depth == 0 && t.is("without") }) {
		return nil, 0, fmt.Errorf("%w: WITHOUT ROWID", ErrUnsupported)
	}
	if len(columns) == 0 || len(columns) > maxColumns {
		return nil, 0, fmt.Errorf("%w: %d columns", ErrDamaged, len(columns))
	}
	return columns, rowid, nil
}

// definitions are what stands between the commas of the outermost parentheses, none
// of them empty.
func definitions(all []token) (defs [][]token) {
	start := slices.IndexFunc(all, func(t token) bool { return t.depth == 1 })
	if start < 0 {
		return nil
	}
	for i := start; ; i++ {
		end := i == len(all) || all[i].depth <= 0
		if end || all[i].depth == 1 && all[i].is(",") {
			if i > start {
				defs = append(defs, all[start:i])
			}
			start = i + 1
		}
		if end {
			return defs
		}
	}
}

// parseColumn says of a column's definition whether its type is INTEGER, letter
// for letter, and whether it is the primary key.
func parseColumn(def []token) (integer, key bool, err error) {
	constraint := slices.IndexFunc(def[1:], func(t token) bool {
		return t.depth == 1 && t.is("constraint", "primary", "not", "null", "unique", "check", "default", "collate",
			"references", "generated", "as")
	}) + 1
	if constraint == 0 {
		constraint = len(def)
	}
	integer = constraint == 2 && strings.EqualFold(def[1].text, "integer")
	for i, t := range def {
		switch {
		case t.depth != 1 || i < constraint:
		case t.is("generated", "as"):
			return false, false, fmt.Errorf("%w: generated column %s", ErrUnsupported, def[0].text)
		case t.is("primary"):
			key = i+2 >= len(def) || !def[i+2].is("desc")
		}
	}
	return integer, key, nil
}

// primaryKey returns the one column of a PRIMARY KEY (column) constraint.
func primaryKey(def []token) (string, bool) {
	i := slices.IndexFunc(def, func(t token) bool { return t.depth == 1 && t.is("primary") })
	if i < 0 {
		return "", false
	}
	var names []string
	for _, t := range def[i:] {
		if t.depth == 2 && !t.is("asc", "desc", ",") {
			names = append(names, t.text)
		}
		if t.depth == 2 && t.is(",") {
			return "", false
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return names[0], true
}

// tokens splits a statement. Parentheses are not tokens, they show in the depths.
func tokens(sql string) []token {
	var all []token
	depth := 0
	for len(sql) > 0 {
		c := sql[0]
		n := 1
		switch {
		case strings.HasPrefix(sql, "--"):
			n = until(sql, "\n", 2)
		case strings.HasPrefix(sql, "/*"):
			n = until(sql, "*/", 2)
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '\'', c == '"', c == '`', c == '[':
			var text string
			text, n = quoted(sql)
			all = append(all, token{text, true, depth})
		case wordByte(c):
			for n < len(sql) && wordByte(sql[n]) {
				n++
			}
			all = append(all, token{strings.ToLower(sql[:n]), false, depth})
		case strings.IndexByte(" \t\r\n\f", c) < 0:
			all = append(all, token{sql[:1], false, depth})
		}
		sql = sql[n:]
	}
	return all
}

// until is where the text behind end begins.
func until(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

// quoted reads the quoted name that s begins with, in which the quote doubled is
// the quote, and its length.
func quoted(s string) (string, int) {
	end := s[0]
	if end == '[' {
		n := until(s, "]", 1)
		return strings.TrimSuffix(s[1:n], "]"), n
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != end:
			text.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == end:
			text.WriteByte(end)
			i++
		default:
			return text.String(), i + 1
		}
	}
	return text.String(), len(s)
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
