package taxonomy

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
	"seawall/pkg/sigma/event"
)

// Address families of Linux.
const (
	familyLocal   = 1
	familyInet    = 2
	familyInet6   = 10
	familyNetlink = 16
	familyPacket  = 17
	familyVsock   = 40
)

// family names the address family of a struct sockaddr as ausearch does, "" where
// that is not known here.
func family(b []byte) string {
	if len(b) < 2 {
		return ""
	}
	switch binary.LittleEndian.Uint16(b) {
	case familyLocal:
		return "local"
	case familyInet:
		return "inet"
	case familyInet6:
		return "inet6"
	case familyNetlink:
		return "netlink"
	case familyPacket:
		return "packet"
	case familyVsock:
		return "vsock"
	}
	return ""
}

// Endpoint returns the address and port of a struct sockaddr of IPv4 or IPv6.
func Endpoint(b []byte) (addr netip.AddrPort, ok bool) {
	switch family(b) {
	case "inet":
		if len(b) >= 8 {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:])), true
		}
	case "inet6":
		if len(b) >= 24 {
			return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), binary.BigEndian.Uint16(b[2:])), true
		}
	}
	return netip.AddrPort{}, false
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
