package taxonomy

import (
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sockaddr"
)

// family names an address family as ausearch does, "" where that is not known here.
func family(number uint16) string {
	switch number {
	case unix.AF_LOCAL:
		return "local"
	case unix.AF_INET:
		return "inet"
	case unix.AF_INET6:
		return "inet6"
	case unix.AF_NETLINK:
		return "netlink"
	case unix.AF_PACKET:
		return "packet"
	case unix.AF_VSOCK:
		return "vsock"
	}
	return ""
}

// Endpoint returns the address and port of a struct sockaddr of IPv4 or IPv6. An IPv4
// address that was written as IPv6 is IPv4, and there is no zone: rules name networks.
func Endpoint(b []byte) (addr netip.AddrPort, ok bool) {
	a, ok := sockaddr.Parse(b)
	if !ok || !a.IP.IsValid() {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a.IP.Unmap().WithZone(""), uint16(a.Port)), true
}

// reached reports whether a system call with an address went out, or tried in earnest.
func reached(e *audit.Event) bool {
	if e.Success {
		return true
	}
	const unreachable, timedOut, refused, hostUnreachable, inProgress = -101, -110, -111, -113, -115
	switch e.Exit {
	case unreachable, timedOut, refused, hostUnreachable, inProgress:
		return true
	}
	return false
}

// connection adds what is known of a connection, and reports whether there is one.
func (r *Reader) connection(e *audit.Event) bool {
	addr, ok := Endpoint(e.Sockaddr)
	if !ok || addr.Port() == 0 || !reached(e) {
		return false
	}
	ip, port, initiated := fieldDestinationIP, fieldDestinationPort, "true"
	switch effect.Call(e) {
	case "connect":
	case "sendto", "sendmsg", "sendmmsg":
		r.string(fieldProtocol, "udp")
	case "accept", "accept4":
		ip, port, initiated = fieldSourceIP, fieldSourcePort, "false"
	default: // bind, getpeername and others are no connections
		return false
	}
	r.string(fieldInitiated, initiated)
	r.address(ip, addr.Addr())
	r.number(port, uint64(addr.Port()))
	r.string(fieldDestinationIsIPv6, strconv.FormatBool(addr.Addr().Is6()))
	return true
}

func (r *Reader) address(f event.Field, addr netip.Addr) {
	if r.used[f] {
		from := len(r.text)
		r.text = addr.AppendTo(r.text)
		r.put(f, from)
	}
}
