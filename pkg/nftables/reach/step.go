package reach

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
	"seawall/pkg/nftables/match"
)

// inverted is the flag of limit, quota, connlimit and lookup that turns them round
// (NFT_LIMIT_F_INV and its likes).
const inverted = 1

// step does what one expression does: it matches or not, and may give a verdict.
func (m *machine) step(c *nftables.Chain, e *nftables.Expr) (*verdict, match.Tri) {
	switch e.Name {
	case "dup", "flow_offload", "objref":
		return nil, match.Yes
	case "limit", "quota", "connlimit":
		// Attributes 5 (limit) and 2 (the others) are the flags.
		kind := uint16(unix.NFTA_LIMIT_FLAGS)
		if e.Name != "limit" {
			kind = unix.NFTA_QUOTA_FLAGS
		}
		flags, _ := nftables.Number(e.Data, kind)
		return nil, match.Is(flags&inverted == 0)
	case "reject":
		return &verdict{code: nfDrop}, match.Yes
	case "queue":
		return &verdict{code: nfQueue}, match.Yes
	case "masq":
		return &verdict{code: nfAccept}, match.Yes
	case "immediate":
		reg, _ := nftables.Number(e.Data, unix.NFTA_IMMEDIATE_DREG)
		m.Store(reg, match.Known(nftables.Value(e.Data, unix.NFTA_IMMEDIATE_DATA)...))
		return nil, match.Yes
	case "payload", "meta", "ct", "fib", "bitwise", "byteorder":
		m.compute(e)
		return nil, match.Yes
	case "range":
		return nil, m.between(e.Data)
	case "lookup":
		return m.lookup(c, e.Data)
	case "dynset":
		return nil, m.dynset(c, e.Data)
	case "nat", "redir":
		return m.nat(c, e)
	case "match":
		return nil, m.xtMatch(e.Data)
	case "target":
		return m.xtTarget(c, e.Data)
	}
	return m.foreign(e)
}

// foreign is an expression that is not known: if it fills a register, with what is
// not known.
func (m *machine) foreign(e *nftables.Expr) (*verdict, match.Tri) {
	switch e.Name {
	case "rt", "exthdr", "socket", "osf", "numgen", "hash", "xfrm", "tunnel", "inner":
		// Their attribute of the register is 1 or 2: both are forgotten.
		for _, kind := range []uint16{1, 2} {
			if reg, ok := nftables.Number(e.Data, kind); ok {
				m.Store(reg, match.NewField(16))
			}
		}
		if e.Name == "exthdr" { // without such a header it breaks off
			const operation = 6 // NFTA_EXTHDR_OP: 0 is a header of IPv6, the others are options of TCP and IPv4
			if op, _ := nftables.Number(e.Data, operation); op == 0 {
				return nil, match.No
			}
			return nil, match.Maybe
		}
		return nil, match.Yes
	}
	return nil, match.Maybe
}

// compute fills registers.
func (m *machine) compute(e *nftables.Expr) {
	number := func(kind uint16) uint32 { n, _ := nftables.Number(e.Data, kind); return n }
	switch e.Name {
	case "meta":
		if reg, ok := nftables.Number(e.Data, unix.NFTA_META_SREG); ok {
			if number(unix.NFTA_META_KEY) == unix.NFT_META_MARK {
				m.setMark(m.Load(reg, 4))
			}
		}
	case "ct":
		if reg, ok := nftables.Number(e.Data, unix.NFTA_CT_DREG); ok {
			m.Store(reg, m.conntrack(number(unix.NFTA_CT_KEY)))
		}
	case "fib":
		m.Store(number(unix.NFTA_FIB_DREG), m.fib(number(unix.NFTA_FIB_RESULT), number(unix.NFTA_FIB_FLAGS)))
	case "bitwise":
		m.bitwise(e.Data)
	case "byteorder":
		m.byteorder(e.Data)
	}
}

func (m *machine) setMark(f match.Field) {
	m.markKnown = f.Whole() && !m.uncertain && m.doubtful == 0
	m.mark = binary.NativeEndian.Uint32(f.Bytes)
}

func native(n uint32) match.Field { return match.Known(binary.NativeEndian.AppendUint32(nil, n)...) }

// meta is what the kernel knows of a packet beside its bytes.
func (m *machine) meta(key uint32) match.Field {
	const etherType, loopbackType = 1, 772 // ARPHRD_*
	p := &m.packet
	switch key {
	case unix.NFT_META_PROTOCOL:
		if m.family == unix.NFPROTO_IPV4 {
			return match.Known(0x08, 0x00)
		}
		return match.Known(0x86, 0xdd)
	case unix.NFT_META_NFPROTO:
		return match.Known(m.family)
	case unix.NFT_META_L4PROTO:
		return match.Known(p.Proto)
	case unix.NFT_META_MARK:
		if m.markKnown {
			return native(m.mark)
		}
	case unix.NFT_META_IIF:
		return link(p.In, native(uint32(p.In.Index)))
	case unix.NFT_META_OIF:
		return link(p.Out, native(uint32(p.Out.Index)))
	case unix.NFT_META_IIFNAME:
		return link(p.In, interfaceName(p.In.Name))
	case unix.NFT_META_OIFNAME:
		return link(p.Out, interfaceName(p.Out.Name))
	case unix.NFT_META_IIFTYPE:
		if p.In.Name == "lo" {
			return match.Known(binary.NativeEndian.AppendUint16(nil, loopbackType)...)
		}
		return match.NewField(2)
	case unix.NFT_META_PKTTYPE:
		return match.Known(0) // PACKET_HOST
	}
	return match.NewField(16)
}

// link is f of an interface that is known: otherwise it can be any.
func link(l Link, f match.Field) match.Field {
	if l.Name == "" && l.Index < 0 {
		return match.NewField(len(f.Bytes))
	}
	return f
}

func interfaceName(name string) match.Field {
	f := match.Known(make([]byte, unix.IFNAMSIZ)...)
	copy(f.Bytes, name)
	return f
}

const (
	stateEstablished = 1 << 1 // NF_CT_STATE_BIT(IP_CT_ESTABLISHED)
	stateNew         = 1 << 3
)

func (m *machine) state() uint32 {
	if m.packet.Established {
		return stateEstablished
	}
	return stateNew
}

func (m *machine) conntrack(key uint32) match.Field {
	const seenReply, assured, confirmed, dstNAT = 1 << 1, 1 << 2, 1 << 3, 1 << 5 // IPS_*
	switch key {
	case unix.NFT_CT_STATE:
		return native(m.state())
	case unix.NFT_CT_DIRECTION:
		if !m.packet.Established {
			return match.Known(0)
		}
		return match.NewField(1)
	case unix.NFT_CT_STATUS:
		f := native(0)
		if m.translated {
			f = native(dstNAT)
		}
		unknown := native(seenReply | assured | confirmed)
		for i, b := range unknown.Bytes {
			f.Mask[i] &^= b
		}
		return f
	case unix.NFT_CT_MARK:
		if !m.packet.Established {
			return native(0)
		}
	}
	return match.NewField(16)
}

// fib is what the routing table says.
func (m *machine) fib(result, flags uint32) match.Field {
	p, source := &m.packet, flags&unix.NFTA_FIB_F_SADDR != 0
	if kind := p.addressType(source); result == unix.NFT_FIB_RESULT_ADDRTYPE && kind != 0 {
		return native(kind)
	}
	switch {
	case !source || flags&unix.NFTA_FIB_F_IIF == 0 && p.Stray:
		return match.NewField(16)
	case p.Stray: // no way back through the interface that it came from
		return match.Known(make([]byte, unix.IFNAMSIZ)...)
	case flags&unix.NFTA_FIB_F_PRESENT != 0:
		return native(1)
	case result == unix.NFT_FIB_RESULT_OIF:
		return native(uint32(p.In.Index))
	}
	return interfaceName(p.In.Name)
}

// addressType is that of the source or of the destination, 0 where it is not known.
func (p *Packet) addressType(source bool) uint32 {
	const unicast, local = 1, 2 // RTN_*
	switch {
	case source && !p.Stray:
		return unicast
	case source && p.Src.IsLoopback():
		return local
	case source:
		return 0
	case p.Out == Link{}:
		return local
	}
	return unicast
}

func (m *machine) bitwise(data []byte) {
	number := func(kind uint16) uint32 { n, _ := nftables.Number(data, kind); return n }
	n := int(number(unix.NFTA_BITWISE_LEN) & 0x3f)
	mask, xor := nftables.Value(data, unix.NFTA_BITWISE_MASK), nftables.Value(data, unix.NFTA_BITWISE_XOR)
	const operation = 6 // NFTA_BITWISE_OP
	out := match.NewField(n)
	if in := m.Load(number(unix.NFTA_BITWISE_SREG), n); number(operation) == 0 && len(mask) >= n && len(xor) >= n {
		out = in.Masked(mask, xor)
	}
	m.Store(number(unix.NFTA_BITWISE_DREG), out)
}

func (m *machine) byteorder(data []byte) {
	number := func(kind uint16) uint32 { n, _ := nftables.Number(data, kind); return n }
	in := m.Load(number(unix.NFTA_BYTEORDER_SREG), int(number(unix.NFTA_BYTEORDER_LEN)&0x3f))
	m.Store(number(unix.NFTA_BYTEORDER_DREG), in.Swapped(int(number(unix.NFTA_BYTEORDER_SIZE))))
}

// compare does what the expression cmp does.
func (m *machine) compare(o *op) match.Tri {
	want := o.data
	have := m.Load(o.reg, len(want))
	switch o.key {
	case unix.NFT_CMP_EQ:
		return have.Equals(want)
	case unix.NFT_CMP_NEQ:
		return have.Equals(want).Not(true)
	}
	if !have.Whole() || len(have.Bytes) != len(want) {
		return match.Maybe
	}
	order := bytes.Compare(have.Bytes, want)
	switch o.key {
	case unix.NFT_CMP_LT:
		return match.Is(order < 0)
	case unix.NFT_CMP_LTE:
		return match.Is(order <= 0)
	case unix.NFT_CMP_GT:
		return match.Is(order > 0)
	case unix.NFT_CMP_GTE:
		return match.Is(order >= 0)
	}
	return match.Maybe
}

func (m *machine) between(data []byte) match.Tri {
	from, to := nftables.Value(data, unix.NFTA_RANGE_FROM_DATA), nftables.Value(data, unix.NFTA_RANGE_TO_DATA)
	reg, _ := nftables.Number(data, unix.NFTA_RANGE_SREG)
	op, _ := nftables.Number(data, unix.NFTA_RANGE_OP)
	have := m.Load(reg, len(from))
	if len(from) == 0 || len(to) != len(from) || !have.Whole() {
		return match.Maybe
	}
	in := bytes.Compare(have.Bytes, from) >= 0 && bytes.Compare(have.Bytes, to) <= 0
	return match.Is(in).Not(op == unix.NFT_RANGE_NEQ)
}

func (m *machine) lookup(c *nftables.Chain, data []byte) (*verdict, match.Tri) {
	s := m.rules.Set(nftables.Key{Family: c.Family, Table: c.Table, Name: nftables.Text(data, unix.NFTA_LOOKUP_SET)})
	if s == nil {
		return nil, match.Maybe
	}
	reg, _ := nftables.Number(data, unix.NFTA_LOOKUP_SREG)
	e, found := m.find(s, m.Load(reg, s.Width))
	if s.Map {
		to, ok := nftables.Number(data, unix.NFTA_LOOKUP_DREG)
		switch {
		case !ok || found == match.No:
		case to == unix.NFT_REG_VERDICT && e == nil:
			return &verdict{any: true}, match.Maybe
		case to == unix.NFT_REG_VERDICT:
			return parseVerdict(e.Value), found
		case e == nil:
			m.Store(to, match.NewField(16))
		default:
			m.Store(to, match.Known(nftables.Attribute(e.Value, unix.NFTA_DATA_VALUE)...))
		}
	}
	flags, _ := nftables.Number(data, unix.NFTA_LOOKUP_FLAGS)
	return nil, found.Not(flags&inverted != 0)
}

// find looks a key up. Of maybe, the element is nil: one of several, or none.
func (f *Filter) find(s *nftables.Set, key match.Field) (*nftables.Element, match.Tri) {
	x := f.sorted[s.Key]
	if x == nil {
		x = s.Index()
		f.sorted[s.Key] = x
	}
	switch {
	case key.Whole():
		e := x.Find(key.Bytes)
		return e, match.Is(e != nil)
	case x.Possible(func(k []byte) bool { return key.Equals(k) != match.No }):
		return nil, match.Maybe
	}
	return nil, match.No
}

// dynset adds to a set. It matches as the expressions within it do, of a limit for
// instance, which hold for an element that is new.
func (m *machine) dynset(c *nftables.Chain, data []byte) match.Tri {
	const expressions = 10 // NFTA_DYNSET_EXPRESSIONS
	out := match.Yes
	inner := func(e nftables.Expr) {
		if e.Name == "" || out == match.No {
			return
		}
		if _, t := m.step(c, &e); t != match.Yes {
			out = t
		}
	}
	inner(nftables.ParseExpr(nftables.Attribute(data, unix.NFTA_DYNSET_EXPR)))
	for _, e := range nftables.Attributes(nftables.Attribute(data, expressions)) {
		inner(nftables.ParseExpr(e))
	}
	return out
}

// nat changes the destination and ends the chain.
func (m *machine) nat(c *nftables.Chain, e *nftables.Expr) (*verdict, match.Tri) {
	accept := &verdict{code: nfAccept}
	if c.Hook != unix.NF_INET_PRE_ROUTING {
		return accept, match.Yes
	}
	if e.Name == "redir" {
		m.translate(nil, m.registerOf(e.Data, unix.NFTA_REDIR_REG_PROTO_MIN, 2))
		return accept, match.Yes
	}
	if kind, _ := nftables.Number(e.Data, unix.NFTA_NAT_TYPE); kind != unix.NFT_NAT_DNAT {
		return accept, match.Yes
	}
	width := len(m.dst.AsSlice())
	m.translate(m.registerOf(e.Data, unix.NFTA_NAT_REG_ADDR_MIN, width), m.registerOf(e.Data, unix.NFTA_NAT_REG_PROTO_MIN, 2))
	return accept, match.Yes
}

// registerOf returns what is in the register that an attribute names: nil where it
// names none, and nothing where it is not known.
func (m *machine) registerOf(data []byte, kind uint16, n int) []byte {
	reg, ok := nftables.Number(data, kind)
	if !ok {
		return nil
	}
	f := m.Load(reg, n)
	if !f.Whole() {
		return []byte{}
	}
	return bytes.Clone(f.Bytes)
}
