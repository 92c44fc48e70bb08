package exposure

import (
	"cmp"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
	"seawall/pkg/nftables"
	"seawall/pkg/nftables/ports"
	"seawall/pkg/nftables/reach"
	"seawall/pkg/text"
)

const (
	maxTables = 200 // that are shown: all of them are asked
	maxOpen   = 200
	// maxPorts bounds at how many ports the rules are asked: those of some clusters
	// name thousands.
	maxPorts = 300
	maxBy    = 300
	// usual is the source port of the packets that are thought of.
	usual = 54321
)

// quiet are ports that hardly any rule names: what becomes of one is what becomes of
// those that nobody speaks of.
var quiet = [...]uint16{48557, 2609}

// strangers are addresses in different parts of the Internet: rules that let in some
// of them let in strangers.
func strangers(six bool) []netip.Addr {
	if six {
		return []netip.Addr{netip.MustParseAddr("2a01:4f8:c0c:1::1"), netip.MustParseAddr("2600:1f18:24::7"), netip.MustParseAddr("2001:e68:5400::9")}
	}
	return []netip.Addr{netip.MustParseAddr("91.198.174.77"), netip.MustParseAddr("52.20.10.5"), netip.MustParseAddr("175.45.10.9")}
}

// filter is what is loaded, ready to be asked.
type filter struct {
	Filter
	loaded *nftables.Ruleset
	rules  *reach.Filter // nil where they are not known
	links  *links
}

// readFilter reads the rules that are loaded.
func readFilter(l *links, root hostfs.Root) filter {
	f := filter{links: l, Filter: Filter{Tables: []Table{}, Legacy: legacy(), Open: []Open{}}}
	rules, err := load(root)
	if err != nil {
		f.Reason = text.Clean("read the rules: "+err.Error(), maxBy)
		return f
	}
	f.Known = true
	f.loaded, f.rules = rules, reach.New(rules)
	f.rules.Route = l.route
	f.Input = max(f.rules.Chains(false), f.rules.Chains(true))
	for _, t := range rules.Tables {
		table := Table{Family: nftables.FamilyName(t.Family), Name: text.Clean(t.Name, maxWord)}
		for _, c := range rules.Chains {
			if c.Family == t.Family && c.Table == t.Name {
				table.Chains++
				table.Rules += len(c.Rules)
			}
		}
		f.Rules += table.Rules
		if len(f.Tables) < maxTables {
			f.Tables = append(f.Tables, table)
		}
	}
	return f
}

// load reads the rules, unless nf_tables is a module that was not loaded: asking
// would load it.
func load(root hostfs.Root) (*nftables.Ruleset, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, err
	}
	if !root.Exists("/sys/module/nf_tables") {
		base := "/lib/modules/" + unix.ByteSliceToString(name.Release[:]) + "/kernel/net/netfilter/nf_tables.ko"
		for _, packed := range []string{"", ".xz", ".zst", ".gz"} {
			if _, err := root.Stat(base + packed); err == nil {
				return nftables.Decode(nil)
			}
		}
	}
	rules, err := nftables.Load()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPROTONOSUPPORT) { // a kernel without nf_tables
		return nftables.Decode(nil)
	}
	return rules, err
}

// legacy names the tables of iptables-legacy, which has a kernel interface of its own.
func legacy() []string {
	list := []string{}
	for _, version := range []string{"ip", "ip6"} {
		data, err := hostfs.Root{}.ReadFile("/proc/net/"+version+"_tables_names", 4<<10)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				list = append(list, version+" (not readable)")
			}
			continue
		}
		for name := range strings.FieldsSeq(string(data)) {
			if len(list) < maxTables {
				list = append(list, version+" "+text.Clean(name, maxWord))
			}
		}
	}
	return list
}

// judge turns an answer into an outcome. What iptables-legacy would do to a packet
// that nf_tables lets in is not known.
func (f *filter) judge(a reach.Answer, six bool) Outcome {
	prefix := "ip "
	if six {
		prefix = "ip6 "
	}
	hasLegacy := slices.ContainsFunc(f.Legacy, func(s string) bool { return strings.HasPrefix(s, prefix) })
	switch {
	case a.Verdict == reach.Drop:
		return Outcome{Drop, text.Clean(a.By, maxBy)}
	case a.Verdict == reach.Accept && hasLegacy:
		return Outcome{Unknown, "rules of iptables-legacy are loaded, which are not read"}
	case a.Verdict == reach.Accept:
		return Outcome{Accept, text.Clean(a.By, maxBy)}
	}
	return Outcome{Unknown, text.Clean(a.By, maxBy)}
}

// stranger answers for the first packet of strangers to a port of this host: let in
// when one of them is, from whatever source port.
func (f *filter) stranger(protocol uint8, to netip.Addr, in Interface, port uint16) Outcome {
	if f.rules == nil {
		return Outcome{Unknown, f.Reason}
	}
	six := to.Is6()
	var last Outcome
	for _, from := range strangers(six) {
		p := reach.Packet{In: in.link(), Src: from, Dst: to, Proto: protocol, SrcPort: usual, DstPort: port}
		out := f.judge(f.rules.Input(p), six)
		if out.Verdict == Drop { // does any source port open it?
			p.AnySource = true
			if f.judge(f.rules.Input(p), six).Verdict != Drop {
				out = f.bySource(p, six, out)
			}
		}
		if out.Verdict == Accept {
			return out
		}
		if last.Verdict != Unknown {
			last = out
		}
	}
	return last
}

// bySource tries the source ports of well-known services, which are what rules name.
func (f *filter) bySource(p reach.Packet, six bool, usually Outcome) Outcome {
	p.AnySource = false
	for _, port := range []uint16{53, 67, 68, 123, 20, 80, 443, 546, 547, 88} {
		p.SrcPort = port
		if out := f.judge(f.rules.Input(p), six); out.Verdict == Accept {
			return out
		}
	}
	return usually
}

// policies finds out what becomes of what no rule names.
func (f *filter) policies() {
	f.IPv4, f.IPv6 = f.policy(false), f.policy(true)
}

func (f *filter) policy(six bool) Policy {
	nowhere := Outcome{Unknown, cmp.Or(f.Reason, "no interface leads to the Internet")}
	p := Policy{Input: nowhere, Forward: nowhere, Output: nowhere, Loopback: nowhere, Spoofed: nowhere, Established: nowhere}
	in, own, present := f.links.outside(six)
	p.Present = present
	if f.rules == nil {
		return p
	}
	if !present { // the rules are there all the same
		in, own = f.anyLink(), netip.MustParseAddr("192.0.2.10")
		if six {
			own = netip.MustParseAddr("2001:db8::10")
		}
	}
	them := strangers(six)[0]
	p.Input = f.worst(func(protocol uint8, port uint16) Outcome { return f.stranger(protocol, own, in, port) })
	ask := func(answer func(reach.Packet) reach.Answer, change func(*reach.Packet)) Outcome {
		return f.worst(func(protocol uint8, port uint16) Outcome {
			packet := reach.Packet{In: in.link(), Src: them, Dst: own, Proto: protocol, SrcPort: usual, DstPort: port}
			change(&packet)
			return f.judge(answer(packet), six)
		})
	}
	local := netip.MustParseAddr("127.0.0.1")
	if six {
		local = netip.IPv6Loopback()
	}
	p.Forward = ask(f.rules.Forward, func(q *reach.Packet) { q.Dst, q.Out = strangers(six)[1], reach.Link{Index: -1} })
	p.Output = ask(f.rules.Output, func(q *reach.Packet) { q.In, q.Out, q.Src, q.Dst = reach.Link{}, in.link(), own, them })
	p.Loopback = ask(f.rules.Input, func(q *reach.Packet) { q.In, q.Src, q.Dst = reach.Link{Name: "lo", Index: 1}, local, local })
	p.Spoofed = ask(f.rules.Input, func(q *reach.Packet) { q.Src, q.Stray = local, true })
	p.Established = ask(f.rules.Input, func(q *reach.Packet) { q.Established, q.SrcPort, q.DstPort = true, 443, usual })
	return p
}

// anyLink is an interface to think of where none leads outside.
func (f *filter) anyLink() Interface {
	for _, i := range f.links.all {
		if !i.Loopback {
			return i
		}
	}
	return Interface{Name: "eth0", Index: 2}
}

// worst asks for both protocols and several ports: one that gets through counts.
func (f *filter) worst(ask func(protocol uint8, port uint16) Outcome) Outcome {
	var out Outcome
	for _, protocol := range []uint8{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		var one Outcome
		for _, port := range quiet {
			got := ask(protocol, port)
			// A range of ports that holds one of these is no policy.
			if one.Verdict == "" || got.Verdict == Drop || one.Verdict == Accept && got.Verdict == Unknown {
				one = got
			}
		}
		if out.Verdict == "" || one.Verdict == Accept || out.Verdict == Drop {
			out = one
		}
	}
	return out
}

// openings finds the ports that are let in.
func (f *filter) openings(list []waiting) {
	if f.rules == nil {
		return
	}
	points := ports.Of(f.loaded)
	for _, w := range list {
		points = append(points, uint16(w.Port), uint16(w.Port)+1)
	}
	slices.Sort(points)
	points = slices.Compact(points)
	f.OpenKnown = true
	for name, protocol := range map[string]uint8{"tcp": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP} {
		for _, six := range []bool{false, true} {
			f.open(name, protocol, six, points)
		}
	}
	slices.SortFunc(f.Open, func(a, b Open) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	f.OpenMore, f.Open = len(f.Open) > maxOpen, first(f.Open, maxOpen)
	for i := range f.Open {
		o := &f.Open[i]
		o.Listener = slices.ContainsFunc(list, func(w waiting) bool {
			return w.Protocol == o.Protocol && w.Port >= o.From && w.Port <= o.To && w.Scope != ScopeLoopback && (o.IPv4 && w.IPv4 || o.IPv6 && w.IPv6)
		})
	}
}

// open asks for the ranges of one protocol and version of IP.
func (f *filter) open(name string, protocol uint8, six bool, ports []uint16) {
	in, own, ok := f.links.outside(six)
	if !ok {
		return
	}
	every := reach.Packet{In: in.link(), Src: strangers(six)[0], Dst: own, Proto: protocol, AnyPort: true}
	if f.rules.Input(every).Verdict == reach.Drop {
		return
	}
	if len(ports) > maxPorts {
		f.OpenKnown = false
		return
	}
	from := -1
	add := func(to int) {
		if from < 0 {
			return
		}
		at := slices.IndexFunc(f.Open, func(o Open) bool { return o.Protocol == name && o.From == from && o.To == to })
		if at < 0 {
			f.Open = append(f.Open, Open{Protocol: name, From: from, To: to})
			at = len(f.Open) - 1
		}
		f.Open[at].IPv4 = f.Open[at].IPv4 || !six
		f.Open[at].IPv6 = f.Open[at].IPv6 || six
		from = -1
	}
	for _, port := range ports {
		p := reach.Packet{In: in.link(), Src: strangers(six)[0], Dst: own, Proto: protocol, SrcPort: usual, DstPort: port}
		switch f.judge(f.rules.Input(p), six).Verdict {
		case Accept:
			if from < 0 {
				from = int(port)
			}
			continue
		case Unknown:
			f.OpenKnown = false
		}
		add(int(port) - 1)
	}
	const last = 65535
	add(last)
}

// reachableAny is reachable of a socket that is bound to every address.
func (f *filter) reachableAny(w *waiting, protocol uint8) Outcome {
	out := Outcome{Drop, "no interface leads to the Internet"}
	for _, six := range []bool{false, true} {
		in, own, ok := f.links.outside(six)
		if !ok || six && !w.IPv6 || !six && !w.IPv4 {
			continue
		}
		switch got := f.stranger(protocol, own, in, uint16(w.Port)); {
		case got.Verdict == Accept:
			return got
		case out.Verdict != Unknown:
			out = got
		}
	}
	return out
}

// reachable says whether strangers get to a socket.
func (f *filter) reachable(w *waiting) Outcome {
	protocol := uint8(unix.IPPROTO_TCP)
	if w.Protocol == "udp" {
		protocol = unix.IPPROTO_UDP
	}
	switch w.Scope {
	case ScopeLoopback:
		return Outcome{Drop, "bound to a loopback address"}
	case ScopeLink:
		return Outcome{Drop, "bound to an address of its link"}
	case ScopeAny:
		return f.reachableAny(w, protocol)
	}
	in, ok := f.links.holding(w.local)
	if ok && !in.Public || w.local.IsMulticast() {
		return Outcome{Drop, "its interface does not lead to the Internet"}
	}
	if !ok { // of another host, or not there yet
		return Outcome{Drop, "no interface has this address"}
	}
	return f.stranger(protocol, w.local, in, uint16(w.Port))
}
