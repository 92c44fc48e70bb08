package reach

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
	"seawall/pkg/nftables/match"
)

// xtMatch answers for a match of xtables.
func (m *machine) xtMatch(data []byte) match.Tri {
	revision, _ := nftables.Number(data, unix.NFTA_MATCH_REV)
	p := match.Packet{TCP: m.packet.Proto == unix.IPPROTO_TCP, Transport: m.transport, State: m.state(), Mark: m.mark, MarkKnown: m.markKnown,
		Translated: m.translated, Stray: m.packet.Stray, Local: m.packet.Out.Name == ""}
	return p.XT(nftables.Text(data, unix.NFTA_MATCH_NAME), revision, nftables.Attribute(data, unix.NFTA_MATCH_INFO))
}

func u32(b []byte, at int) uint32 {
	if at+4 > len(b) {
		return 0
	}
	return binary.NativeEndian.Uint32(b[at:])
}

// xtTarget answers for a target of xtables.
func (m *machine) xtTarget(c *nftables.Chain, data []byte) (*verdict, match.Tri) {
	info := nftables.Attribute(data, unix.NFTA_TARGET_INFO)
	revision, _ := nftables.Number(data, unix.NFTA_TARGET_REV)
	switch name := nftables.Text(data, unix.NFTA_TARGET_NAME); name {
	case "REJECT":
		return &verdict{code: nfDrop}, match.Yes
	case "LOG", "NFLOG", "CT", "NOTRACK", "TRACE", "AUDIT", "CLASSIFY", "TCPMSS", "DSCP", "TOS", "TTL", "HL", "CHECKSUM", "SET", "CONNMARK", "SECMARK", "CONNSECMARK":
		return nil, match.Yes
	case "MARK":
		m.markKnown = false
		return nil, match.Yes
	case "MASQUERADE", "SNAT":
		return &verdict{code: nfAccept}, match.Yes
	case "DNAT", "REDIRECT":
		return m.xtDestination(c, info, name == "REDIRECT", revision), match.Yes
	case "NFQUEUE":
		return &verdict{code: nfQueue}, match.Yes
	}
	return &verdict{any: true}, match.Maybe
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
