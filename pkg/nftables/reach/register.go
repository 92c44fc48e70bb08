package reach

import "bytes"

// tri is whether something matches.
type tri uint8

const (
	no tri = iota
	yes
	maybe
)

func is(b bool) tri {
	if b {
		return yes
	}
	return no
}

// not is the answer to the opposite.
func (t tri) not(invert bool) tri {
	if !invert || t == maybe {
		return t
	}
	return yes - t
}

// field is bytes, and of each bit whether it is known.
type field struct{ bytes, mask []byte }

func newField(n int) field { return field{make([]byte, n), make([]byte, n)} }

// put writes bytes that are known.
func (f field) put(at int, b ...byte) {
	for i := range b {
		if at+i < len(f.bytes) {
			f.bytes[at+i], f.mask[at+i] = b[i], 0xff
		}
	}
}

func known(b ...byte) field {
	return field{b, bytes.Repeat([]byte{0xff}, len(b))}
}

// part returns n bytes, unknown ones where there are none.
func (f field) part(at, n int) field {
	out := newField(n)
	if at >= 0 && at < len(f.bytes) {
		copy(out.bytes, f.bytes[at:])
		copy(out.mask, f.mask[at:])
	}
	return out
}

// whole reports whether every bit is known.
func (f field) whole() bool {
	for _, m := range f.mask {
		if m != 0xff {
			return false
		}
	}
	return true
}

// equals compares with b, which is not longer.
func (f field) equals(b []byte) tri {
	out := yes
	for i := range b {
		if i >= len(f.bytes) {
			return maybe
		}
		switch m := f.mask[i]; {
		case (f.bytes[i]^b[i])&m != 0:
			return no
		case m != 0xff:
			out = maybe
		}
	}
	return out
}

// registers are those of the kernel's machine: sixteen of four bytes.
type registers struct{ bytes, mask [64]byte }

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

// store fills a register. The rest of its last four bytes is zero.
func (r *registers) store(reg uint32, f field) {
	at, ok := place(reg)
	if !ok {
		return
	}
	for i := range (len(f.bytes) + 3) &^ 3 {
		if at+i >= len(r.bytes) {
			return
		}
		if i < len(f.bytes) {
			r.bytes[at+i], r.mask[at+i] = f.bytes[i], f.mask[i]
		} else {
			r.bytes[at+i], r.mask[at+i] = 0, 0xff
		}
	}
}

// load returns n bytes of a register. They are the register's own.
func (r *registers) load(reg uint32, n int) field {
	at, ok := place(reg)
	if !ok || n < 0 || at+n > len(r.bytes) {
		return newField(min(max(n, 0), len(r.bytes)))
	}
	return field{r.bytes[at : at+n], r.mask[at : at+n]}
}
