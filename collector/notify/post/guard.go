package post

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"seawall/collector/alert"
)

// metadata are the addresses at which clouds tell machines their secrets, where those are
// not of the local link: AWS over IPv6, Alibaba, Oracle, Azure.
func metadata() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"),
		netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("168.63.129.16")}
}

// guard refuses addresses of the local link and of metadata services before a connection
// is opened.
func guard(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	ip := at.Addr().WithZone("").Unmap()
	for _, a := range []netip.Addr{ip, within(ip)} {
		if a.IsLinkLocalUnicast() || a.IsMulticast() || slices.Contains(metadata(), a) {
			return fmt.Errorf("%s is of the local link, or of a cloud's metadata service: %w", ip, alert.ErrRefused)
		}
	}
	return nil
}

// within returns the address of IPv4 to which a translator or a relay would pass on what
// is sent to one of IPv6 (NAT64, 6to4, IPv4-compatible), the zero Addr for others.
func within(ip netip.Addr) netip.Addr {
	b := ip.As16()
	in := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(ip) }
	switch {
	case in("64:ff9b::/96"), in("::/96"):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case in("2002::/16"):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return netip.Addr{}
}
