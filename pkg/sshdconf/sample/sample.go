// Package sample finds names and addresses that a pattern of sshd_config(5)
// matches, and some that it just does not.
package sample

import (
	"net/netip"
	"slices"
	"strings"

	"seawall/pkg/sshdconf/pattern"
)

// limit bounds what one question gives.
const limit = 512

// Public are client addresses of the public Internet. The IPv4 one is of
// a range for documentation that nobody routes or allows.
func Public() []string { return []string{"203.0.113.9", "2a03:b0c0::9"} }

// Names returns names that match the entries of a pattern list, negated ones
// too: what is singled out is worth asking about.
func Names(list string) []string {
	var out []string
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimPrefix(entry, "!")
		for _, fill := range []string{"", "x"} {
			name := strings.NewReplacer("*", fill, "?", "x").Replace(entry)
			if name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		if len(out) > limit {
			break
		}
	}
	return out
}

// Addresses returns an address inside and the two just outside of each entry of
// the lists.
func Addresses(lists []string) []string {
	var out []string
	add := func(a netip.Addr) {
		if a.IsValid() && !slices.Contains(out, a.String()) {
			out = append(out, a.String())
		}
	}
	for _, list := range lists {
		for entry := range strings.SplitSeq(list, ",") {
			if len(out) > 3*limit {
				return out
			}
			entry = strings.TrimPrefix(entry, "!")
			network, err := pattern.Network(entry)
			if err != nil {
				add(wildcard(entry))
				continue
			}
			first := network.Addr()
			end := last(network)
			if inside := first.Next(); network.Contains(inside) {
				add(inside)
			}
			add(first)
			add(end.Next())
			add(first.Prev())
		}
	}
	return out
}

// last is the highest address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// wildcard returns an address that matches a pattern such as 10.1.* or
// 2001:db8:*, if one can be made.
func wildcard(entry string) netip.Addr {
	entry = strings.ReplaceAll(entry, "?", "1")
	for _, fill := range []string{"1", "1.1", "1.1.1", "203.0.113.77", ":1", "1::1", ""} {
		text := strings.ReplaceAll(entry, "*", fill)
		a, err := netip.ParseAddr(text)
		// The pattern is matched against the address as it is written.
		if err == nil && pattern.Match(a.String(), entry) {
			return a
		}
	}
	return netip.Addr{}
}
