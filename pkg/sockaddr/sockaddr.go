// Package sockaddr reads struct sockaddr, as a process gave it to a system call and the
// kernel reports it in audit records: of the families inet, inet6, local (unix), netlink,
// packet and vsock. It reads what is there; whether the kernel took it, the call's result
// says. The layouts are of linux/in.h, in6.h, un.h, netlink.h, if_packet.h and
// vm_sockets.h, on machines that write the lowest byte first.
package sockaddr

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// Addr is an address.
type Addr struct {
	Family uint16 // AF_…
	// IP and Port are of inet and inet6, with the interface's number as zone.
	IP   netip.Addr
	Port uint32 // of vsock too; of netlink the process's
	// Path is of local: the file's, as it was given, or what follows the NUL of an
	// abstract name. Both without Abstract and empty it is a socket without a name.
	Path     []byte
	Abstract bool
	// Number is vsock's context, netlink's groups, or packet's interface.
	Number   uint32
	Protocol uint16 // of packet
	Hardware []byte // address of packet
}

// Parse reads the address. ok is false if it is of another family, or too short; Family
// is then set if there is one. Addr refers to b.
func Parse(b []byte) (a Addr, ok bool) {
	if len(b) < 2 {
		return a, false
	}
	a.Family = binary.LittleEndian.Uint16(b)
	switch a.Family {
	case unix.AF_INET:
		ok = len(b) >= 8
		if ok {
			a.Port, a.IP = uint32(binary.BigEndian.Uint16(b[2:])), netip.AddrFrom4([4]byte(b[4:8]))
		}
	case unix.AF_INET6:
		ok = len(b) >= 24
		if ok {
			a.Port, a.IP = uint32(binary.BigEndian.Uint16(b[2:])), netip.AddrFrom16([16]byte(b[8:24]))
		}
		if len(b) >= 28 {
			if zone := binary.LittleEndian.Uint32(b[24:]); zone != 0 {
				a.IP = a.IP.WithZone(strconv.FormatUint(uint64(zone), 10))
			}
		}
	case unix.AF_UNIX:
		ok = true
		a.local(b[2:])
	case unix.AF_NETLINK:
		ok = len(b) >= 12
		if ok {
			a.Port, a.Number = binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
		}
	case unix.AF_PACKET:
		ok = len(b) >= 12
		if ok {
			a.Protocol, a.Number = binary.BigEndian.Uint16(b[2:]), binary.LittleEndian.Uint32(b[4:])
			a.Hardware = b[12:min(len(b), 12+int(b[11]))]
		}
	case unix.AF_VSOCK:
		ok = len(b) >= 12
		if ok {
			a.Port, a.Number = binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
		}
	}
	return a, ok
}

// local reads the path: to its first NUL if it is a file's, all of it if it is abstract,
// where a NUL is a byte like any other.
func (a *Addr) local(path []byte) {
	if len(path) > 0 && path[0] == 0 {
		a.Abstract, a.Path = true, path[1:]
		return
	}
	a.Path, _, _ = bytes.Cut(path, []byte{0})
}

// String writes the address as ss(8) does: 203.0.113.7:22, [2001:db8::1]:22, a path,
// @name of an abstract one, vsock:CONTEXT:PORT, netlink:PORT, packet:INTERFACE; anything
// else by the number of its family. Bytes that do not print are escaped.
func (a Addr) String() string {
	switch a.Family {
	case unix.AF_INET, unix.AF_INET6:
		if a.IP.IsValid() {
			return netip.AddrPortFrom(a.IP, uint16(a.Port)).String()
		}
	case unix.AF_UNIX:
		name := string(a.Path)
		if a.Abstract {
			name = "@" + name
		}
		if quoted := strconv.Quote(name); quoted[1:len(quoted)-1] != name {
			return quoted
		}
		return name
	case unix.AF_NETLINK:
		return fmt.Sprintf("netlink:%d", a.Port)
	case unix.AF_PACKET:
		if len(a.Hardware) > 0 {
			return fmt.Sprintf("packet:%d:%s", a.Number, hex.EncodeToString(a.Hardware))
		}
		return fmt.Sprintf("packet:%d", a.Number)
	case unix.AF_VSOCK:
		return fmt.Sprintf("vsock:%d:%d", a.Number, a.Port)
	}
	return fmt.Sprintf("family %d", a.Family)
}
