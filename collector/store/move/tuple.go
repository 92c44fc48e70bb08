package move

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is the type of a column.
type kind int

const (
	integers kind = iota + 1
	texts
	blobs
)

const (
	// head opens a table: the format's signature, no flags, no extension.
	head = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	// tail stands where the next row's number of columns would.
	tail = "\xff\xff"
	// maxField bounds a value. What hosts send is far below it.
	maxField = 64 << 20
)

// errForm is wrapped by what is wrong with the form of a table.
var errForm = errors.New("not a table in the binary form")

// encoder writes rows. What it could not write is told by its last call.
type encoder struct {
	w       *bufio.Writer
	columns []column
	salt    []byte
	row     []byte
	mended  int64 // rows whose text was not UTF-8 or had a NUL
}

// encode writes a row as the driver of SQLite gives it.
func (e *encoder) encode(values []any) error {
	e.row = binary.BigEndian.AppendUint16(e.row[:0], uint16(len(values)))
	mended := false
	for i, v := range values {
		c := &e.columns[i]
		switch x := v.(type) {
		case nil:
			e.row = append(e.row, 0xff, 0xff, 0xff, 0xff)
			continue
		case int64:
			if c.kind == integers {
				e.row = binary.BigEndian.AppendUint32(e.row, 8)
				e.row = binary.BigEndian.AppendUint64(e.row, uint64(x))
				continue
			}
		case string:
			if clean := mend(x); c.kind == texts && clean != x {
				if c.key > 0 {
					clean += e.apart(x)
				}
				x, mended = clean, true
			}
			if c.kind != integers {
				e.row = binary.BigEndian.AppendUint32(e.row, uint32(len(x)))
				e.row = append(e.row, x...)
				continue
			}
		case []byte:
			if c.kind == blobs {
				e.row = binary.BigEndian.AppendUint32(e.row, uint32(len(x)))
				e.row = append(e.row, x...)
				continue
			}
		}
		return fmt.Errorf("column %s holds a %T", c.name, v)
	}
	if mended {
		e.mended++
	}
	_, err := e.w.Write(e.row)
	return err
}

// apart is what keeps the altered text of a key apart from others.
func (e *encoder) apart(text string) string {
	sum := sha256.Sum256(append(slices.Clip(e.salt), text...))
	return fmt.Sprintf("\uFFFD%x", sum[:8])
}

// mend makes text what PostgreSQL takes.
func mend(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// decode calls row with each row of a table. The values are row's only until it returns.
func decode(from io.Reader, columns []column, row func([]any) error) (rows int64, err error) {
	r := bufio.NewReaderSize(from, chunk)
	begin := make([]byte, len(head))
	if _, err := io.ReadFull(r, begin); err != nil || string(begin) != head {
		return 0, errors.Join(errForm, err)
	}
	values := make([]any, len(columns))
	var field bytes.Buffer
	for ; ; rows++ {
		var n uint16
		if err := number(r, &n); err != nil {
			return rows, err
		}
		if n == 0xffff {
			return rows, end(r)
		}
		if int(n) != len(columns) {
			return rows, fmt.Errorf("row %d has %d columns: %w", rows+1, n, errForm)
		}
		for i := range columns {
			if values[i], err = value(r, columns[i].kind, &field); err != nil {
				return rows, fmt.Errorf("row %d, column %s: %w", rows+1, columns[i].name, err)
			}
		}
		if err := row(values); err != nil {
			return rows, err
		}
	}
}

// value reads one value.
func value(r io.Reader, k kind, field *bytes.Buffer) (any, error) {
	var size uint32
	if err := number(r, &size); err != nil {
		return nil, err
	}
	if size == 0xffffffff {
		return nil, nil
	}
	if size > maxField {
		return nil, fmt.Errorf("a value of %d bytes: %w", size, errForm)
	}
	field.Reset()
	if _, err := io.CopyN(field, r, int64(size)); err != nil {
		return nil, fmt.Errorf("%w: %w", errForm, err)
	}
	switch {
	case k == integers && size == 8:
		return int64(binary.BigEndian.Uint64(field.Bytes())), nil
	case k == texts && utf8.Valid(field.Bytes()) && bytes.IndexByte(field.Bytes(), 0) < 0:
		return field.String(), nil
	case k == blobs:
		return append([]byte{}, field.Bytes()...), nil // not nil, which is no value
	}
	return nil, fmt.Errorf("%d bytes that are not its type: %w", size, errForm)
}

// number reads an integer into to.
func number[T uint16 | uint32](r io.Reader, to *T) error {
	if err := binary.Read(r, binary.BigEndian, to); err != nil {
		return fmt.Errorf("%w: %w", errForm, err)
	}
	return nil
}

// end reports whether nothing follows.
func end(r *bufio.Reader) error {
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("more after the end: %w", errForm), err)
	}
	return nil
}
