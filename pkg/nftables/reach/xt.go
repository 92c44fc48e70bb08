package reach

import (
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

// xtDestination changes the destination as DNAT and REDIRECT do.
func (m *machine) xtDestination(c *nftables.Chain, info []byte, redirect bool, revision uint32) *verdict {
	if c.Hook == unix.NF_INET_PRE_ROUTING {
		address, port := match.Destination(info, revision, m.dst.Is6())
		if redirect {
			address = nil
		}
		m.translate(address, port)
	}
	return &verdict{code: nfAccept}
}
