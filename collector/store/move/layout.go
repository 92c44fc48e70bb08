package move

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// own is the table that each database gets by itself.
const own = "migration"

// column is a column of a table.
type column struct {
	name string
	kind kind
	key  int // its place in the primary key, from 1; 0 when it is not of the key
}

// layout is what a table is made of.
type layout struct {
	name    string
	columns []column
}

// kindOf is the kind of a column's type, as either database names it.
func kindOf(typ string) kind {
	switch typ {
	case "INTEGER", "bigint":
		return integers
	case "TEXT", "text":
		return texts
	case "BLOB", "bytea":
		return blobs
	}
	return 0
}

// quoted is the name as statements have it.
func (l *layout) quoted() string { return pgx.Identifier{l.name}.Sanitize() }

// list is the names of columns, as statements have them.
func list(columns []column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = pgx.Identifier{c.name}.Sanitize()
	}
	return strings.Join(names, ", ")
}

// query reads the whole table in the order of its primary key.
func (l *layout) query() string {
	return "SELECT " + list(l.columns) + " FROM " + l.quoted() + " ORDER BY " + list(l.key())
}

// key is the columns of the primary key, in its order.
func (l *layout) key() []column {
	var key []column
	for _, c := range l.columns {
		if c.key > 0 {
			key = append(key, c)
		}
	}
	slices.SortFunc(key, func(a, b column) int { return a.key - b.key })
	return key
}

// arrange puts the columns of tables into an order that does not depend on how the
// tables came to be.
func arrange(layouts []layout) {
	for _, l := range layouts {
		slices.SortFunc(l.columns, func(a, b column) int { return strings.Compare(a.name, b.name) })
	}
}

// collect makes layouts of rows (table, column, type, place in the key), those of a table
// together.
func collect(layouts []layout, table, name, typ string, key int) ([]layout, error) {
	c := column{name, kindOf(typ), key}
	if c.kind == 0 {
		return nil, fmt.Errorf("column %s of table %s is of type %q, which is none of the schema's", name, table, typ)
	}
	if n := len(layouts); n == 0 || layouts[n-1].name != table {
		layouts = append(layouts, layout{name: table})
	}
	last := &layouts[len(layouts)-1]
	last.columns = append(last.columns, c)
	return layouts, nil
}

// same returns an error unless two databases have the same tables.
func same(from, to []layout) error {
	a, b := summary(from), summary(to)
	for _, name := range sorted(a) {
		if a[name] != b[name] {
			return fmt.Errorf("the schema is not the one that its migrations make: table %q has %q, not %q", name, a[name], b[name])
		}
		delete(b, name)
	}
	if len(b) > 0 {
		return fmt.Errorf("the schema is not the one that its migrations make: no table %q", sorted(b)[0])
	}
	for i := range from {
		if len(from[i].key()) == 0 {
			return fmt.Errorf("table %q has no primary key", from[i].name)
		}
	}
	return nil
}

// summary is what each table is made of, as text.
func summary(layouts []layout) map[string]string {
	out := make(map[string]string)
	for _, l := range layouts {
		out[l.name] = fmt.Sprint(l.columns)
	}
	return out
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
