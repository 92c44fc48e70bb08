package nftables

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// ErrTooLarge is returned for rules beyond the limits.
var ErrTooLarge = errors.New("more rules than are read")

const (
	maxRules    = 200_000
	maxElements = 200_000
	maxExprs    = 128 // of one rule; the kernel's own limit
)

// Ruleset is everything that is loaded.
type Ruleset struct {
	Tables []Table
	Chains []*Chain
	Sets   []*Set

	chains          map[Key]*Chain
	sets            map[Key]*Set
	rules, elements int
}

// Key names a chain or a set: its table's family (NFPROTO_*) and name, and its own.
type Key struct {
	Family uint8
	Table  string
	Name   string
}

// Table is a table that is there, with or without chains.
type Table struct {
	Family uint8
	Name   string
	// Dormant tables have no effect.
	Dormant bool
}

// Chain is a list of rules. A base chain is called by the kernel itself.
type Chain struct {
	Key
	Base     bool
	Hook     uint32 // of a base chain, and so what follows
	Priority int32
	Drop     bool     // its policy
	Type     string   // filter, nat, route
	Devices  []string // of the families netdev and inet at ingress
	Rules    []Rule
}

// Rule is a list of expressions.
type Rule struct {
	Handle uint64
	Exprs  []Expr
}

// Expr is one expression: its name, and its attributes as the kernel writes them.
type Expr struct {
	Name string
	Data []byte
}

// Set is a set, or a map when elements have values.
type Set struct {
	Key
	Interval bool // elements are starts and ends of ranges
	Map      bool
	Width    int // of a key
	Elements []Element
}

// Element is one of a set.
type Element struct {
	Key   []byte
	End   []byte // the last key, where the element is a range of its own
	Stop  bool   // the range before it ends before Key
	Any   bool   // it matches whatever no other element does
	Value []byte // of a map: attributes (NFTA_DATA_*)
}

// Chain returns the chain of a name, nil where there is none.
func (r *Ruleset) Chain(k Key) *Chain { return r.chains[k] }

// Set returns the set of a name, nil where there is none.
func (r *Ruleset) Set(k Key) *Set { return r.sets[k] }

// Decode reads what Dump returned. The ruleset keeps parts of raw.
func Decode(raw []byte) (*Ruleset, error) {
	r := &Ruleset{chains: map[Key]*Chain{}, sets: map[Key]*Set{}}
	for len(raw) > 0 {
		m, rest, err := split(raw)
		if err == nil {
			err = r.add(m.kind()&0xff, m[unix.SizeofNlMsghdr:])
		}
		if err != nil {
			return nil, fmt.Errorf("parse the rules: %w", err)
		}
		raw = rest
	}
	return r, nil
}

// add takes one message: its type (NFT_MSG_*) and what follows the nlmsghdr.
func (r *Ruleset) add(kind uint16, body []byte) error {
	if len(body) < genSize {
		return errShort
	}
	family, data := body[0], body[genSize:]
	switch kind {
	case unix.NFT_MSG_NEWTABLE:
		flags, _ := Number(data, unix.NFTA_TABLE_FLAGS)
		r.Tables = append(r.Tables, Table{family, Text(data, unix.NFTA_TABLE_NAME), flags&unix.NFT_TABLE_F_DORMANT != 0})
	case unix.NFT_MSG_NEWCHAIN:
		c := parseChain(family, data)
		r.Chains, r.chains[c.Key] = append(r.Chains, c), c
	case unix.NFT_MSG_NEWRULE:
		return r.addRule(family, data)
	case unix.NFT_MSG_NEWSET:
		s := parseSet(family, data)
		r.Sets, r.sets[s.Key] = append(r.Sets, s), s
	case unix.NFT_MSG_NEWSETELEM:
		return r.addElements(family, data)
	default:
		return fmt.Errorf("a message of the unknown type %d", kind)
	}
	if len(r.Tables)+len(r.Chains)+len(r.Sets) > maxRules {
		return ErrTooLarge
	}
	return nil
}

func parseChain(family uint8, data []byte) *Chain {
	c := &Chain{Key: Key{family, Text(data, unix.NFTA_CHAIN_TABLE), Text(data, unix.NFTA_CHAIN_NAME)}, Type: Text(data, unix.NFTA_CHAIN_TYPE)}
	hook := Attribute(data, unix.NFTA_CHAIN_HOOK)
	if hook == nil {
		return c
	}
	c.Base = true
	c.Hook, _ = Number(hook, unix.NFTA_HOOK_HOOKNUM)
	priority, _ := Number(hook, unix.NFTA_HOOK_PRIORITY)
	c.Priority = int32(priority)
	policy, ok := Number(data, unix.NFTA_CHAIN_POLICY)
	c.Drop = ok && policy == 0 // NF_DROP
	const hookDevices = 4      // NFTA_HOOK_DEVS, each of them an NFTA_DEVICE_NAME
	if name := Text(hook, unix.NFTA_HOOK_DEV); name != "" {
		c.Devices = []string{name}
	}
	for _, v := range Attributes(Attribute(hook, hookDevices)) {
		if name := word(v); !slices.Contains(c.Devices, name) && len(c.Devices) < 256 {
			c.Devices = append(c.Devices, name)
		}
	}
	return c
}

func (r *Ruleset) addRule(family uint8, data []byte) error {
	if r.rules++; r.rules > maxRules {
		return ErrTooLarge
	}
	key := Key{family, Text(data, unix.NFTA_RULE_TABLE), Text(data, unix.NFTA_RULE_CHAIN)}
	c := r.Chain(key)
	if c == nil {
		return fmt.Errorf("a rule of the chain %q, which is not there", key.Name)
	}
	rule := Rule{}
	if h := Attribute(data, unix.NFTA_RULE_HANDLE); len(h) == 8 {
		rule.Handle = binary.BigEndian.Uint64(h)
	}
	list := Attribute(data, unix.NFTA_RULE_EXPRESSIONS)
	for _, e := range Attributes(list) {
		if len(rule.Exprs) == maxExprs {
			return ErrTooLarge
		}
		rule.Exprs = append(rule.Exprs, ParseExpr(e))
	}
	c.Rules = append(c.Rules, rule)
	return nil
}

// ParseExpr reads the value of an NFTA_LIST_ELEM.
func ParseExpr(data []byte) Expr {
	return Expr{Name: Text(data, unix.NFTA_EXPR_NAME), Data: Attribute(data, unix.NFTA_EXPR_DATA)}
}

func parseSet(family uint8, data []byte) *Set {
	flags, _ := Number(data, unix.NFTA_SET_FLAGS)
	width, _ := Number(data, unix.NFTA_SET_KEY_LEN)
	return &Set{
		Key:      Key{family, Text(data, unix.NFTA_SET_TABLE), Text(data, unix.NFTA_SET_NAME)},
		Interval: flags&unix.NFT_SET_INTERVAL != 0,
		Map:      flags&unix.NFT_SET_MAP != 0,
		Width:    int(min(width, 255)),
	}
}

func (r *Ruleset) addElements(family uint8, data []byte) error {
	key := Key{family, Text(data, unix.NFTA_SET_ELEM_LIST_TABLE), Text(data, unix.NFTA_SET_ELEM_LIST_SET)}
	s := r.Set(key)
	if s == nil {
		return fmt.Errorf("elements of the set %q, which is not there", key.Name)
	}
	const keyEnd, catchAll = 10, 2 // NFTA_SET_ELEM_KEY_END, NFT_SET_ELEM_CATCHALL
	for _, e := range Attributes(Attribute(data, unix.NFTA_SET_ELEM_LIST_ELEMENTS)) {
		if r.elements++; r.elements > maxElements {
			return ErrTooLarge
		}
		flags, _ := Number(e, unix.NFTA_SET_ELEM_FLAGS)
		s.Elements = append(s.Elements, Element{
			Key:   Attribute(Attribute(e, unix.NFTA_SET_ELEM_KEY), unix.NFTA_DATA_VALUE),
			End:   Attribute(Attribute(e, keyEnd), unix.NFTA_DATA_VALUE),
			Stop:  flags&unix.NFT_SET_ELEM_INTERVAL_END != 0,
			Any:   flags&catchAll != 0,
			Value: Attribute(e, unix.NFTA_SET_ELEM_DATA),
		})
	}
	return nil
}

// FamilyName is how nft writes a table's family.
func FamilyName(n uint8) string {
	switch n {
	case unix.NFPROTO_INET:
		return "inet"
	case unix.NFPROTO_IPV4:
		return "ip"
	case unix.NFPROTO_IPV6:
		return "ip6"
	case unix.NFPROTO_NETDEV:
		return "netdev"
	case unix.NFPROTO_ARP:
		return "arp"
	case unix.NFPROTO_BRIDGE:
		return "bridge"
	}
	return fmt.Sprint(n)
}
