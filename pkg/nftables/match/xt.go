package match

import "encoding/binary"

// numbers of a struct of xtables are the machine's own.
func u16(b []byte, at int) uint16 {
	if at+2 > len(b) {
		return 0
	}
	return binary.NativeEndian.Uint16(b[at:])
}

func u32(b []byte, at int) uint32 {
	if at+4 > len(b) {
		return 0
	}
	return binary.NativeEndian.Uint32(b[at:])
}

func u8(b []byte, at int) byte {
	if at >= len(b) {
		return 0
	}
	return b[at]
}

// Packet is what matches ask of a packet.
type Packet struct {
	TCP        bool
	Transport  Field  // its header
	State      uint32 // of its connection: bits as nf_conntrack_common.h numbers them
	Mark       uint32
	MarkKnown  bool
	Translated bool // its destination was changed
	Stray      bool // its source is not where its interface leads
	Local      bool // it is for this host
}

// XT answers for a match of xtables, by its name, revision and struct.
func (m *Packet) XT(name string, revision uint32, info []byte) Tri {
	switch name {
	case "comment", "limit":
		return Yes
	case "tcp", "udp":
		return m.xtPortRanges(info)
	case "multiport":
		return m.xtMultiport(info)
	case "conntrack":
		return m.xtConntrack(info, revision)
	case "state":
		return Is(u32(info, 0)&m.State != 0)
	case "addrtype":
		return m.xtAddrtype(info, revision)
	case "mark":
		if !m.MarkKnown {
			return Maybe
		}
		return Is(m.Mark&u32(info, 4) == u32(info, 0)).Not(u8(info, 8) != 0)
	case "pkttype":
		return Is(u32(info, 0) == 0).Not(u32(info, 4) != 0) // PACKET_HOST
	case "hashlimit":
		return xtHashlimit(info, revision)
	case "recent":
		const set = 2 // XT_RECENT_SET; the others ask who came before
		return Is(u8(info, 8)&set != 0).Not(u8(info, 9) != 0)
	case "rpfilter":
		const invert = 1 << 3
		return Is(!m.Stray).Not(u8(info, 0)&invert != 0)
	case "icmp", "icmp6":
		return m.xtICMP(info)
	case "rt", "frag", "hbh", "dst", "ah", "esp", "mh": // headers that the packet does not have
		return No
	}
	return Maybe
}

func in(n, from, to uint16) bool { return n >= from && n <= to }

// xtPortRanges: struct xt_tcp and xt_udp begin alike, and end with flags that turn
// round the one and the other. What else xt_tcp compares may match or not.
func (m *Packet) xtPortRanges(info []byte) Tri {
	const sourceFlag, destinationFlag = 1, 2
	flags := u8(info, 8)
	if m.TCP { // xt_tcp: option, two masks, flags
		flags = u8(info, 11)
	}
	source, destination := m.ports()
	first := between(source, u16(info, 0), u16(info, 2)).Not(flags&sourceFlag != 0)
	second := between(destination, u16(info, 4), u16(info, 6)).Not(flags&destinationFlag != 0)
	third := Yes
	if m.TCP {
		third = m.tcpFlags(u8(info, 9), u8(info, 10), flags)
		if u8(info, 8) != 0 { // an option
			third = Both(third, Maybe)
		}
	}
	return Both(Both(first, second), third)
}

func (m *Packet) tcpFlags(mask, want, flags byte) Tri {
	const flagsFlag = 4
	have := m.Transport.Part(13, 1)
	return Field{[]byte{have.Bytes[0] & mask}, []byte{have.Mask[0] | ^mask}}.Equals([]byte{want}).Not(flags&flagsFlag != 0)
}

// ports returns both ports, as fields since they need not be known.
func (m *Packet) ports() (source, destination Field) {
	return m.Transport.Part(0, 2), m.Transport.Part(2, 2)
}

func between(port Field, from, to uint16) Tri {
	switch {
	case from == 0 && to == 0xffff:
		return Yes
	case !port.Whole():
		return Maybe
	}
	return Is(in(binary.BigEndian.Uint16(port.Bytes), from, to))
}

// xtMultiport: struct xt_multiport_v1.
func (m *Packet) xtMultiport(info []byte) Tri {
	const most, fromSource, fromBoth = 15, 0, 2
	if len(info) < 2+2*most+most+1 {
		return Maybe
	}
	source, destination := m.ports()
	match := func(port Field) Tri {
		out := No
		for i := 0; i < int(info[1]) && i < most; i++ {
			from := u16(info, 2+2*i)
			to := from
			if info[2+2*most+i] != 0 && i+1 < most { // a range
				i++
				to = u16(info, 2+2*i)
			}
			switch between(port, from, to) {
			case Yes:
				return Yes
			case Maybe:
				out = Maybe
			case No:
			}
		}
		return out
	}
	out := match(destination)
	switch info[0] {
	case fromSource:
		out = match(source)
	case fromBoth:
		out = Both(out.Not(true), match(source).Not(true)).Not(true)
	}
	return out.Not(info[2+2*most+most] != 0)
}

// xtConntrack: struct xt_conntrack_mtinfo2 and 3, of which only the state is
// understood.
func (m *Packet) xtConntrack(info []byte, revision uint32) Tri {
	const matchFlags, invertFlags, stateMask = 146, 148, 150
	const byState, dstNAT = 1, 1 << 7
	if revision < 2 || len(info) < stateMask+2 {
		return Maybe
	}
	state := m.State
	if m.Translated {
		state |= dstNAT
	}
	match := Is(uint32(u16(info, stateMask))&state != 0).Not(u16(info, invertFlags)&byState != 0)
	switch u16(info, matchFlags) {
	case byState:
		return match
	case 0:
		return Yes
	}
	if u16(info, matchFlags)&byState != 0 && match == No {
		return No
	}
	return Maybe
}

// xtAddrtype: struct xt_addrtype_info_v1, and of revision 0. The masks hold a bit for
// each RTN_* number.
func (m *Packet) xtAddrtype(info []byte, revision uint32) Tri {
	const unicast, local = 1 << 1, 1 << 2
	source, destination := uint16(unicast), uint16(unicast)
	if m.Local {
		destination = local
	}
	flags := u32(info, 4)
	notSource, notDestination := flags&1 != 0, flags&2 != 0
	if revision == 0 {
		notSource, notDestination = u32(info, 4) != 0, u32(info, 8) != 0
	}
	out := Yes
	if mask := u16(info, 0); mask != 0 {
		first := Is(mask&source != 0).Not(notSource)
		if m.Stray {
			first = Maybe
		}
		out = Both(out, first)
	}
	if mask := u16(info, 2); mask != 0 {
		out = Both(out, Is(mask&destination != 0).Not(notDestination))
	}
	return out
}

// xtHashlimit: what holds for those above a limit does not for the first packet.
func xtHashlimit(info []byte, revision uint32) Tri {
	const invert = 1 << 4 // XT_HASHLIMIT_INVERT
	switch revision {
	case 1, 2:
		at := 16 // after the name
		if revision == 2 {
			at += 16 // two numbers come first
		}
		return Is(u32(info, at)&invert == 0)
	case 3:
		return Is(u32(info, 256+16)&invert == 0)
	}
	return Maybe
}

// xtICMP: struct ipt_icmp and ip6t_icmp.
func (m *Packet) xtICMP(info []byte) Tri {
	const every, invert = 0xff, 1
	kind := m.Transport.Part(0, 1)
	if u8(info, 0) == every {
		return Yes
	}
	return kind.Equals([]byte{u8(info, 0)}).Not(u8(info, 3)&invert != 0)
}

// Destination reads what DNAT and REDIRECT change the destination to: struct
// nf_nat_range and nf_nat_range2, or, of IPv4 in revision 0,
// nf_nat_ipv4_multi_range_compat. Either is nil where it stays as it is.
func Destination(info []byte, revision uint32, six bool) (address, port []byte) {
	const mapAddress, mapPort = 1, 2
	flagsAt, addressAt, portAt, width := 0, 4, 4+32, 4
	if six {
		width = 16
	} else if revision == 0 {
		flagsAt, addressAt, portAt = 4, 8, 16
	}
	flags := u32(info, flagsAt)
	if flags&mapAddress != 0 && addressAt+width <= len(info) {
		address = info[addressAt : addressAt+width]
	}
	if flags&mapPort != 0 && portAt+2 <= len(info) {
		port = info[portAt : portAt+2]
	}
	return address, port
}
