package sqlitefile

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxSQL bounds the statement that defines a table. It becomes forty times as large
// when it is taken apart.
const maxSQL = 64 << 10

// Table is a table of a database.
type Table struct {
	file    *File
	name    string
	root    uint32
	columns []string
	rowid   int // the column that stands for the row number, -1 without one
}

// schema is the table that lists the others.
func (f *File) schema() *Table {
	return &Table{f, "sqlite_schema", 1, []string{"type", "name", "tbl_name", "rootpage", "sql"}, -1}
}

// Table finds a table by its name, whose case does not matter. Without one it is
// ErrNoTable.
func (f *File) Table(name string) (*Table, error) {
	if f.pages == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoTable, name)
	}
	var found *Table
	var sql string
	err := f.schema().Scan([]string{"type", "name", "rootpage", "sql"}, func(r Row) error {
		const kind = "table"
		// By the lengths first: text may be large.
		if found != nil || r.Size(0) != int64(len(kind)) || r.Size(1) > int64(utf8.UTFMax*len(name)) ||
			string(r.Text(0)) != kind || !strings.EqualFold(string(r.Text(1)), name) {
			return nil
		}
		if n := r.Size(3); n > maxSQL {
			return fmt.Errorf("%w: definition of %d bytes", ErrUnsupported, n)
		}
		root := r.Int(2)
		if root <= 0 || root > math.MaxUint32 {
			return fmt.Errorf("%w: table %s is on page %d", ErrDamaged, name, root)
		}
		found, sql = &Table{file: f, name: name, root: uint32(root)}, string(r.Text(3))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoTable, name)
	}
	if found.columns, found.rowid, err = parseTable(sql); err != nil {
		return nil, fmt.Errorf("table %s: %w", name, err)
	}
	return found, nil
}

// Columns returns the names of the table's columns.
func (t *Table) Columns() []string { return slices.Clone(t.columns) }

// column is the place of a column in a row, rowNumber for the one that is the row
// number itself.
func (t *Table) column(name string) (int, error) {
	i := slices.IndexFunc(t.columns, func(c string) bool { return strings.EqualFold(c, name) })
	switch {
	case i < 0:
		return 0, fmt.Errorf("%w: table %s has no column %s", ErrNoTable, t.name, name)
	case i == t.rowid:
		return rowNumber, nil
	}
	return i, nil
}
