package reach

import (
	"cmp"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
)

// Verdict is what becomes of a packet.
type Verdict int

// The verdicts.
const (
	Unknown Verdict = iota
	Drop
	Accept
)

// Answer is a verdict and what decided it: table, chain and the handle of the rule,
// or why it is not known.
type Answer struct {
	Verdict Verdict
	By      string
}

// Link is a network interface; one without a name is none.
type Link struct {
	Name  string
	Index int
}

// Packet is one that is thought of: the first of a connection, or a later one.
type Packet struct {
	In, Out  Link
	Src, Dst netip.Addr
	Proto    uint8 // IPPROTO_*
	SrcPort  uint16
	DstPort  uint16
	// AnySource says that the source port is not known, AnyPort that none is.
	AnySource, AnyPort bool
	Established        bool
	// Stray is one whose source is not where its interface leads.
	Stray bool
}

// Filter answers for one ruleset. It may be used by one goroutine at a time.
type Filter struct {
	// Route says through which interface an address is reached, and whether it is this
	// host's own. It is asked where a rule changes the destination.
	Route func(netip.Addr) (out Link, local bool)

	rules  *nftables.Ruleset
	hooks  map[hook][]*nftables.Chain
	sorted map[nftables.Key]*nftables.Index
	// compiled has the chains that were walked through.
	compiled map[*nftables.Chain][][]op
}

// hook is a place where the kernel calls chains, by version of IP.
type hook struct {
	family uint8
	number uint32
}

const ingress = 5 // NF_INET_INGRESS; of the family netdev it is 0

// New prepares the walk.
func New(rules *nftables.Ruleset) *Filter {
	f := &Filter{rules: rules, hooks: map[hook][]*nftables.Chain{}, sorted: map[nftables.Key]*nftables.Index{},
		compiled: map[*nftables.Chain][][]op{}}
	dormant := map[nftables.Key]bool{}
	for _, t := range rules.Tables {
		dormant[nftables.Key{Family: t.Family, Table: t.Name}] = t.Dormant
	}
	for _, c := range rules.Chains {
		if !c.Base || dormant[nftables.Key{Family: c.Family, Table: c.Table}] {
			continue
		}
		number := c.Hook
		if c.Family == unix.NFPROTO_NETDEV {
			if number != 0 {
				continue // egress
			}
			number = ingress
		}
		for _, family := range []uint8{unix.NFPROTO_IPV4, unix.NFPROTO_IPV6} {
			if c.Family == family || c.Family == unix.NFPROTO_INET || c.Family == unix.NFPROTO_NETDEV {
				h := hook{family, number}
				f.hooks[h] = append(f.hooks[h], c)
			}
		}
	}
	for _, list := range f.hooks {
		slices.SortStableFunc(list, func(a, b *nftables.Chain) int {
			return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.Family, a.Family))
		})
	}
	return f
}

// Chains counts the base chains that decide on what comes to this host in a version
// of IP: those with rules, or a policy to drop.
func (f *Filter) Chains(six bool) int {
	n := 0
	for _, number := range []uint32{ingress, unix.NF_INET_LOCAL_IN} {
		for _, c := range f.hooks[hook{familyOf(six), number}] {
			if c.Drop || len(c.Rules) > 0 {
				n++
			}
		}
	}
	return n
}

func familyOf(six bool) uint8 {
	if six {
		return unix.NFPROTO_IPV6
	}
	return unix.NFPROTO_IPV4
}

// Input answers for a packet that comes to this host. Where a rule sends it on to
// another, the answer is that of the way there.
func (f *Filter) Input(p Packet) Answer {
	m := f.machine(p)
	m.pass(ingress)
	m.pass(unix.NF_INET_PRE_ROUTING)
	if m.translated {
		if f.Route == nil || !m.dst.IsValid() {
			return m.unknown("its destination is changed to one that is not known")
		}
		out, local := f.Route(m.dst)
		if !local {
			m.packet.Out = out
			m.pass(unix.NF_INET_FORWARD)
			m.pass(unix.NF_INET_POST_ROUTING)
			return m.answer()
		}
	}
	m.pass(unix.NF_INET_LOCAL_IN)
	return m.answer()
}

// Forward answers for a packet that passes through this host.
func (f *Filter) Forward(p Packet) Answer {
	m := f.machine(p)
	for _, number := range []uint32{ingress, unix.NF_INET_PRE_ROUTING, unix.NF_INET_FORWARD, unix.NF_INET_POST_ROUTING} {
		m.pass(number)
	}
	return m.answer()
}

// Output answers for a packet of this host.
func (f *Filter) Output(p Packet) Answer {
	m := f.machine(p)
	m.pass(unix.NF_INET_LOCAL_OUT)
	m.pass(unix.NF_INET_POST_ROUTING)
	return m.answer()
}

func (v Verdict) String() string {
	return [...]string{Unknown: "unknown", Drop: "drop", Accept: "accept"}[v]
}
