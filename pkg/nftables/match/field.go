package match

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Tri is whether something matches.
type Tri uint8

// The answers.
const (
	No Tri = iota
	Yes
	Maybe
)

// Is is the answer to a question that has two.
func Is(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// Not is the answer to the opposite.
func (t Tri) Not(invert bool) Tri {
	if !invert || t == Maybe {
		return t
	}
	return Yes - t
}

// Field is bytes, and of each bit whether it is known.
type Field struct{ Bytes, Mask []byte }

// NewField returns n bytes of which nothing is known.
func NewField(n int) Field { return Field{make([]byte, n), make([]byte, n)} }

// Put writes bytes that are known.
func (f Field) Put(at int, b ...byte) {
	for i := range b {
		if at+i < len(f.Bytes) {
			f.Bytes[at+i], f.Mask[at+i] = b[i], 0xff
		}
	}
}

// Known returns bytes that are known.
func Known(b ...byte) Field {
	return Field{b, bytes.Repeat([]byte{0xff}, len(b))}
}

// Part returns n bytes, unknown ones where there are none.
func (f Field) Part(at, n int) Field {
	out := NewField(n)
	if at >= 0 && at < len(f.Bytes) {
		copy(out.Bytes, f.Bytes[at:])
		copy(out.Mask, f.Mask[at:])
	}
	return out
}

// Whole reports whether every bit is known.
func (f Field) Whole() bool {
	for _, m := range f.Mask {
		if m != 0xff {
			return false
		}
	}
	return true
}

// Equals compares with b, which is not longer.
func (f Field) Equals(b []byte) Tri {
	out := Yes
	for i := range b {
		if i >= len(f.Bytes) {
			return Maybe
		}
		switch m := f.Mask[i]; {
		case (f.Bytes[i]^b[i])&m != 0:
			return No
		case m != 0xff:
			out = Maybe
		}
	}
	return out
}

// Masked returns f&mask^xor, as the expression bitwise does; both are as long as f, or
// longer.
func (f Field) Masked(mask, xor []byte) Field {
	out := NewField(len(f.Bytes))
	for i := range f.Bytes {
		out.Bytes[i] = f.Bytes[i]&mask[i] ^ xor[i]
		out.Mask[i] = f.Mask[i] | ^mask[i]
	}
	return out
}

// Swapped turns numbers of size bytes round, as the expression byteorder does in both
// directions on a machine whose order is not the network's.
func (f Field) Swapped(size int) Field {
	out := NewField(len(f.Bytes))
	copy(out.Bytes, f.Bytes)
	copy(out.Mask, f.Mask)
	if swaps := binary.NativeEndian.Uint16([]byte{1, 0}) == 1; !swaps || bits.OnesCount(uint(size)) != 1 || size == 1 {
		return out
	}
	for i := 0; i+size <= len(out.Bytes); i += size {
		for a, b := i, i+size-1; a < b; a, b = a+1, b-1 {
			out.Bytes[a], out.Bytes[b] = out.Bytes[b], out.Bytes[a]
			out.Mask[a], out.Mask[b] = out.Mask[b], out.Mask[a]
		}
	}
	return out
}

// Registers are those of the kernel's machine: sixteen of four bytes.
type Registers struct{ bytes, mask [64]byte }

// place returns where a register is: 1 to 4 have sixteen bytes, 8 to 23 four.
func place(reg uint32) (int, bool) {
	switch {
	case reg >= 1 && reg <= 4:
		return int(reg-1) * 16, true
	case reg >= 8 && reg <= 23:
		return int(reg-8) * 4, true
	}
	return 0, false
}

// Store fills a register. The rest of its last four bytes is zero.
func (r *Registers) Store(reg uint32, f Field) {
	at, ok := place(reg)
	if !ok {
		return
	}
	for i := range (len(f.Bytes) + 3) &^ 3 {
		if at+i >= len(r.bytes) {
			return
		}
		if i < len(f.Bytes) {
			r.bytes[at+i], r.mask[at+i] = f.Bytes[i], f.Mask[i]
		} else {
			r.bytes[at+i], r.mask[at+i] = 0, 0xff
		}
	}
}

// Load returns n bytes of a register. They are the register's own.
func (r *Registers) Load(reg uint32, n int) Field {
	at, ok := place(reg)
	if !ok || n < 0 || at+n > len(r.bytes) {
		return NewField(min(max(n, 0), len(r.bytes)))
	}
	return Field{r.bytes[at : at+n], r.mask[at : at+n]}
}

// Both is the answer to two questions at once.
func Both(a, b Tri) Tri {
	switch {
	case a == No || b == No:
		return No
	case a == Yes && b == Yes:
		return Yes
	}
	return Maybe
}
