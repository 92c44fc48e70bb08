package reach

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
)

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

// xtMatch answers for a match of xtables.
func (m *machine) xtMatch(data []byte) tri {
	info := nftables.Attribute(data, unix.NFTA_MATCH_INFO)
	revision, _ := nftables.Number(data, unix.NFTA_MATCH_REV)
	switch nftables.Text(data, unix.NFTA_MATCH_NAME) {
	case "comment", "limit":
		return yes
	case "tcp", "udp":
		return m.xtPortRanges(info)
	case "multiport":
		return m.xtMultiport(info)
	case "conntrack":
		return m.xtConntrack(info, revision)
	case "state":
		return is(u32(info, 0)&m.state() != 0)
	case "addrtype":
		return m.xtAddrtype(info, revision)
	case "mark":
		if !m.markKnown {
			return maybe
		}
		return is(m.mark&u32(info, 4) == u32(info, 0)).not(u8(info, 8) != 0)
	case "pkttype":
		return is(u32(info, 0) == 0).not(u32(info, 4) != 0) // PACKET_HOST
	case "hashlimit":
		return xtHashlimit(info, revision)
	case "recent":
		const set = 2 // XT_RECENT_SET; the others ask who came before
		return is(u8(info, 8)&set != 0).not(u8(info, 9) != 0)
	case "rpfilter":
		const invert = 1 << 3
		return is(!m.packet.Stray).not(u8(info, 0)&invert != 0)
	case "icmp", "icmp6":
		return m.xtICMP(info)
	}
	return maybe
}

func in(n, from, to uint16) bool { return n >= from && n <= to }

// xtPortRanges: struct xt_tcp and xt_udp begin alike, and end with flags that turn
// round the one and the other. What else xt_tcp compares may match or not.
func (m *machine) xtPortRanges(info []byte) tri {
	const sourceFlag, destinationFlag = 1, 2
	flags := u8(info, 8)
	if len(info) >= 12 { // xt_tcp: option, two masks, flags
		flags = u8(info, 11)
	}
	source, destination := m.ports()
	first := between(source, u16(info, 0), u16(info, 2)).not(flags&sourceFlag != 0)
	second := between(destination, u16(info, 4), u16(info, 6)).not(flags&destinationFlag != 0)
	third := yes
	if len(info) >= 12 && m.packet.Proto == unix.IPPROTO_TCP {
		third = m.tcpFlags(u8(info, 9), u8(info, 10), flags)
		if u8(info, 8) != 0 { // an option
			third = both(third, maybe)
		}
	}
	return both(both(first, second), third)
}

func (m *machine) tcpFlags(mask, want, flags byte) tri {
	const flagsFlag = 4
	have := m.transport.part(13, 1)
	return field{[]byte{have.bytes[0] & mask}, []byte{have.mask[0] | ^mask}}.equals([]byte{want}).not(flags&flagsFlag != 0)
}

func both(a, b tri) tri {
	switch {
	case a == no || b == no:
		return no
	case a == yes && b == yes:
		return yes
	}
	return maybe
}

// ports returns both ports, as fields since they need not be known.
func (m *machine) ports() (source, destination field) {
	return m.transport.part(0, 2), m.transport.part(2, 2)
}

func between(port field, from, to uint16) tri {
	switch {
	case from == 0 && to == 0xffff:
		return yes
	case !port.whole():
		return maybe
	}
	return is(in(binary.BigEndian.Uint16(port.bytes), from, to))
}

// xtMultiport: struct xt_multiport_v1.
func (m *machine) xtMultiport(info []byte) tri {
	const most, fromSource, fromBoth = 15, 0, 2
	if len(info) < 2+2*most+most+1 {
		return maybe
	}
	source, destination := m.ports()
	match := func(port field) tri {
		out := no
		for i := 0; i < int(info[1]) && i < most; i++ {
			from := u16(info, 2+2*i)
			to := from
			if info[2+2*most+i] != 0 && i+1 < most { // a range
				i++
				to = u16(info, 2+2*i)
			}
			switch between(port, from, to) {
			case yes:
				return yes
			case maybe:
				out = maybe
			case no:
			}
		}
		return out
	}
	out := match(destination)
	switch info[0] {
	case fromSource:
		out = match(source)
	case fromBoth:
		out = both(out.not(true), match(source).not(true)).not(true)
	}
	return out.not(info[2+2*most+most] != 0)
}

// xtConntrack: struct xt_conntrack_mtinfo2 and 3, of which only the state is
// understood.
func (m *machine) xtConntrack(info []byte, revision uint32) tri {
	const matchFlags, invertFlags, stateMask = 146, 148, 150
	const byState, dstNAT = 1, 1 << 7
	if revision < 2 || len(info) < stateMask+2 {
		return maybe
	}
	state := m.state()
	if m.translated {
		state |= dstNAT
	}
	match := is(uint32(u16(info, stateMask))&state != 0).not(u16(info, invertFlags)&byState != 0)
	switch u16(info, matchFlags) {
	case byState:
		return match
	case 0:
		return yes
	}
	if u16(info, matchFlags)&byState != 0 && match == no {
		return no
	}
	return maybe
}

// xtAddrtype: struct xt_addrtype_info_v1, and of revision 0. The masks hold a bit for
// each RTN_* number.
func (m *machine) xtAddrtype(info []byte, revision uint32) tri {
	const unicast, local = 1 << 1, 1 << 2
	source, destination := uint16(unicast), uint16(unicast)
	if m.packet.Out.Name == "" {
		destination = local
	}
	flags := u32(info, 4)
	notSource, notDestination := flags&1 != 0, flags&2 != 0
	if revision == 0 {
		notSource, notDestination = u32(info, 4) != 0, u32(info, 8) != 0
	}
	out := yes
	if mask := u16(info, 0); mask != 0 {
		first := is(mask&source != 0).not(notSource)
		if m.packet.Stray {
			first = maybe
		}
		out = both(out, first)
	}
	if mask := u16(info, 2); mask != 0 {
		out = both(out, is(mask&destination != 0).not(notDestination))
	}
	return out
}

// xtHashlimit: what holds for those above a limit does not for the first packet.
func xtHashlimit(info []byte, revision uint32) tri {
	const invert = 1 << 4 // XT_HASHLIMIT_INVERT
	switch revision {
	case 1, 2:
		at := 16 // after the name
		if revision == 2 {
			at += 16 // two numbers come first
		}
		return is(u32(info, at)&invert == 0)
	case 3:
		return is(u32(info, 256+16)&invert == 0)
	}
	return maybe
}

// xtICMP: struct ipt_icmp and ip6t_icmp.
func (m *machine) xtICMP(info []byte) tri {
	const every, invert = 0xff, 1
	kind := m.transport.part(0, 1)
	if u8(info, 0) == every {
		return yes
	}
	return kind.equals([]byte{u8(info, 0)}).not(u8(info, 3)&invert != 0)
}

// xtPorts lists the ports that a match compares with, and those after its ranges.
func xtPorts(name string, info []byte) []uint16 {
	var list []uint16
	switch name {
	case "tcp", "udp":
		for i := 0; i < 8; i += 2 {
			list = append(list, u16(info, i))
		}
	case "multiport":
		for i := range min(int(u8(info, 1)), 15) {
			list = append(list, u16(info, 2+2*i))
		}
	}
	return list
}

// xtTarget answers for a target of xtables.
func (m *machine) xtTarget(c *nftables.Chain, data []byte) (*verdict, tri) {
	info := nftables.Attribute(data, unix.NFTA_TARGET_INFO)
	revision, _ := nftables.Number(data, unix.NFTA_TARGET_REV)
	switch name := nftables.Text(data, unix.NFTA_TARGET_NAME); name {
	case "REJECT":
		return &verdict{code: nfDrop}, yes
	case "LOG", "NFLOG", "CT", "NOTRACK", "TRACE", "AUDIT", "CLASSIFY", "TCPMSS", "DSCP", "TOS", "TTL", "HL", "CHECKSUM", "SET", "CONNMARK", "SECMARK", "CONNSECMARK":
		return nil, yes
	case "MARK":
		m.markKnown = false
		return nil, yes
	case "MASQUERADE", "SNAT":
		return &verdict{code: nfAccept}, yes
	case "DNAT", "REDIRECT":
		return m.xtDestination(c, info, name == "REDIRECT", revision), yes
	case "NFQUEUE":
		return &verdict{code: nfQueue}, yes
	}
	return &verdict{any: true}, maybe
}

// xtDestination: struct nf_nat_range and nf_nat_range2, or, of IPv4's revision 0 and
// REDIRECT, nf_nat_ipv4_multi_range_compat.
func (m *machine) xtDestination(c *nftables.Chain, info []byte, redirect bool, revision uint32) *verdict {
	const mapAddress, mapPort = 1, 2
	accept := &verdict{code: nfAccept}
	if c.Hook != unix.NF_INET_PRE_ROUTING {
		return accept
	}
	old := m.family == unix.NFPROTO_IPV4 && revision == 0
	flagsAt, addressAt, portAt := 0, 4, 4+32
	if old {
		flagsAt, addressAt, portAt = 4, 8, 16
	}
	flags := u32(info, flagsAt)
	var address, port []byte
	if width := len(m.dst.AsSlice()); flags&mapAddress != 0 && !redirect && addressAt+width <= len(info) {
		address = info[addressAt : addressAt+width]
	}
	if flags&mapPort != 0 && portAt+2 <= len(info) {
		port = info[portAt : portAt+2]
	}
	m.translate(address, port)
	return accept
}
