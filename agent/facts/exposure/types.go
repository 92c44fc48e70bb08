package exposure

// Look is what one look at the host's network namespace found.
type Look struct {
	Filter     Filter      `json:"filter"`
	Sockets    []Socket    `json:"sockets"`    // sorted by protocol, port and address
	Inodes     []uint64    `json:"inodes"`     // of the sockets, 0 where it has none: others know who holds them
	Interfaces []Interface `json:"interfaces"` // in the kernel's order
	// Others says that there are more interfaces, or more addresses of one, than are listed.
	Others bool `json:"others"`
	// More counts the sockets beyond those listed, Unowned those whose process could
	// not be found, for want of a right or of time.
	More    int `json:"more"`
	Unowned int `json:"unowned"`
	// Sysctl has the running values of settings, for one who asked from another
	// namespace.
	Sysctl map[string]string `json:"sysctl,omitempty"`
	// Limited says what could not be seen, Stale why this is an earlier look.
	Limited string `json:"limited"`
	Stale   string `json:"stale"`
}

// The verdicts of an Outcome.
const (
	Accept  = "accept"
	Drop    = "drop" // or rejected: it does not come through
	Unknown = "unknown"
)

// Outcome is what becomes of a packet, and by which rule.
type Outcome struct {
	Verdict string `json:"verdict"`
	By      string `json:"by"` // family, table, chain and rule, or why it is not known
}

// Filter is what the loaded packet filters do. Where it is not known, Reason says
// why and every Outcome is unknown.
type Filter struct {
	Known  bool     `json:"known"`
	Reason string   `json:"reason"`
	Tables []Table  `json:"tables"`
	Legacy []string `json:"legacy"` // tables of iptables-legacy, such as "ip filter": their rules are not read
	Rules  int      `json:"rules"`  // in all tables of nftables, those of iptables-nft too
	Input  int      `json:"input"`  // chains that see what comes to this host
	IPv4   Policy   `json:"ipv4"`
	IPv6   Policy   `json:"ipv6"`
	Open   []Open   `json:"open"` // what is let in from the Internet, by protocol and port
	// OpenMore says that more is let in than Open lists.
	OpenMore bool `json:"open_more"`
	// OpenKnown is false where the rules decide by what is not understood.
	OpenKnown bool `json:"open_known"`
}

// Policy is what becomes of packets that no rule names, in one version of IP.
type Policy struct {
	// Present says that this host has a global address of this version.
	Present     bool    `json:"present"`
	Input       Outcome `json:"input"`       // a new connection to a port that nobody speaks of
	Forward     Outcome `json:"forward"`     // one that passes through this host
	Output      Outcome `json:"output"`      // one that this host opens
	Loopback    Outcome `json:"loopback"`    // on the interface lo
	Spoofed     Outcome `json:"spoofed"`     // from a loopback address, on another interface
	Established Outcome `json:"established"` // the answer to what this host opened
}

// Table is one table of nftables.
type Table struct {
	Family string `json:"family"`
	Name   string `json:"name"`
	Chains int    `json:"chains"`
	Rules  int    `json:"rules"`
}

// Open is a range of ports that the filters let in from the Internet.
type Open struct {
	Protocol string `json:"protocol"` // tcp or udp
	From     int    `json:"from"`
	To       int    `json:"to"`
	IPv4     bool   `json:"ipv4"`
	IPv6     bool   `json:"ipv6"`
	Listener bool   `json:"listener"` // some socket waits in this range
}

// The scopes of a local address.
const (
	ScopeLoopback = "loopback"
	ScopeLink     = "link"    // 169.254/16, fe80::/10
	ScopePrivate  = "private" // of RFC 1918, 6598 or 4193, or of no interface with a way to the Internet
	ScopePublic   = "public"
	ScopeAny      = "any" // every address of the host
)

// Socket waits for others: a listening TCP socket, or a UDP one without a peer.
type Socket struct {
	Protocol string `json:"protocol"` // tcp, udp
	Address  string `json:"address"`  // without a zone
	Port     int    `json:"port"`
	IPv4     bool   `json:"ipv4"` // takes IPv4, which one bound to [::] can do, too
	IPv6     bool   `json:"ipv6"`
	Scope    string `json:"scope"`
	UID      int    `json:"uid"`
	User     string `json:"user"`
	PID      int    `json:"pid"` // 0: not known, or the kernel's own
	Comm     string `json:"comm"`
	Exe      string `json:"exe"`
	Deleted  bool   `json:"deleted"` // the program's file is gone
	Unit     string `json:"unit"`
	// Reachable says whether a stranger in the Internet gets to it: bound to such an
	// address, and let in by what is loaded here. A firewall of the provider's is not
	// seen from here.
	Reachable Outcome `json:"reachable"`
}

// Interface is one network interface.
type Interface struct {
	Name      string   `json:"name"`
	Index     int      `json:"index"`
	Up        bool     `json:"up"`
	Loopback  bool     `json:"loopback"`
	Kind      string   `json:"kind"`   // of a virtual one: bridge, veth, wireguard …
	Master    bool     `json:"master"` // it is a port of another interface
	Wireless  bool     `json:"wireless"`
	Promisc   int      `json:"promisc"`   // how many asked for all packets
	Public    bool     `json:"public"`    // a default route leads out through it
	Addresses []string `json:"addresses"` // with prefix lengths
}
