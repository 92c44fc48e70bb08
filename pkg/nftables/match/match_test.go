package match

import (
	"encoding/binary"
	"slices"
	"testing"
)

func TestTri(t *testing.T) {
	if Yes.Not(true) != No || No.Not(true) != Yes || Maybe.Not(true) != Maybe || Yes.Not(false) != Yes || Is(true) != Yes || Is(false) != No {
		t.Error("not")
	}
	for _, tt := range [][3]Tri{{Yes, Yes, Yes}, {Yes, No, No}, {Maybe, No, No}, {Maybe, Yes, Maybe}, {Maybe, Maybe, Maybe}} {
		if Both(tt[0], tt[1]) != tt[2] || Both(tt[1], tt[0]) != tt[2] {
			t.Errorf("both of %v", tt)
		}
	}
}

func TestField(t *testing.T) {
	f := NewField(4)
	f.Put(1, 0x12, 0x34)
	f.Put(9, 1)
	for want, b := range map[Tri][]byte{Maybe: {7, 0x12, 0x34}, No: {7, 0x13}} {
		if got := f.Equals(b); got != want {
			t.Errorf("%v: got %v", b, got)
		}
	}
	if p := f.Part(1, 2); p.Equals([]byte{0x12, 0x34}) != Yes || !p.Whole() || f.Whole() {
		t.Errorf("got %+v", p)
	}
	if p := f.Part(3, 2); p.Whole() || len(p.Bytes) != 2 {
		t.Errorf("got %+v", p)
	}
	if Known(1).Equals([]byte{1, 2}) != Maybe {
		t.Error("what is longer is not known")
	}
}

// half is a field of which the first byte is known and the others are not.
func half(b byte, n int) Field {
	f := NewField(n)
	f.Put(0, b)
	return f
}

// TestMask: what a mask takes away is known, whatever it was.
func TestMask(t *testing.T) {
	in := half(0x6f, 2)
	if out := in.Masked([]byte{0x0f, 0}, []byte{0xf0, 7, 9}); !out.Whole() || out.Equals([]byte{0xff, 7}) != Yes {
		t.Errorf("got %+v", out)
	}
	if out := in.Masked([]byte{0xff, 0x01}, []byte{0, 0}); out.Whole() || out.Equals([]byte{0x6f, 2}) != No || out.Equals([]byte{0x6f, 1}) != Maybe {
		t.Errorf("got %+v", out)
	}
}

func TestSwap(t *testing.T) {
	in := Known(1, 2, 3, 4, 5)
	for size, want := range map[int][]byte{0: {1, 2, 3, 4, 5}, 1: {1, 2, 3, 4, 5}, 2: {2, 1, 4, 3, 5}, 3: {1, 2, 3, 4, 5}, 4: {4, 3, 2, 1, 5}, 8: {1, 2, 3, 4, 5}} {
		if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
			want = in.Bytes
		}
		if out := in.Swapped(size); !slices.Equal(out.Bytes, want) || !out.Whole() {
			t.Errorf("numbers of %d bytes: got %v", size, out.Bytes)
		}
	}
	if out := half(1, 2).Swapped(2); out.Mask[0] != 0 || out.Mask[1] != 0xff {
		t.Errorf("what is known does not move along: %+v", out)
	}
}

func TestRegisters(t *testing.T) {
	var r Registers
	r.Store(1, Known(1, 2, 3))
	r.Store(9, Known(9)) // within the first of sixteen bytes
	if got := r.Load(1, 8); got.Equals([]byte{1, 2, 3, 0, 9, 0, 0, 0}) != Yes {
		t.Errorf("got %+v", got)
	}
	r.Store(23, Known(make([]byte, 20)...)) // beyond the end
	r.Store(0, Known(1))
	r.Store(24, Known(1))
	for _, reg := range []uint32{0, 5, 24, 23} {
		if got := r.Load(reg, 8); len(got.Bytes) != 8 || got.Whole() {
			t.Errorf("%d: got %+v", reg, got)
		}
	}
	if got := r.Load(1, 1000); len(got.Bytes) > 64 {
		t.Errorf("got %d bytes", len(got.Bytes))
	}
}

// packet is a TCP segment from 40000 to a port.
func packet(port uint16) *Packet {
	p := &Packet{TCP: true, Transport: NewField(20), State: 8, MarkKnown: true, Local: true}
	p.Transport.Put(0, 0x9c, 0x40, byte(port>>8), byte(port))
	p.Transport.Put(13, 2) // SYN
	return p
}

// words writes numbers of two bytes as a struct has them.
func words(list ...uint16) []byte {
	var b []byte
	for _, n := range list {
		b = binary.NativeEndian.AppendUint16(b, n)
	}
	return b
}

func TestXT(t *testing.T) {
	tcp := func(from, to uint16, tail ...byte) []byte { return append(words(0, 65535, from, to), tail...) }
	multi := func(flags, count byte, invert byte, ports ...uint16) []byte {
		b := append([]byte{flags, count}, words(append(ports, make([]uint16, 15-len(ports))...)...)...)
		return append(append(b, make([]byte, 15)...), invert)
	}
	ranged := multi(1, 3, 0, 10, 20, 30)
	ranged[32] = 1
	conntrack := func(match, invert, state uint16) []byte {
		return append(make([]byte, 146), words(match, invert, state, 0)...)
	}
	hash := func(mode uint32) []byte { return binary.NativeEndian.AppendUint32(make([]byte, 272), mode) }
	word := func(n ...uint32) []byte {
		var b []byte
		for _, v := range n {
			b = binary.NativeEndian.AppendUint32(b, v)
		}
		return b
	}
	for _, tt := range []struct {
		name     string
		revision uint32
		info     []byte
		port     uint16
		want     Tri
	}{
		{"tcp", 0, tcp(20, 25, 0, 0, 0, 0), 22, Yes}, {"tcp", 0, tcp(20, 25, 0, 0, 0, 2), 22, No}, {"tcp", 0, tcp(20, 25, 0, 0, 0, 0), 26, No},
		{"tcp", 0, tcp(0, 65535, 0, 0x17, 0x02, 0), 22, Yes}, // SYN alone
		{"tcp", 0, tcp(0, 65535, 0, 0x17, 0x01, 0), 22, No}, {"tcp", 0, tcp(0, 65535, 5, 0, 0, 0), 22, Maybe}, {"tcp", 0, tcp(9, 9, 5, 0, 0, 0), 22, No},
		{"multiport", 1, multi(1, 2, 0, 22, 80), 80, Yes}, {"multiport", 1, multi(1, 2, 0, 22, 80), 81, No}, {"multiport", 1, multi(1, 2, 1, 22, 80), 81, Yes},
		{"multiport", 1, multi(0, 1, 0, 40000), 80, Yes}, {"multiport", 1, multi(2, 1, 0, 80), 80, Yes}, {"multiport", 1, multi(2, 1, 0, 80), 81, No},
		{"multiport", 1, ranged, 15, Yes}, {"multiport", 1, ranged, 25, No}, {"multiport", 1, ranged, 30, Yes}, {"multiport", 1, []byte{1}, 30, Maybe},
		{"conntrack", 3, conntrack(1, 0, 8), 1, Yes}, {"conntrack", 3, conntrack(1, 0, 6), 1, No}, {"conntrack", 3, conntrack(1, 1, 6), 1, Yes},
		{"conntrack", 3, conntrack(3, 0, 6), 1, No}, {"conntrack", 3, conntrack(3, 0, 8), 1, Maybe}, {"conntrack", 1, conntrack(1, 0, 8), 1, Maybe}, {"conntrack", 3, conntrack(0, 0, 0), 1, Yes},
		{"state", 0, word(8), 1, Yes}, {"state", 0, word(6), 1, No}, {"comment", 0, nil, 1, Yes}, {"limit", 0, nil, 1, Yes}, {"rt", 0, nil, 1, No}, {"nothing", 0, nil, 1, Maybe},
		{"addrtype", 1, append(words(0, 4), word(0)...), 1, Yes}, {"addrtype", 1, append(words(0, 4), word(2)...), 1, No}, {"addrtype", 1, append(words(0, 32), word(0)...), 1, No},
		{"addrtype", 0, append(words(0, 4), word(0, 1)...), 1, No}, {"addrtype", 1, append(words(4, 0), word(0)...), 1, No},
		{"mark", 1, append(word(1, 1), 0), 1, No}, {"mark", 1, append(word(1, 1), 1), 1, Yes}, {"pkttype", 0, word(0, 0), 1, Yes}, {"pkttype", 0, word(1, 0), 1, No},
		{"hashlimit", 3, hash(0), 1, Yes}, {"hashlimit", 3, hash(16), 1, No}, {"hashlimit", 9, hash(0), 1, Maybe}, {"hashlimit", 1, append(make([]byte, 16), word(16)...), 1, No},
		{"recent", 0, append(word(60, 3), 2, 0), 1, Yes}, {"recent", 0, append(word(60, 3), 4, 0), 1, No}, {"recent", 0, append(word(60, 3), 1, 1), 1, Yes},
		{"rpfilter", 0, []byte{0}, 1, Yes}, {"rpfilter", 0, []byte{8}, 1, No}, {"icmp", 0, []byte{255, 0, 255, 0}, 1, Yes}, {"icmp", 0, []byte{8, 0, 255, 0}, 1, No},
	} {
		if got := packet(tt.port).XT(tt.name, tt.revision, tt.info); got != tt.want {
			t.Errorf("%s %d %v, port %d: got %v, want %v", tt.name, tt.revision, tt.info, tt.port, got, tt.want)
		}
	}
	udp := packet(53)
	udp.TCP = false
	if got := udp.XT("udp", 0, append(words(0, 65535, 53, 53, 2), 0, 0, 0, 0, 0, 0)); got != No {
		t.Errorf("udp, turned round: got %v", got)
	}
	p := packet(1)
	p.MarkKnown, p.Stray = false, true
	if p.XT("mark", 1, append(word(1, 1), 0)) != Maybe || p.XT("rpfilter", 0, []byte{8}) != Yes || p.XT("addrtype", 1, append(words(2, 0), word(0)...)) != Maybe {
		t.Error("what is not known")
	}
}

// FuzzXT: a struct that is cut short, or anything else, has an answer.
func FuzzXT(f *testing.F) {
	for _, name := range []string{"tcp", "multiport", "conntrack", "addrtype", "hashlimit", "recent", "mark"} {
		f.Add(name, uint32(1), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
		f.Add(name, uint32(3), make([]byte, 300))
	}
	f.Fuzz(func(t *testing.T, name string, revision uint32, info []byte) {
		if got := packet(22).XT(name, revision, info); got > Maybe {
			t.Errorf("got %v", got)
		}
	})
}
