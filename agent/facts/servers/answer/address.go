package answer

import (
	"net/netip"
	"strconv"
	"strings"
)

// own are the networks that are not of the public Internet.
func own() []netip.Prefix {
	list := []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
		"224.0.0.0/3", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"}
	all := make([]netip.Prefix, len(list))
	for i, s := range list {
		all[i] = netip.MustParsePrefix(s)
	}
	return all
}

// The smallest public networks that hold strangers: what an owner lists one by one,
// or has from a provider, is smaller.
const (
	wide4 = 24
	wide6 = 48
)

// Wide reports whether a network has strangers in it: it is public, and larger than
// what belongs to one owner.
func Wide(p netip.Prefix) bool {
	p = p.Masked()
	addr, bits := p.Addr(), p.Bits()
	if addr.Is4In6() && bits >= 96 {
		addr, bits = addr.Unmap(), bits-96
	}
	for _, o := range own() {
		if o.Addr().Is4() == addr.Is4() && o.Bits() <= bits && o.Contains(addr) {
			return false
		}
	}
	if addr.Is4() {
		return bits < wide4
	}
	return bits < wide6
}

// Network reads a network as servers' configurations write it: an address, an
// address with a length or a mask, or the leading parts of one ("10.", "192.168").
func Network(s string) (netip.Prefix, bool) {
	s = strings.Trim(s, "[]")
	s = strings.Replace(s, "]/", "/", 1)
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	head, tail, cut := strings.Cut(s, "/")
	bits := -1
	if cut {
		n, ok := maskBits(tail)
		if !ok {
			return netip.Prefix{}, false
		}
		bits = n
	}
	if !strings.Contains(head, ":") {
		parts := strings.Split(strings.TrimSuffix(head, "."), ".")
		if len(parts) > 4 || !cut && len(parts) == 4 {
			return netip.Prefix{}, false
		}
		if !cut {
			if head == "" || !strings.Contains(head, ".") {
				return netip.Prefix{}, false
			}
			bits = 8 * len(parts)
		}
		head = strings.Join(parts, ".") + strings.Repeat(".0", 4-len(parts))
	}
	a, err := netip.ParseAddr(head)
	if err != nil || bits < 0 || bits > a.BitLen() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, bits), true
}

// maskBits reads a length, or a mask of IPv4.
func maskBits(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	mask, err := netip.ParseAddr(s)
	if err != nil || !mask.Is4() {
		return 0, false
	}
	return ones(mask), true
}

// ones counts the leading ones of a mask.
func ones(mask netip.Addr) int {
	n := 0
	for _, b := range mask.As4() {
		for bit := 7; bit >= 0; bit-- {
			if b>>bit&1 == 0 {
				return n
			}
			n++
		}
	}
	return n
}

// Loopback reports whether a server that listens on host is reached by this
// machine alone: an address of loopback, one of its names, or a socket file.
func Loopback(host string) bool {
	host = strings.ToLower(strings.Trim(host, "[]"))
	switch host {
	case "localhost", "localhost4", "localhost6", "ip6-localhost", "loopback", "loopback-only", "lo", "_local_", "local":
		return true
	}
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "unix:") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Host returns the host of an address with a port: "1.2.3.4:80", "[::1]:80", "*:80",
// "80" (no host) or a host alone.
func Host(s string) string {
	if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "unix:") {
		return s
	}
	if h, _, ok := strings.Cut(strings.TrimPrefix(s, "["), "]"); ok && strings.HasPrefix(s, "[") {
		return h
	}
	if strings.Count(s, ":") == 1 {
		h, _, _ := strings.Cut(s, ":")
		return h
	}
	if _, err := strconv.Atoi(s); err == nil {
		return ""
	}
	return s
}
