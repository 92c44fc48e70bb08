package exposure

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
	"seawall/pkg/nftables/reach"
	"seawall/pkg/text"
)

const (
	maxInterfaces = 1024
	maxAddresses  = 64 // of one interface
	maxRoutes     = 4 << 20
	maxWord       = 256
)

// netlinkKind reads the attributes of links that package syscall does not name.
const (
	infoKind    = 1  // IFLA_INFO_KIND, within IFLA_LINKINFO
	linkInfo    = 18 // IFLA_LINKINFO
	promiscuity = 30 // IFLA_PROMISCUITY
)

// links is the interfaces, and how the host reaches others through them.
type links struct {
	all  []Interface
	more bool // there are others, or more addresses
}

// readLinks asks the kernel for the interfaces and their addresses.
func readLinks() (links, error) {
	var l links
	err := dump(unix.RTM_GETLINK, func(m *syscall.NetlinkMessage) {
		if len(l.all) == maxInterfaces {
			l.more = true
		} else if i, ok := parseLink(m); ok {
			l.all = append(l.all, i)
		}
	})
	if err != nil {
		return links{}, fmt.Errorf("list interfaces: %w", err)
	}
	err = dump(unix.RTM_GETADDR, func(m *syscall.NetlinkMessage) {
		index, address, ok := parseAddress(m)
		at := slices.IndexFunc(l.all, func(i Interface) bool { return i.Index == index })
		switch {
		case !ok || at < 0:
		case len(l.all[at].Addresses) == maxAddresses:
			l.more = true
		default:
			l.all[at].Addresses = append(l.all[at].Addresses, address.String())
		}
	})
	if err != nil {
		return links{}, fmt.Errorf("list addresses: %w", err)
	}
	out := defaultRoutes()
	for i := range l.all {
		one := &l.all[i]
		_, err := hostfs.Root{}.Stat("/sys/class/net/" + one.Name + "/phy80211")
		one.Wireless = err == nil
		one.Public = !one.Loopback && (slices.Contains(out, one.Name) || slices.ContainsFunc(one.prefixes(), func(p netip.Prefix) bool {
			return ScopeOf(p.Addr()) == ScopePublic
		}))
	}
	return l, nil
}

// dump asks for a list and calls each for its messages.
func dump(kind int, each func(*syscall.NetlinkMessage)) error {
	data, err := syscall.NetlinkRIB(kind, unix.AF_UNSPEC)
	if err != nil {
		return err
	}
	list, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Header.Type != unix.NLMSG_DONE {
			each(&list[i])
		}
	}
	return nil
}

// parseLink reads one RTM_NEWLINK.
func parseLink(m *syscall.NetlinkMessage) (i Interface, ok bool) {
	if m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
		return i, false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return i, false
	}
	flags := native32(m.Data[8:])
	i = Interface{Index: int(native32(m.Data[4:])), Up: flags&unix.IFF_UP != 0, Loopback: flags&unix.IFF_LOOPBACK != 0, Addresses: []string{}}
	for _, a := range attrs {
		switch a.Attr.Type &^ unix.NLA_F_NESTED {
		case unix.IFLA_IFNAME:
			i.Name = text.Clean(strings.TrimRight(string(a.Value), "\x00"), maxWord)
		case unix.IFLA_MASTER:
			i.Master = len(a.Value) == 4 && native32(a.Value) != 0
		case promiscuity:
			if len(a.Value) == 4 {
				i.Promisc = int(native32(a.Value))
			}
		case linkInfo:
			i.Kind = kindOf(a.Value)
		}
	}
	return i, i.Name != ""
}

func kindOf(info []byte) string {
	for len(info) >= unix.SizeofRtAttr {
		n := int(native16(info))
		if n < unix.SizeofRtAttr || n > len(info) {
			return ""
		}
		if native16(info[2:]) == infoKind {
			return text.Clean(strings.TrimRight(string(info[unix.SizeofRtAttr:n]), "\x00"), maxWord)
		}
		info = info[min((n+3)&^3, len(info)):]
	}
	return ""
}

// parseAddress reads one RTM_NEWADDR: IFA_LOCAL is the host's own address where a
// peer has another one.
func parseAddress(m *syscall.NetlinkMessage) (index int, p netip.Prefix, ok bool) {
	if m.Header.Type != unix.RTM_NEWADDR || len(m.Data) < unix.SizeofIfAddrmsg {
		return 0, p, false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return 0, p, false
	}
	var addr netip.Addr
	for _, a := range attrs {
		if found, fits := netip.AddrFromSlice(a.Value); fits && (a.Attr.Type == unix.IFA_LOCAL || a.Attr.Type == unix.IFA_ADDRESS && !addr.IsValid()) {
			addr = found
		}
	}
	p, err = addr.Prefix(int(m.Data[1]))
	return int(native32(m.Data[4:])), netip.PrefixFrom(addr, p.Bits()), err == nil
}

// defaultRoutes names the interfaces that lead to everywhere.
func defaultRoutes() []string {
	var names []string
	add := func(name string) {
		if name != "lo" && !slices.Contains(names, name) && len(names) < maxInterfaces {
			names = append(names, name)
		}
	}
	// A table that cannot be read has no routes that are known; without IPv6 there is none.
	_ = eachLine("/proc/net/route", maxRoutes, func(line string) bool {
		if f := strings.Fields(line); len(f) > 7 && f[1] == "00000000" && f[7] == "00000000" {
			add(f[0])
		}
		return true
	})
	_ = eachLine("/proc/net/ipv6_route", maxRoutes, func(line string) bool {
		const reject = 0x0200 // RTF_REJECT
		f := strings.Fields(line)
		if len(f) < 10 || strings.Trim(f[0], "0") != "" || f[1] != "00" {
			return true
		}
		if flags, err := strconv.ParseUint(f[8], 16, 32); err == nil && flags&reject == 0 {
			add(f[9])
		}
		return true
	})
	return names
}

// eachLine reads a file of /proc until line says that it has enough.
func eachLine(name string, limit int, line func(string) bool) error {
	f, _, err := hostfs.Root{}.OpenFile(name)
	if err != nil {
		return err
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for total := 0; scan.Scan() && total < limit; total += len(scan.Bytes()) {
		if !line(scan.Text()) {
			break
		}
	}
	return scan.Err()
}

func (i *Interface) prefixes() []netip.Prefix {
	var list []netip.Prefix
	for _, a := range i.Addresses {
		if p, err := netip.ParsePrefix(a); err == nil {
			list = append(list, p)
		}
	}
	return list
}

func (i *Interface) link() reach.Link { return reach.Link{Name: i.Name, Index: i.Index} }

// outside returns an interface that leads to the Internet, and an address of this
// host there.
func (l *links) outside(six bool) (Interface, netip.Addr, bool) {
	for _, want := range []string{ScopePublic, ScopePrivate} {
		for _, i := range l.all {
			if !i.Public || !i.Up {
				continue
			}
			for _, p := range i.prefixes() {
				if p.Addr().Is6() == six && ScopeOf(p.Addr()) == want {
					return i, p.Addr(), true
				}
			}
		}
	}
	return Interface{}, netip.Addr{}, false
}

// holding returns the interface that has an address.
func (l *links) holding(a netip.Addr) (Interface, bool) {
	for _, i := range l.all {
		for _, p := range i.prefixes() {
			if p.Addr() == a {
				return i, true
			}
		}
	}
	return Interface{}, false
}

// route says how the host reaches an address: itself, a neighbour, or by what leads
// outside.
func (l *links) route(a netip.Addr) (reach.Link, bool) {
	if a.IsLoopback() {
		return reach.Link{Name: "lo", Index: 1}, true
	}
	if i, ok := l.holding(a); ok {
		return i.link(), true
	}
	best, out := -1, reach.Link{Index: -1}
	for _, i := range l.all {
		for _, p := range i.prefixes() {
			if p.Contains(a) && p.Bits() > best {
				best, out = p.Bits(), i.link()
			}
		}
	}
	if best < 0 {
		if i, _, ok := l.outside(a.Is6()); ok {
			out = i.link()
		}
	}
	return out, false
}

// ScopeOf says from how far away an address of this host is reached.
func ScopeOf(a netip.Addr) string {
	a = a.Unmap()
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10) // RFC 6598
	switch {
	case a.IsUnspecified():
		return ScopeAny
	case a.IsLoopback():
		return ScopeLoopback
	case a.IsLinkLocalUnicast():
		return ScopeLink
	case a.IsPrivate(), shared.Contains(a):
		return ScopePrivate
	}
	return ScopePublic
}

// address reads one of /proc/net/tcp and its likes: numbers of 32 bits, of the
// machine's own order, and the port in hexadecimal.
func address(s string) (netip.AddrPort, bool) {
	host, tail, ok := strings.Cut(s, ":")
	port, err := strconv.ParseUint(tail, 16, 16)
	raw, errHex := hex.DecodeString(host)
	if !ok || err != nil || errHex != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		putBig32(raw[i:], native32(raw[i:]))
	}
	a, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a, uint16(port)), ok
}
