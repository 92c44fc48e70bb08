package nftables

import (
	"bytes"
	"encoding/binary"
	"iter"

	"golang.org/x/sys/unix"
)

// Attributes goes over the attributes in data, in their order: type and value. What
// is cut short ends it.
func Attributes(data []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(data) >= unix.SizeofNlAttr {
			n := int(binary.NativeEndian.Uint16(data))
			if n < unix.SizeofNlAttr || n > len(data) {
				return
			}
			kind := binary.NativeEndian.Uint16(data[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if !yield(kind, data[unix.SizeofNlAttr:n]) {
				return
			}
			data = data[min((n+3)&^3, len(data)):]
		}
	}
}

// Attribute returns the value of the first attribute of a type, nil where there is
// none.
func Attribute(data []byte, kind uint16) []byte {
	for k, v := range Attributes(data) {
		if k == kind {
			return v
		}
	}
	return nil
}

// Number returns a big-endian number of four bytes or eight, the lower half of it;
// ok is false where there is none.
func Number(data []byte, kind uint16) (n uint32, ok bool) {
	switch v := Attribute(data, kind); len(v) {
	case 4:
		return binary.BigEndian.Uint32(v), true
	case 8:
		return binary.BigEndian.Uint32(v[4:]), true
	}
	return 0, false
}

// Text returns a string that may end with a zero byte.
func Text(data []byte, kind uint16) string { return word(Attribute(data, kind)) }

func word(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// Value returns the bytes of an attribute that is a value (NFTA_DATA_VALUE), nil where
// it is none.
func Value(data []byte, kind uint16) []byte {
	return Attribute(Attribute(data, kind), unix.NFTA_DATA_VALUE)
}
