package exposure

import "encoding/binary"

// What the kernel writes as numbers of its own.

func native16(b []byte) uint16 { return binary.NativeEndian.Uint16(b) }

func native32(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }

func putBig32(b []byte, n uint32) { binary.BigEndian.PutUint32(b, n) }
