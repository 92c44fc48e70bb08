package reach

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
	"seawall/pkg/nftables/match"
)

// outcome is a set of what may become of a packet at some point of the walk.
type outcome uint8

const (
	goesOn outcome = 1 << iota // to the next rule, or back to the chain that called
	accepted
	dropped
)

const (
	maxDepth = 16 // NFT_JUMP_STACK_SIZE
	maxSteps = 1_000_000
)

// machine is one walk of one packet.
type machine struct {
	*Filter
	packet     Packet
	family     uint8
	network    match.Field
	transport  match.Field
	mark       uint32
	markKnown  bool
	dst        netip.Addr // as it is after a translation
	translated bool
	match.Registers

	base      *nftables.Chain
	uncertain bool // of the rule that is being followed
	doubtful  int  // how many of those that jumped here are uncertain
	steps     int
	metas     [24]match.Field // see metaOf
	stopped   bool
	may       outcome
	// What decided: the rules, and the first thing that was not understood.
	accept, drop, doubt string
	doubted             bool
}

func (f *Filter) machine(p Packet) *machine {
	m := &machine{Filter: f, packet: p, family: familyOf(p.Dst.Is6()), markKnown: true, dst: p.Dst, may: accepted}
	m.headers()
	return m
}

// pass takes the packet through the chains of a hook.
func (m *machine) pass(number uint32) {
	m.metas = [len(m.metas)]match.Field{}
	for _, c := range m.hooks[hook{m.family, number}] {
		if m.may == dropped {
			return
		}
		if number == ingress && !slices.Contains(c.Devices, m.packet.In.Name) {
			continue
		}
		if c.Type == "nat" && (m.packet.Established || m.translated) {
			continue
		}
		m.base = c
		out := m.chain(c, 0)
		if out&goesOn != 0 {
			out &^= goesOn
			if c.Drop {
				out |= dropped
				m.drop = at(c, 0)
			} else {
				out |= accepted
				m.acceptedBy(c, 0)
			}
		}
		switch {
		case out == dropped:
			m.may = dropped
		case out&dropped != 0:
			m.may |= dropped
		}
	}
}

// acceptedBy notes who let the packet in: the first rule, rather than a later
// chain's policy.
func (m *machine) acceptedBy(c *nftables.Chain, handle uint64) {
	if m.base.Type == "nat" || handle == 0 && m.accept != "" {
		return
	}
	m.accept = at(c, handle)
}

// at names a rule, or a chain's policy where handle is 0.
func at(c *nftables.Chain, handle uint64) string {
	what := "policy"
	if handle != 0 {
		what = fmt.Sprint("handle ", handle)
	}
	return fmt.Sprintf("%s %s %s, %s", nftables.FamilyName(c.Family), c.Table, c.Name, what)
}

func (m *machine) answer() Answer {
	switch {
	case m.stopped:
		return Answer{Unknown, "there are more rules than are followed"}
	case m.may == dropped:
		return Answer{Drop, m.drop}
	case m.may == accepted && m.accept == "":
		return Answer{Accept, "no rule"}
	case m.may == accepted:
		return Answer{Accept, m.accept}
	}
	return m.unknown("both are possible")
}

func (m *machine) unknown(why string) Answer {
	if m.may == dropped {
		return m.answer()
	}
	if m.doubted {
		why = m.doubt
	}
	return Answer{Unknown, why}
}

// chain follows the rules of one chain.
func (m *machine) chain(c *nftables.Chain, depth int) outcome {
	if depth > maxDepth {
		m.stopped = true
		return accepted | dropped
	}
	var all outcome
	for i, ops := range m.ops(c) {
		out, returns := m.rule(c, &c.Rules[i], ops, depth)
		all |= out &^ goesOn
		if returns { // from this chain, at least possibly
			all |= goesOn
		}
		if out&goesOn == 0 {
			return all
		}
		if m.stopped {
			return accepted | dropped
		}
	}
	return all | goesOn
}

// rule follows one rule. It goes on to the next one, or may return from the chain.
func (m *machine) rule(c *nftables.Chain, r *nftables.Rule, ops []op, depth int) (out outcome, returns bool) {
	m.uncertain = false
	for i := range r.Exprs {
		if m.steps++; m.steps > maxSteps {
			m.stopped = true
			return accepted | dropped, false
		}
		e := &r.Exprs[i]
		v, holds := m.do(c, &ops[i], e)
		switch holds {
		case match.No:
			return goesOn, false
		case match.Maybe:
			m.uncertain = true
			if !m.doubted {
				m.doubted, m.doubt = true, fmt.Sprintf("%s: not known whether %s matches", at(c, r.Handle), m.describe(e))
			}
		case match.Yes:
		}
		if v == nil {
			continue
		}
		if !m.uncertain {
			return m.follow(c, r, v, depth)
		}
		m.doubtful++
		out, returns = m.follow(c, r, v, depth)
		m.doubtful--
		return out | goesOn, returns
	}
	return goesOn, false
}

func (m *machine) describe(e *nftables.Expr) string {
	switch e.Name {
	case "match", "target": // NFTA_TARGET_NAME is the same number
		return e.Name + " " + nftables.Text(e.Data, unix.NFTA_MATCH_NAME)
	}
	return e.Name
}

// verdict is one of a rule: a code (NF_* or NFT_*) and, of a jump, the chain.
type verdict struct {
	code  int32
	chain string
	// any says that it is one of a map, and not known which.
	any bool
}

// follow does what a verdict says.
func (m *machine) follow(c *nftables.Chain, r *nftables.Rule, v *verdict, depth int) (out outcome, returns bool) {
	if v.any {
		return accepted | dropped | goesOn, true
	}
	const queueMask = 0xff
	switch v.code {
	case unix.NFT_CONTINUE, unix.NFT_BREAK:
		return goesOn, false
	case unix.NFT_RETURN:
		return 0, true
	case unix.NFT_JUMP, unix.NFT_GOTO:
		next := m.rules.Chain(nftables.Key{Family: c.Family, Table: c.Table, Name: v.chain})
		if next == nil {
			return accepted | dropped, false
		}
		out = m.chain(next, depth+1)
		if v.code == unix.NFT_GOTO && out&goesOn != 0 {
			return out &^ goesOn, true
		}
		return out, false
	}
	switch v.code & queueMask {
	case nfDrop:
		m.drop = at(c, r.Handle)
		return dropped, false
	case nfAccept:
		m.acceptedBy(c, r.Handle)
		return accepted, false
	}
	if !m.doubted { // stolen, queued, repeated: somebody else decides
		m.doubted, m.doubt = true, at(c, r.Handle)+": another program decides"
	}
	return accepted | dropped, false
}

const (
	nfDrop   = 0
	nfAccept = 1
	nfQueue  = 3
)

// parseVerdict reads NFTA_DATA_VERDICT within the attributes of a value.
func parseVerdict(data []byte) *verdict {
	v := nftables.Attribute(data, unix.NFTA_DATA_VERDICT)
	code, ok := nftables.Number(v, unix.NFTA_VERDICT_CODE)
	if !ok {
		return &verdict{any: true}
	}
	return &verdict{code: int32(code), chain: nftables.Text(v, unix.NFTA_VERDICT_CHAIN)}
}

// headers writes the packet's headers.
func (m *machine) headers() {
	p := &m.packet
	h := match.Headers{Src: p.Src, Dst: m.dst, Protocol: p.Proto, SrcPort: p.SrcPort, DstPort: p.DstPort, AnySource: p.AnySource, AnyPort: p.AnyPort, First: !p.Established}
	m.network, m.transport = h.Write()
}

// translate changes the destination, as far as it is known.
func (m *machine) translate(addr []byte, port []byte) {
	m.translated = true
	if m.uncertain || m.doubtful > 0 {
		m.may |= dropped // either way is possible: it is not known
	}
	if a, ok := netip.AddrFromSlice(addr); ok {
		m.dst = a
	} else if addr != nil {
		m.dst = netip.Addr{}
	}
	if m.dst.IsValid() {
		offset := 16
		if m.family == unix.NFPROTO_IPV6 {
			offset = 24
		}
		m.network.Put(offset, m.dst.AsSlice()...)
	}
	if len(port) == 2 && !m.packet.AnyPort {
		m.packet.DstPort = binary.BigEndian.Uint16(port)
		m.transport.Put(2, port...)
	}
}
