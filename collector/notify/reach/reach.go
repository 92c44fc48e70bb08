// Package reach says where deliveries may connect to: everywhere but to the local link
// and to the metadata services of clouds, which tell whoever asks the machine's secrets.
//
// Dialer judges the address after names are resolved, right before a connection is
// opened: a name that resolves to something else a moment later gains nothing.
package reach

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// metadata are the addresses at which clouds tell machines their secrets, where those are
// not of the local link: AWS over IPv6, Alibaba, Oracle, Azure.
func metadata() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"),
		netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("168.63.129.16")}
}

// Dialer returns a dialer of TCP that opens no connection to a refused address: its
// error wraps the given one. Names are resolved and connected to within ten seconds.
func Dialer(refused error) *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return guard(address, refused)
	}}
}

// Allowed returns an error that wraps the given one where an address of a host is
// refused, and another error where its name cannot be resolved. It is for clients that take no
// Dialer.
func Allowed(ctx context.Context, host string, refused error) error {
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	for _, ip := range all {
		if err := judge(ip, refused); err != nil {
			return err
		}
	}
	return nil
}

// guard refuses addresses before a connection is opened.
func guard(address string, refused error) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	return judge(at.Addr(), refused)
}

// judge refuses addresses of the local link and of metadata services.
func judge(ip netip.Addr, refused error) error {
	ip = ip.WithZone("").Unmap()
	for _, a := range []netip.Addr{ip, within(ip)} {
		if a.IsLinkLocalUnicast() || a.IsMulticast() || slices.Contains(metadata(), a) {
			return fmt.Errorf("%s is of the local link, or of a cloud's metadata service: %w", ip, refused)
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
