package wire

import (
	"cmp"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// lastTime bounds times: 2200-01-01T00:00:00Z.
const lastTime = 7258118400 * int64(time.Second)

// nested is a value that is itself a message, or a list.
type nested interface {
	// read takes one occurrence of the field.
	read(b []byte) error
	// write calls put for each occurrence.
	write(put func([]byte)) error
}

// message is a message that is always there.
type message []field

func (m message) read(b []byte) error { return readFields(b, m) }

func (m message) write(put func([]byte)) error {
	b, err := appendFields(nil, m)
	if err == nil && len(b) > 0 {
		put(b)
	}
	return err
}

// optional is a message that may be absent: a nil pointer.
type optional[T any] struct {
	to     **T
	fields func(*T) []field
}

func (o optional[T]) read(b []byte) error {
	if *o.to == nil {
		*o.to = new(T)
	}
	return readFields(b, o.fields(*o.to))
}

func (o optional[T]) write(put func([]byte)) error {
	if *o.to == nil {
		return nil
	}
	b, err := appendFields(nil, o.fields(*o.to))
	if err == nil {
		put(b)
	}
	return err
}

// list is a repeated message.
type list[T any] struct {
	to     *[]T
	fields func(*T) []field
	max    int
}

func (l list[T]) read(b []byte) error {
	if len(*l.to) >= l.max {
		return broken("more than %d", l.max)
	}
	var v T
	if err := readFields(b, l.fields(&v)); err != nil {
		return err
	}
	*l.to = append(*l.to, v)
	return nil
}

func (l list[T]) write(put func([]byte)) error {
	if len(*l.to) > l.max {
		return broken("more than %d", l.max)
	}
	var b []byte
	for i := range *l.to {
		var err error
		if b, err = appendFields(b[:0], l.fields(&(*l.to)[i])); err != nil {
			return err
		}
		put(b)
	}
	return nil
}

// words is a repeated string.
type words struct {
	to    *[]string
	max   int
	bytes int // of each
}

func (w words) read(b []byte) error {
	if len(*w.to) >= w.max {
		return broken("more than %d", w.max)
	}
	if len(b) > w.bytes {
		return broken("%d bytes, limit %d", len(b), w.bytes)
	}
	s, err := readText(b)
	if err == nil {
		*w.to = append(*w.to, s)
	}
	return err
}

func (w words) write(put func([]byte)) error {
	if len(*w.to) > w.max {
		return broken("more than %d", w.max)
	}
	for _, s := range *w.to {
		if len(s) > w.bytes {
			return broken("%d bytes, limit %d", len(s), w.bytes)
		}
		if err := checkText(s); err != nil {
			return err
		}
		put([]byte(s))
	}
	return nil
}

func checkText(s string) error {
	if len(s) > text.Limit {
		return broken("%d bytes of text, limit %d", len(s), text.Limit)
	}
	if !utf8.ValidString(s) {
		return broken("not valid UTF-8")
	}
	return nil
}

func readText(b []byte) (string, error) {
	if len(b) > text.Limit {
		return "", broken("%d bytes of text, limit %d", len(b), text.Limit)
	}
	if !utf8.Valid(b) {
		return "", broken("not valid UTF-8")
	}
	return string(b), nil
}

// appendFields appends the fields to b. Zero values are left out, as proto3 has it.
func appendFields(b []byte, fields []field) ([]byte, error) {
	for i := range fields {
		f := &fields[i]
		var err error
		if b, err = appendField(b, f); err != nil {
			return nil, in(f.name, err)
		}
	}
	return b, nil
}

func appendField(b []byte, f *field) ([]byte, error) {
	switch v := f.value.(type) {
	case *string:
		if err := checkText(*v); err != nil || *v == "" {
			return b, err
		}
		return protowire.AppendString(protowire.AppendTag(b, f.num, protowire.BytesType), *v), nil
	case *[32]byte:
		return protowire.AppendBytes(protowire.AppendTag(b, f.num, protowire.BytesType), v[:]), nil
	case *float64:
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			return nil, broken("not finite")
		}
		if *v == 0 {
			return b, nil
		}
		return protowire.AppendFixed64(protowire.AppendTag(b, f.num, protowire.Fixed64Type), math.Float64bits(*v)), nil
	case nested:
		err := v.write(func(sub []byte) {
			b = protowire.AppendBytes(protowire.AppendTag(b, f.num, protowire.BytesType), sub)
		})
		return b, err
	}
	n, err := number(f.value)
	if err != nil || n == 0 {
		return b, err
	}
	return protowire.AppendVarint(protowire.AppendTag(b, f.num, protowire.VarintType), n), nil
}

// number returns a value that is encoded as a varint.
func number(value any) (uint64, error) {
	switch v := value.(type) {
	case *uint64:
		return *v, nil
	case *uint32:
		return uint64(*v), nil
	case *int:
		if *v < 0 || *v > math.MaxInt32 {
			return 0, broken("out of range")
		}
		return uint64(*v), nil
	case *bool:
		if *v {
			return 1, nil
		}
		return 0, nil
	case *finding.Status:
		return uint64(*v), checkEnum(uint64(*v), uint64(finding.StatusWaived))
	case *finding.Severity:
		return uint64(*v), checkEnum(uint64(*v), uint64(finding.SeverityCritical))
	case *time.Time:
		return fromTime(*v)
	}
	return 0, broken("no such kind of value")
}

func fromTime(t time.Time) (uint64, error) {
	if t.IsZero() {
		return 0, nil
	}
	if s := t.Unix(); s < 0 || s >= lastTime/int64(time.Second) {
		return 0, broken("time is not within 1970 and 2200")
	}
	return uint64(t.UnixNano()), nil
}

func checkEnum(n, last uint64) error {
	if n > last {
		return broken("%d is not known", n)
	}
	return nil
}

// readFields reads a message into the fields and skips those it does not know.
func readFields(b []byte, fields []field) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return broken("%v", protowire.ParseError(n))
		}
		b = b[n:]
		f := find(fields, num)
		if f == nil {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return broken("%v", protowire.ParseError(n))
			}
			b = b[n:]
			continue
		}
		n, err := readField(b, typ, f)
		if err != nil {
			return in(f.name, err)
		}
		b = b[n:]
	}
	return nil
}

// find returns the field with the number; the tables are in order, most without holes.
func find(fields []field, num protowire.Number) *field {
	i := int(num) - 1
	if i >= len(fields) || fields[i].num != num {
		i, _ = slices.BinarySearchFunc(fields, num, func(f field, num protowire.Number) int { return cmp.Compare(f.num, num) })
	}
	if i < len(fields) && fields[i].num == num {
		return &fields[i]
	}
	return nil
}

// readField reads one value and returns its length in b.
func readField(b []byte, typ protowire.Type, f *field) (int, error) {
	switch v := f.value.(type) {
	case *string, *[32]byte, nested:
		if typ != protowire.BytesType {
			return 0, broken("wrong wire type")
		}
		p, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return 0, broken("%v", protowire.ParseError(n))
		}
		return n, readBytes(p, v)
	case *float64:
		if typ != protowire.Fixed64Type {
			return 0, broken("wrong wire type")
		}
		bits, n := protowire.ConsumeFixed64(b)
		if n < 0 {
			return 0, broken("%v", protowire.ParseError(n))
		}
		if *v = math.Float64frombits(bits); math.IsNaN(*v) || math.IsInf(*v, 0) {
			return 0, broken("not finite")
		}
		return n, nil
	}
	if typ != protowire.VarintType {
		return 0, broken("wrong wire type")
	}
	u, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return 0, broken("%v", protowire.ParseError(n))
	}
	return n, setNumber(f.value, u)
}

func readBytes(p []byte, value any) (err error) {
	switch v := value.(type) {
	case *string:
		*v, err = readText(p)
	case *[32]byte:
		if len(p) != len(v) {
			return broken("%d bytes, want %d", len(p), len(v))
		}
		copy(v[:], p)
	case nested:
		return v.read(p)
	}
	return err
}

func setNumber(value any, u uint64) error {
	switch v := value.(type) {
	case *uint64:
		*v = u
	case *uint32:
		*v = uint32(u)
		return inRange(u, math.MaxUint32)
	case *int:
		*v = int(u)
		return inRange(u, math.MaxInt32)
	case *bool:
		*v = u != 0
		return inRange(u, 1)
	case *finding.Status:
		*v = finding.Status(u)
		return checkEnum(u, uint64(finding.StatusWaived))
	case *finding.Severity:
		*v = finding.Severity(u)
		return checkEnum(u, uint64(finding.SeverityCritical))
	case *time.Time:
		if u >= uint64(lastTime) {
			return broken("time is not within 1970 and 2200")
		}
		if *v = (time.Time{}); u > 0 {
			*v = time.Unix(0, int64(u)).UTC()
		}
	}
	return nil
}

func inRange(u, last uint64) error {
	if u > last {
		return broken("out of range")
	}
	return nil
}
