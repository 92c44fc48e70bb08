package sshdconf

import (
	"slices"
	"strconv"
	"strings"

	"seawall/pkg/sshdconf/sample"
)

// Group is all connections to which the same Match blocks apply, with one of
// them as the example.
type Group struct {
	Conn Conn
	// Key is the same for groups with the same settings: those of root and those
	// of others are two groups even then.
	Key string
	// Public: the example comes from an address of the public Internet that no
	// condition singles out.
	Public bool
}

// MaxKeys bounds the settings that [Config.Connections] tells apart, and so the
// questions to sshd.
const MaxKeys = 64

// bounds of the search for connections.
const (
	maxCandidates = 512     // of one kind, after those that are alike
	maxProduct    = 1 << 17 // combinations looked at
	maxWork       = 2 << 20 // conditions looked at for one dimension, lines for the most permissive
)

// Connections returns one example of each kind of connection: users are root and
// the names that Match names, and those given (in the order of preference as
// examples) and somebody unknown; addresses are public ones, one inside and one
// outside of each that Match names; so it is with ports, local addresses and
// routing domains. Where there are more than MaxKeys kinds the ones that permit
// most, by this package's own reading, are kept, and more is true.
//
// A port is a candidate when sshd listens on it or Match names it.
func (c *Config) Connections(users []string) (groups []Group, more bool) {
	if c.root == nil {
		return nil, false
	}
	s := search{config: c, parents: c.parents()}
	dims := s.dimensions(users)
	more = s.cut
	for product(dims) > min(maxProduct, 8*maxWork/(1+len(c.blocks))) {
		largest := slices.MaxFunc(dims, func(a, b *dimension) int { return len(a.classes) - len(b.classes) })
		largest.classes = largest.classes[:(len(largest.classes)+1)/2]
		more = true
	}
	groups = s.combine(dims)
	keys := map[string]bool{}
	for _, g := range groups {
		keys[g.Key] = true
	}
	if len(keys) > MaxKeys {
		return c.mostPermissive(groups), true
	}
	return groups, more
}

// parents has the number of each block's enclosing block, or -1.
func (c *Config) parents() []int {
	index := make(map[*block]int, len(c.blocks))
	out := make([]int, len(c.blocks))
	for i, b := range c.blocks {
		index[b] = i
		out[i] = -1
		if b.parent != nil {
			out[i] = index[b.parent]
		}
	}
	return out
}

func product(dims []*dimension) int {
	n := 1
	for _, d := range dims {
		n *= max(1, len(d.classes))
	}
	return n
}

// dimension is one thing that a connection has: its user, where it comes from,
// where it goes.
type dimension struct {
	classes []class
	work    int
}

// class is one of the kinds that Match tells apart in a dimension.
type class struct {
	apply  func(*Conn)
	blocks []bool // by block: no condition of this dimension speaks against it
	root   bool
	public bool
}

type search struct {
	config  *Config
	parents []int
	cut     bool // candidates were left out
}

// add keeps a candidate unless one that is alike is there already.
func (s *search) add(d *dimension, kinds string, c class) {
	d.work += 1 + len(s.config.blocks)
	if len(d.classes) >= maxCandidates || d.work > maxWork {
		s.cut = true
		return
	}
	var conn Conn
	c.apply(&conn)
	c.blocks = make([]bool, len(s.config.blocks))
	for i, b := range s.config.blocks {
		c.blocks[i] = !slices.ContainsFunc(b.criteria, func(k criterion) bool {
			return strings.Contains(kinds, " "+k.kind+" ") && !k.holds(&conn, s.config.options.Groups)
		})
	}
	for _, other := range d.classes {
		if other.root == c.root && slices.Equal(other.blocks, c.blocks) {
			return
		}
	}
	d.classes = append(d.classes, c)
}

// args are the arguments of all conditions of a kind.
func (s *search) args(kind string) []string {
	var out []string
	for _, b := range s.config.blocks {
		for _, k := range b.criteria {
			if k.kind == kind && !slices.Contains(out, k.arg) && len(out) < maxCandidates {
				out = append(out, k.arg)
			}
		}
	}
	return out
}

func (s *search) dimensions(users []string) []*dimension {
	return []*dimension{s.users(users), s.origins(), s.localAddresses(), s.localPorts(), s.domains()}
}

// AnyUser is the name, unknown to the host, that stands for whoever no condition
// singles out.
const AnyUser = "any-other-user"

func (s *search) users(known []string) *dimension {
	d := &dimension{}
	names := []string{"root"}
	names = append(names, known[:min(1, len(known))]...)
	names = append(names, AnyUser)
	names = append(names, known[min(1, len(known)):]...)
	for _, list := range s.args("user") {
		names = append(names, sample.Names(list)...)
	}
	for _, name := range names {
		if !speakable(name) {
			continue
		}
		s.add(d, " user group invalid-user ", class{apply: func(c *Conn) { c.User = name }, root: name == "root"})
	}
	if len(s.args("invalid-user")) > 0 {
		s.add(d, " user group invalid-user ", class{apply: func(c *Conn) { c.User, c.InvalidUser = AnyUser, true }})
	}
	return d
}

// speakable reports whether a value can stand in sshd's -C option.
func speakable(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == ',' || r == 0x7f })
}

// origins are pairs of client address and host name. Without UseDNS sshd knows a
// client by its address alone.
func (s *search) origins() *dimension {
	d := &dimension{}
	lists := s.args("address")
	useDNS := s.config.global.Settings()["usedns"].Values[0] == "yes"
	if !useDNS {
		lists = append(lists, s.args("host")...)
	}
	add := func(address, host string, public bool) {
		if speakable(host) {
			s.add(d, " address host ", class{apply: func(c *Conn) { c.Address, c.Host = address, host }, public: public})
		}
	}
	found := sample.Addresses(lists)
	for _, address := range sample.Public() {
		add(address, address, true)
	}
	for _, address := range found {
		add(address, address, false)
	}
	if !useDNS {
		return d
	}
	for _, list := range s.args("host") {
		for _, host := range sample.Names(list) {
			for _, address := range sample.Public() {
				add(address, host, false)
			}
			for _, address := range found[:min(len(found), 32)] {
				add(address, host, false)
			}
		}
	}
	return d
}

func (s *search) localAddresses() *dimension {
	d := &dimension{}
	for _, address := range append([]string{"192.0.2.10", "2001:db8::10"}, sample.Addresses(s.args("localaddress"))...) {
		s.add(d, " localaddress ", class{apply: func(c *Conn) { c.LocalAddress = address }})
	}
	return d
}

func (s *search) localPorts() *dimension {
	d := &dimension{}
	var ports []string
	for _, listen := range s.config.global.Settings()["listenaddress"].Values {
		ports = append(ports, listen[strings.LastIndexByte(listen, ':')+1:])
	}
	for _, arg := range append(ports, s.args("localport")...) {
		port, _ := strconv.Atoi(arg)
		if port == 0 {
			continue
		}
		s.add(d, " localport ", class{apply: func(c *Conn) { c.LocalPort = port }})
	}
	if len(d.classes) == 0 {
		s.add(d, " localport ", class{apply: func(c *Conn) { c.LocalPort = 22 }})
	}
	return d
}

func (s *search) domains() *dimension {
	d := &dimension{}
	s.add(d, " rdomain ", class{apply: func(*Conn) {}})
	for _, list := range s.args("rdomain") {
		for _, name := range sample.Names(list) {
			if speakable(name) {
				s.add(d, " rdomain ", class{apply: func(c *Conn) { c.RDomain = name }})
			}
		}
	}
	return d
}

// combine goes through all combinations of classes and keeps the first of each
// kind.
func (s *search) combine(dims []*dimension) []Group {
	var out []Group
	seen := map[string]bool{}
	picked := make([]class, len(dims))
	var walk func(i int)
	walk = func(i int) {
		if i < len(dims) {
			for _, c := range dims[i].classes {
				picked[i] = c
				walk(i + 1)
			}
			return
		}
		g := s.group(picked)
		id := g.Key + strconv.FormatBool(picked[0].root)
		if !seen[id] {
			seen[id] = true
			out = append(out, g)
		}
	}
	walk(0)
	return out
}

func (s *search) group(picked []class) Group {
	var g Group
	for _, c := range picked {
		c.apply(&g.Conn)
		g.Public = g.Public || c.public
	}
	key := make([]byte, len(s.config.blocks))
	for i, b := range s.config.blocks {
		key[i] = '1'
		if b.never || s.parents[i] >= 0 && key[s.parents[i]] == '0' ||
			slices.ContainsFunc(picked, func(c class) bool { return !c.blocks[i] }) ||
			slices.ContainsFunc(b.criteria, func(k criterion) bool { return k.kind == "" }) {
			key[i] = '0'
		}
	}
	g.Key = string(key)
	return g
}

// mostPermissive keeps the groups of the MaxKeys keys that permit most. The
// first one, the plainest, is always kept.
func (c *Config) mostPermissive(groups []Group) []Group {
	if limit := max(4*MaxKeys, maxWork/(1+c.lines)); len(groups) > limit {
		groups = groups[:limit]
	}
	score := map[string]int{}
	var keys []string
	for _, g := range groups {
		if _, done := score[g.Key]; done {
			continue
		}
		keys = append(keys, g.Key)
		if settings, err := c.Effective(g.Conn); err == nil {
			score[g.Key] = permits(settings)
		}
	}
	slices.SortStableFunc(keys[1:], func(a, b string) int { return score[b] - score[a] })
	keep := map[string]bool{}
	for _, key := range keys[:min(len(keys), MaxKeys)] {
		keep[key] = true
	}
	return slices.DeleteFunc(groups, func(g Group) bool { return !keep[g.Key] })
}

// permits weighs how much settings let in: passwords and root first.
func permits(settings map[string]Value) int {
	value := func(keyword string) string { return settings[keyword].Values[0] }
	n := map[string]int{"yes": 80, "without-password": 20, "forced-commands-only": 10}[value("permitrootlogin")]
	for keyword, weight := range map[string]int{
		"permitemptypasswords": 100, "passwordauthentication": 60, "kbdinteractiveauthentication": 30,
		"hostbasedauthentication": 20, "x11forwarding": 4, "allowtcpforwarding": 3, "gatewayports": 3,
	} {
		if value(keyword) != "no" {
			n += weight
		}
	}
	return n
}
