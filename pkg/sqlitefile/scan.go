package sqlitefile

import (
	"encoding/binary"
	"fmt"
)

const (
	interiorPage = 5 // page types; the others belong to indexes
	leafPage     = 13
	maxDepth     = 20 // as SQLite has it
)

// scan is one walk through a table's tree.
type scan struct {
	*File
	each   func(Row) error
	row    record
	budget int64    // pages that the walk may still come to
	levels [][]byte // a page for each level
	leaves int      // how deep they are, once known
	last   int64    // row number
	some   bool     // there was a row
}

// Scan calls each for the rows in the order of their numbers, with the given
// columns, whose case does not matter. An error of each ends it and is returned.
// An error of the file may come behind rows: they are not the table then.
func (t *Table) Scan(columns []string, each func(row Row) error) error {
	s := scan{File: t.file, each: each, budget: t.file.there, leaves: -1}
	s.row.file = t.file
	for _, name := range columns {
		i, err := t.column(name)
		if err != nil {
			return err
		}
		s.row.ask(i)
	}
	if err := s.page(t.root, 0); err != nil {
		return fmt.Errorf("table %s: %w", t.name, err)
	}
	return nil
}

// page walks through what is below a page.
func (s *scan) page(number uint32, depth int) error {
	if s.budget--; s.budget < 0 || depth == maxDepth {
		return fmt.Errorf("%w: page %d is in a cycle", ErrDamaged, number)
	}
	if depth == len(s.levels) {
		s.levels = append(s.levels, make([]byte, s.pageSize))
	}
	b := s.levels[depth]
	if err := s.read(b, number, 0); err != nil {
		return err
	}
	start := 0
	if number == 1 {
		start = headerSize
	}
	head := 8
	kind, count := b[start], int(binary.BigEndian.Uint16(b[start+3:]))
	if kind == interiorPage {
		head = 12
	}
	first := start + head + 2*count // the array of the cells' places ends here
	switch {
	case kind != interiorPage && kind != leafPage:
		return fmt.Errorf("%w: page %d is of type %d", ErrDamaged, number, kind)
	case first > s.usable:
		return fmt.Errorf("%w: page %d has %d cells", ErrDamaged, number, count)
	}
	for i := range count {
		at := int(binary.BigEndian.Uint16(b[start+head+2*i:]))
		if at < first || at >= s.usable {
			return fmt.Errorf("%w: a cell of page %d is at %d", ErrDamaged, number, at)
		}
		err := s.cell(b[at:s.usable], kind, depth)
		if err != nil {
			return err
		}
	}
	if kind == interiorPage {
		return s.page(binary.BigEndian.Uint32(b[start+8:]), depth+1)
	}
	return s.leaf(number, count, depth)
}

// leaf checks that a leaf fits with the others.
func (s *scan) leaf(number uint32, count, depth int) error {
	if s.leaves < 0 {
		s.leaves = depth
	}
	if s.leaves != depth || count == 0 && depth > 0 {
		return fmt.Errorf("%w: page %d with %d rows is %d levels down", ErrDamaged, number, count, depth)
	}
	return nil
}

// cell walks through the child that an interior cell names, or gives a leaf cell's
// row out.
func (s *scan) cell(b []byte, kind byte, depth int) error {
	if kind == leafPage {
		return s.give(b)
	}
	if len(b) < 5 {
		return errCell
	}
	key, n := varint(b[4:])
	if n == 0 {
		return errCell
	}
	if err := s.page(binary.BigEndian.Uint32(b), depth+1); err != nil {
		return err
	}
	if s.some && s.last > int64(key) {
		return fmt.Errorf("%w: row %d is left of %d", ErrDamaged, s.last, int64(key))
	}
	return nil
}

var errCell = fmt.Errorf("%w: a cell reaches out of its page", ErrDamaged)

// give parses a leaf cell and calls each.
func (s *scan) give(b []byte) error {
	size, n := varint(b)
	number, m := varint(b[n:])
	if n == 0 || m == 0 {
		return errCell
	}
	rowid := int64(number)
	if s.some && rowid <= s.last {
		return fmt.Errorf("%w: row %d follows row %d", ErrDamaged, rowid, s.last)
	}
	s.last, s.some = rowid, true
	if size > uint64(s.there)*uint64(s.usable) {
		return fmt.Errorf("%w: row %d has %d bytes", ErrDamaged, rowid, size)
	}
	if err := s.place(b[n+m:], rowid, int64(size)); err != nil {
		return err
	}
	if err := s.row.parse(); err != nil {
		return err
	}
	if err := s.each(Row{&s.row}); err != nil {
		return err
	}
	return s.row.err
}

// place says where a row's bytes are: in b, what the cell has behind its numbers, and
// in overflow pages.
func (s *scan) place(b []byte, rowid, size int64) error {
	local := s.local(size)
	r := &s.row
	r.rowid, r.size, r.err, r.first, r.current = rowid, size, nil, 0, 0
	if rest := size - int64(local); rest > 0 {
		if len(b) < local+4 {
			return errCell
		}
		r.first = binary.BigEndian.Uint32(b[local:])
		s.budget -= (rest + int64(s.usable) - 5) / int64(s.usable-4)
		if s.budget < 0 {
			return fmt.Errorf("%w: row %d has %d bytes, in pages that others have", ErrDamaged, rowid, size)
		}
	}
	if len(b) < local {
		return errCell
	}
	r.local = b[:local]
	return nil
}

// local is how much of a row of size bytes its leaf holds; the rest is in overflow
// pages.
func (s *scan) local(size int64) int {
	most := s.usable - 35
	if size <= int64(most) {
		return int(size)
	}
	least := (s.usable-12)*32/255 - 23
	n := least + int((size-int64(least))%int64(s.usable-4))
	if n > most {
		return least
	}
	return n
}

// varint reads SQLite's integer of 1 to 9 bytes; 0 bytes is one that is not whole.
func varint(b []byte) (v uint64, n int) {
	for n < 8 && n < len(b) {
		v = v<<7 | uint64(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
	if len(b) < 9 {
		return 0, 0
	}
	return v<<8 | uint64(b[8]), 9
}
