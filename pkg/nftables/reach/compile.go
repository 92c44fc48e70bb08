package reach

import (
	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
	"seawall/pkg/nftables/match"
)

// kind says how an expression is followed: those that nearly every rule has are read
// once for all walks.
type kind uint8

const (
	other kind = iota
	passes
	loadMeta
	loadPayload
	compares
	decides
)

// op is one expression, read.
type op struct {
	kind            kind
	reg, key, at, n uint32 // key is the operator of a comparison, and the base of a payload
	data            []byte
	verdict         *verdict
}

// ops returns the expressions of a chain's rules.
func (f *Filter) ops(c *nftables.Chain) [][]op {
	list, ok := f.compiled[c]
	if !ok {
		list = make([][]op, len(c.Rules))
		for i := range c.Rules {
			list[i] = make([]op, len(c.Rules[i].Exprs))
			for j := range list[i] {
				list[i][j] = compile(&c.Rules[i].Exprs[j])
			}
		}
		f.compiled[c] = list
	}
	return list
}

func compile(e *nftables.Expr) op {
	number := func(kind uint16) uint32 { n, _ := nftables.Number(e.Data, kind); return n }
	switch e.Name {
	case "counter", "log", "notrack", "last":
		return op{kind: passes}
	case "meta":
		if nftables.Attribute(e.Data, unix.NFTA_META_SREG) == nil {
			return op{kind: loadMeta, reg: number(unix.NFTA_META_DREG), key: number(unix.NFTA_META_KEY)}
		}
	case "payload":
		if reg := number(unix.NFTA_PAYLOAD_DREG); reg != 0 {
			return op{kind: loadPayload, reg: reg, key: number(unix.NFTA_PAYLOAD_BASE),
				at: number(unix.NFTA_PAYLOAD_OFFSET) & 0xffff, n: number(unix.NFTA_PAYLOAD_LEN) & 0x3f}
		}
	case "cmp":
		key, ok := nftables.Number(e.Data, unix.NFTA_CMP_OP)
		if want := nftables.Value(e.Data, unix.NFTA_CMP_DATA); ok && want != nil {
			return op{kind: compares, reg: number(unix.NFTA_CMP_SREG), key: key, data: want}
		}
	case "immediate":
		if number(unix.NFTA_IMMEDIATE_DREG) == unix.NFT_REG_VERDICT {
			return op{kind: decides, verdict: parseVerdict(nftables.Attribute(e.Data, unix.NFTA_IMMEDIATE_DATA))}
		}
	}
	return op{}
}

// do follows one expression.
func (m *machine) do(c *nftables.Chain, o *op, e *nftables.Expr) (*verdict, match.Tri) {
	switch o.kind {
	case passes:
		return nil, match.Yes
	case loadMeta:
		m.Store(o.reg, m.metaOf(o.key))
		return nil, match.Yes
	case loadPayload:
		base := match.Field{}
		switch o.key {
		case unix.NFT_PAYLOAD_NETWORK_HEADER:
			base = m.network
		case unix.NFT_PAYLOAD_TRANSPORT_HEADER:
			base = m.transport
		}
		if end := int(o.at + o.n); end <= len(base.Bytes) {
			m.Store(o.reg, match.Field{Bytes: base.Bytes[o.at:end], Mask: base.Mask[o.at:end]})
		} else {
			m.Store(o.reg, base.Part(int(o.at), int(o.n)))
		}
		return nil, match.Yes
	case compares:
		return nil, m.compare(o)
	case decides:
		return o.verdict, match.Yes
	}
	return m.step(c, e)
}

// metaOf keeps what does not change on the way through one hook.
func (m *machine) metaOf(key uint32) match.Field {
	if key == unix.NFT_META_MARK || key >= uint32(len(m.metas)) {
		return m.meta(key)
	}
	if m.metas[key].Bytes == nil {
		m.metas[key] = m.meta(key)
	}
	return m.metas[key]
}
