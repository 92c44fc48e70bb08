// Package ports lists the ports that rules of nf_tables name, so that one who asks what
// they do with each of 65,536 need not ask for most: between two of the list all ports
// are treated alike. Ports that a map or a mask computes are not found.
package ports

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
)

// Of lists the ports at which the rules can begin to decide differently: every number
// of two bytes that they compare something with, and the one after it.
func Of(rules *nftables.Ruleset) []uint16 {
	seen := map[uint16]bool{0: true}
	note := func(big []byte) {
		if len(big) == 2 {
			n := binary.BigEndian.Uint16(big)
			seen[n] = true
			seen[n+1] = true
		}
	}
	for _, c := range rules.Chains {
		for _, r := range c.Rules {
			for i := range r.Exprs {
				eachPort(&r.Exprs[i], note)
			}
		}
	}
	for _, s := range rules.Sets {
		for _, e := range s.Elements {
			// Of a concatenation each part begins at four bytes.
			for _, key := range [][]byte{e.Key, e.End} {
				for i := 0; i+2 <= len(key) && i < 64; i += 4 {
					if s.Width != 4 && s.Width != 16 { // addresses
						note(key[i : i+2])
					}
				}
			}
		}
	}
	list := make([]uint16, 0, len(seen))
	for n := range seen {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

func eachPort(e *nftables.Expr, note func([]byte)) {
	switch e.Name {
	case "cmp":
		note(nftables.Value(e.Data, unix.NFTA_CMP_DATA))
	case "range":
		note(nftables.Value(e.Data, unix.NFTA_RANGE_FROM_DATA))
		note(nftables.Value(e.Data, unix.NFTA_RANGE_TO_DATA))
	case "match":
		for _, n := range xtables(nftables.Text(e.Data, unix.NFTA_MATCH_NAME), nftables.Attribute(e.Data, unix.NFTA_MATCH_INFO)) {
			note(binary.BigEndian.AppendUint16(nil, n))
		}
	}
}

// xtables lists the ports that a match of xtables compares with, and the ends of its
// ranges: struct xt_tcp, xt_udp and xt_multiport, in the machine's byte order.
func xtables(name string, info []byte) []uint16 {
	var list []uint16
	at := func(i int) {
		n := uint16(0)
		if i+2 <= len(info) {
			n = binary.NativeEndian.Uint16(info[i:])
		}
		list = append(list, n)
	}
	switch {
	case name == "tcp" || name == "udp":
		for i := 0; i < 8; i += 2 {
			at(i)
		}
	case name == "multiport" && len(info) > 1:
		for i := range min(int(info[1]), 15) {
			at(2 + 2*i)
		}
	}
	return list
}
