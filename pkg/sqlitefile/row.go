package sqlitefile

import (
	"encoding/binary"
	"fmt"
	"math"
)

// MaxValue bounds what Text and Blob take into memory.
const MaxValue = 16 << 20

const (
	rowNumber    = -1
	maxRowHeader = 9 * (maxColumns + 1)
)

// Row is a row during its call. Its columns are counted as they were asked for.
// What it gives is valid until the call returns; an error in reading it makes Scan
// return that error after the call.
type Row struct{ r *record }

// record is a row in its encoded form.
type record struct {
	file    *File
	rowid   int64
	local   []byte // what the leaf holds of it
	size    int64  // of all of it
	first   uint32 // overflow page
	current uint32 // overflow page that was looked at last
	at      int64  // which of the row's bytes is the first there
	mark    uint32 // a page of the chain that was passed
	steps   int64  // pages passed
	err     error

	asked  []field // columns in the order asked for
	most   int     // the highest of their numbers
	fields []field // of the columns up to most
	header []byte  // where it reaches out of the leaf
	word   [8]byte
	next   [4]byte
}

// field is a column's place in the record.
type field struct {
	column int
	kind   uint64 // serial type; 0 is NULL
	at     int64
	value  []byte // memory for one that has to be copied
}

// ask adds a column to those wanted.
func (r *record) ask(column int) {
	r.asked = append(r.asked, field{column: column})
	r.most = max(r.most, column)
}

// parse finds the columns asked for.
func (r *record) parse() error {
	b := r.local
	size, n := varint(b)
	if n == 0 || size < uint64(n) || size > maxRowHeader || int64(size) > r.size {
		return fmt.Errorf("%w: header of row %d", ErrDamaged, r.rowid)
	}
	if size > uint64(len(b)) {
		if cap(r.header) < int(size) {
			r.header = make([]byte, size)
		}
		b = r.header[:size]
		if err := r.readAt(b, 0); err != nil {
			return err
		}
	}
	b = b[n:size]
	at := int64(size)
	r.fields = r.fields[:0]
	for len(b) > 0 && len(r.fields) <= r.most {
		kind, n := varint(b)
		long, ok := length(kind)
		if n == 0 || !ok || at+long > r.size {
			return fmt.Errorf("%w: column %d of row %d", ErrDamaged, len(r.fields), r.rowid)
		}
		r.fields = append(r.fields, field{kind: kind, at: at})
		at += long
		b = b[n:]
	}
	r.place()
	return nil
}

// place says where the columns asked for are; one that the row does not have is NULL.
func (r *record) place() {
	for i := range r.asked {
		f := &r.asked[i]
		f.kind = 0
		if f.column >= 0 && f.column < len(r.fields) {
			f.kind, f.at = r.fields[f.column].kind, r.fields[f.column].at
		}
	}
}

// length is how many bytes a value of a serial type takes.
func length(kind uint64) (int64, bool) {
	switch {
	case kind >= math.MaxInt64:
		return 0, false
	case kind >= 12:
		return int64(kind-12) / 2, true
	case kind >= 10:
		return 0, false
	}
	return int64([...]int8{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}[kind]), true
}

// Int returns column i as an integer: 0 for NULL, text and blobs, the whole part
// of a real number.
func (row Row) Int(i int) int64 {
	r, f := row.r, &row.r.asked[i]
	if f.column == rowNumber {
		return r.rowid
	}
	switch {
	case f.kind == 9:
		return 1
	case f.kind == 0 || f.kind >= 8:
		return 0
	}
	n, _ := length(f.kind)
	b := r.word[:n]
	if r.err == nil {
		r.err = r.readAt(b, f.at)
	}
	if r.err != nil {
		return 0
	}
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	if f.kind == 7 {
		return whole(math.Float64frombits(uint64(v)))
	}
	return v
}

// whole is the whole part of v, or the integer nearest to it.
func whole(v float64) int64 {
	switch {
	case v >= math.MaxInt64:
		return math.MaxInt64
	case v <= math.MinInt64:
		return math.MinInt64
	case v != v:
		return 0
	}
	return int64(v)
}

// Text returns the bytes of column i, text or blob; nil for NULL and numbers.
func (row Row) Text(i int) []byte {
	r, f := row.r, &row.r.asked[i]
	if f.kind < 12 || r.err != nil {
		return nil
	}
	n, _ := length(f.kind)
	if end := f.at + n; end <= int64(len(r.local)) {
		return r.local[f.at:end:end]
	}
	if n > MaxValue {
		r.err = fmt.Errorf("%w: value of %d bytes in row %d", ErrUnsupported, n, r.rowid)
		return nil
	}
	if int64(cap(f.value)) < n {
		f.value = make([]byte, n)
	}
	if r.err = r.readAt(f.value[:n], f.at); r.err != nil {
		return nil
	}
	return f.value[:n]
}

// Blob is Text by the name that fits blobs.
func (row Row) Blob(i int) []byte { return row.Text(i) }

// Size is how many bytes the text or blob in column i has.
func (row Row) Size(i int) int64 {
	f := &row.r.asked[i]
	if f.kind < 12 {
		return 0
	}
	n, _ := length(f.kind)
	return n
}

// ReadAt fills p with the bytes from off on of the text or blob in column i, of
// which no more is read than that and the way there: values of several pages are
// chains, so offsets should ascend.
func (row Row) ReadAt(i int, p []byte, off int64) error {
	r := row.r
	if off < 0 || off > row.Size(i)-int64(len(p)) {
		return fmt.Errorf("%w: row %d has no %d bytes from %d on", ErrDamaged, r.rowid, len(p), off)
	}
	if r.err == nil {
		r.err = r.readAt(p, r.asked[i].at+off)
	}
	return r.err
}

// readAt fills p from the row's bytes.
func (r *record) readAt(p []byte, off int64) error {
	if off < int64(len(r.local)) {
		n := copy(p, r.local[off:])
		p, off = p[n:], off+int64(n)
	}
	for len(p) > 0 {
		if err := r.seek(off); err != nil {
			return err
		}
		in := int(off - r.at)
		n := min(len(p), r.file.usable-4-in)
		if err := r.file.read(p[:n], r.current, 4+in); err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// seek goes along the chain of overflow pages to the one with byte off. A chain with
// a cycle would give wrong bytes, over and over again from a small file: the page
// that stands at each power of two may not come again.
func (r *record) seek(off int64) error {
	if r.current == 0 || off < r.at {
		r.current, r.at = r.first, int64(len(r.local))
		r.mark, r.steps = r.first, 0
	}
	for step := int64(r.file.usable - 4); off >= r.at+step; r.at += step {
		if err := r.file.read(r.next[:], r.current, 0); err != nil {
			return err
		}
		r.current = binary.BigEndian.Uint32(r.next[:])
		if r.current == r.mark {
			return fmt.Errorf("%w: overflow page %d of row %d is in a cycle", ErrDamaged, r.current, r.rowid)
		}
		if r.steps++; r.steps&(r.steps-1) == 0 {
			r.mark = r.current
		}
	}
	return nil
}
