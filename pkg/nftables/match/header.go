package match

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Headers is what is known of a packet's headers.
type Headers struct {
	Src, Dst netip.Addr
	Protocol uint8 // IPPROTO_*
	SrcPort  uint16
	DstPort  uint16 // of ICMP the type
	// AnySource says that the source port is not known, AnyPort that none is.
	AnySource, AnyPort bool
	First              bool // it opens a connection
}

// Write returns the headers of network and transport. Lengths, checksums and the time to
// live are not known; there are no fragments and no further headers.
func (h *Headers) Write() (network, transport Field) {
	if h.Dst.Is4() {
		network = NewField(20)
		network.Put(0, 0x45, 0) // version, length; type of service
		network.Put(6, 0, 0)    // no fragment
		network.Mask[6] = 0x3f
		network.Put(9, h.Protocol)
		network.Put(12, h.Src.AsSlice()...)
		network.Put(16, h.Dst.AsSlice()...)
	} else {
		network = NewField(40)
		network.Put(0, 0x60)
		network.Mask[0] = 0xf0
		network.Put(6, h.Protocol)
		network.Put(8, h.Src.AsSlice()...)
		network.Put(24, h.Dst.AsSlice()...)
	}
	transport = NewField(20)
	if h.Protocol != unix.IPPROTO_TCP && h.Protocol != unix.IPPROTO_UDP {
		transport.Put(0, byte(h.DstPort), 0)
		return network, transport
	}
	if !h.AnyPort {
		transport.Put(2, binary.BigEndian.AppendUint16(nil, h.DstPort)...)
		if !h.AnySource {
			transport.Put(0, binary.BigEndian.AppendUint16(nil, h.SrcPort)...)
		}
	}
	if h.Protocol == unix.IPPROTO_TCP {
		const syn, ack, flags = 0x02, 0x10, 13
		transport.Put(flags, ack)
		if h.First {
			transport.Put(flags, syn)
		}
	}
	return network, transport
}
