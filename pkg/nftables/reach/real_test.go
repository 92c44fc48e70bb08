package reach

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
	"seawall/pkg/nftables/nftest"
	"seawall/pkg/nftables/ports"
)

// ufwRules is what ufw 0.36.2 loads for IPv4, with "default deny incoming", "allow
// 22/tcp", "limit 2222/tcp" and "allow from 10.0.0.0/8 to any port 5432", as
// iptables-restore takes it.
const ufwRules = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-not-local - [0:0]
:ufw-user-input - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
:ufw-skip-to-policy-input - [0:0]
:ufw-after-input - [0:0]
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp --icmp-type echo-request -j ACCEPT
-A ufw-before-input -p udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251 -p udp --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j LOG
-A ufw-not-local -j DROP
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
-A ufw-user-input -p tcp --dport 2222 -m conntrack --ctstate NEW -m recent --set --name DEFAULT
-A ufw-user-input -p tcp --dport 2222 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 --name DEFAULT -j ufw-user-limit
-A ufw-user-input -p tcp --dport 2222 -j ufw-user-limit-accept
-A ufw-user-input -s 10.0.0.0/8 -p tcp --dport 5432 -j ACCEPT
-A ufw-user-input -p tcp -m multiport --dports 8080,9000:9010 -j ACCEPT
-A ufw-user-limit -m limit --limit 3/min -j LOG
-A ufw-user-limit -j REJECT
-A ufw-user-limit-accept -j ACCEPT
-A ufw-after-input -p udp --dport 137 -j ufw-skip-to-policy-input
-A ufw-skip-to-policy-input -j DROP
COMMIT
*nat
-A PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 8888 -j DNAT --to-destination 172.17.0.2:80
COMMIT
`

// TestUFW: rules of iptables-nft, with matches of xtables in them.
func TestUFW(t *testing.T) {
	var rules *nftables.Ruleset
	nftest.Inside(t, func() {
		run(t, ufwRules, "iptables-nft-restore")
		run(t, "", "iptables-nft", "-A", "FORWARD", "-d", "172.17.0.2/32", "!", "-i", "docker0", "-o", "docker0", "-p", "tcp", "--dport", "80", "-j", "ACCEPT")
		var err error
		if rules, err = nftables.Load(); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	f := New(rules)
	f.Route = func(a netip.Addr) (Link, bool) {
		return Link{"docker0", 9}, a == netip.MustParseAddr("192.0.2.10")
	}
	friend, dhcp, strange := from(5432), udp(from(68)), from(22)
	friend.Src, dhcp.SrcPort = netip.MustParseAddr("10.1.2.3"), 67
	strange.Src, strange.Stray = netip.MustParseAddr("127.0.0.1"), true
	for name, tt := range map[string]struct {
		p    Packet
		want Verdict
	}{
		"ssh": {from(22), Accept}, "limited": {from(2222), Accept}, "closed": {from(23), Drop}, "udp": {udp(from(22)), Drop},
		"a friend": {friend, Accept}, "a stranger": {from(5432), Drop}, "multiport": {from(9005), Accept}, "beyond": {from(9011), Drop},
		"dhcp": {dhcp, Accept}, "dhcp, other source": {udp(from(68)), Drop}, "container": {from(8888), Accept}, "its port here": {from(80), Drop},
	} {
		if got := f.Input(tt.p); got.Verdict != tt.want {
			t.Errorf("%s: got %s", name, show(got))
		}
	}
	p := dhcp
	p.AnySource = true
	if got := f.Input(p); got.Verdict != Unknown {
		t.Errorf("from a port that is not known: got %s", show(got))
	}
	if got := f.Forward(Packet{In: eth0, Out: Link{Index: -1}, Src: strange.Dst, Dst: netip.MustParseAddr("198.18.0.1"), Proto: 6, DstPort: 80}); got.Verdict != Drop {
		t.Errorf("forward: got %s", show(got))
	}
	if list := ports.Of(rules); len(list) < 10 || len(list) > 60 || !slices.Contains(list, 9011) || !slices.Contains(list, 5432) {
		t.Errorf("ports that decide: %v", list)
	}
	if n := f.Chains(false); n != 1 {
		t.Errorf("%d chains for input", n)
	}
}

// TestKernel: for rules made up at random the kernel itself does with a datagram what
// is said here.
func TestKernel(t *testing.T) {
	const rounds, span = 60, 24
	random := rand.New(rand.NewPCG(1, 2))
	nftest.Inside(t, func() {
		run(t, "", "ip", "link", "set", "lo", "up")
		for i, tries := 0, 0; i < rounds; tries++ {
			text := randomRules(random)
			cmd := exec.Command("nft", "-f", "-")
			cmd.Stdin = strings.NewReader("flush ruleset\n" + text)
			if out, err := cmd.CombinedOutput(); err != nil { // some pairs of matches contradict each other
				if tries > 4*rounds {
					t.Errorf("nft refuses most: %v\n%s", err, out)
					return
				}
				continue
			}
			i++
			rules, err := nftables.Load()
			if err != nil {
				t.Error(err)
				return
			}
			f := New(rules)
			for port := uint16(1000); port < 1000+span; port++ {
				to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
				source, came, err := send(to)
				if err != nil {
					t.Error(err)
					return
				}
				got := f.Input(Packet{In: lo, Src: to.Addr(), Dst: to.Addr(), Proto: unix.IPPROTO_UDP, SrcPort: source, DstPort: port})
				if want := map[bool]Verdict{true: Accept, false: Drop}[came]; got.Verdict != want {
					t.Errorf("round %d, port %d from %d: got %s, the kernel says %s\n%s", i, port, source, show(got), want, text)
				}
			}
		}
	})
}

// send sends a datagram to a socket that it makes, and says whether it came. On the
// loopback interface that is so, or not, when the call has returned.
func send(to netip.AddrPort) (source uint16, came bool, err error) {
	in, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(to))
	if err != nil {
		return 0, false, err
	}
	defer in.Close()
	out, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return 0, false, err
	}
	defer out.Close()
	_, _ = out.Write([]byte("x")) // a filter for output may refuse it
	raw, err := in.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	errRead := raw.Control(func(fd uintptr) {
		n, _, e := unix.Recvfrom(int(fd), make([]byte, 4), unix.MSG_DONTWAIT)
		came = e == nil && n == 1
	})
	return out.LocalAddr().(*net.UDPAddr).AddrPort().Port(), came, errRead
}

// randomRules makes rules of everything that is understood.
func randomRules(r *rand.Rand) string {
	port := func() string { return fmt.Sprint(1000 + r.IntN(24)) }
	verdict := func() string {
		return []string{"accept", "drop", "reject", "jump a", "jump b", "goto b", "return", "counter", "continue"}[r.IntN(9)]
	}
	final := func() string { return []string{"accept", "drop", "return"}[r.IntN(3)] }
	match := func() string {
		return []string{
			"udp dport " + port(), "udp dport != " + port(), "udp dport >= " + port(), "udp dport " + port() + "-1023", "udp dport @s", "udp dport != @s",
			"udp dport { " + port() + ", " + port() + " }", "ip saddr 127.0.0.0/8", "ip saddr != 127.0.0.1", "ip daddr 127.0.0.0-127.0.0.9", "iif lo", `iifname "l*"`,
			`iifname != "eth0"`, "meta l4proto { tcp, udp }", "ct state new", "ct state established,related", "ct state != invalid", "fib daddr type local",
			"meta mark 0", "meta mark & 1 == 1", "meta mark set 1", "ip saddr . udp dport @c", "udp dport & 3 == 1", "meta nfproto ipv4", "iiftype loopback",
			"limit rate 1000/second burst 1000 packets", "ct direction original", "meta pkttype host", "udp sport > 100", "ip protocol udp", "@th,16,16 " + port(),
		}[r.IntN(31)]
	}
	chain := func(b *strings.Builder, head string, verdict func() string) {
		fmt.Fprintf(b, "\tchain %s\n", head)
		for range r.IntN(6) {
			line := verdict()
			for range 1 + r.IntN(2) {
				line = match() + " " + line
			}
			if r.IntN(6) == 0 {
				line = fmt.Sprintf("udp dport vmap { %d : %s, %d-%d : %s }", 1000+r.IntN(5), final(), 1006+r.IntN(5), 1012+r.IntN(9), final())
			}
			b.WriteString("\t\t" + line + "\n")
		}
		b.WriteString("\t}\n")
	}
	var b strings.Builder
	b.WriteString("table inet t {\n\tset s { type inet_service; flags interval; elements = { 1002, 1005-1008, 1015-1020 }; }\n")
	b.WriteString("\tset c { type ipv4_addr . inet_service; flags interval; elements = { 127.0.0.0/8 . 1003-1010, 10.0.0.0/8 . 1000 }; }\n")
	chain(&b, "a {", final)
	chain(&b, "b {", final)
	chain(&b, fmt.Sprintf("early { type filter hook prerouting priority -150; policy %s;", []string{"accept", "accept", "drop"}[r.IntN(3)]), verdict)
	chain(&b, fmt.Sprintf("input { type filter hook input priority 0; policy %s;", []string{"accept", "drop"}[r.IntN(2)]), verdict)
	chain(&b, fmt.Sprintf("later { type filter hook input priority 10; policy %s;", []string{"accept", "accept", "drop"}[r.IntN(3)]), verdict)
	return b.String() + "}\n"
}

// FuzzWalk: whatever the rules say, there is an answer, soon.
func FuzzWalk(f *testing.F) {
	var raw []byte
	nftest.Inside(f, func() {
		run(f, plain, "nft", "-f", "-")
		raw, _ = nftables.Dump()
	})
	f.Add(raw, uint16(22))
	f.Add([]byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, raw []byte, port uint16) {
		rules, err := nftables.Decode(raw)
		if err != nil {
			return
		}
		filter := New(rules)
		ports.Of(rules)
		for _, p := range []Packet{from(port), six(from(port)), udp(from(port))} {
			for _, a := range []Answer{filter.Input(p), filter.Forward(p), filter.Output(p)} {
				if a.Verdict != Unknown && a.Verdict != Drop && a.Verdict != Accept || a.Verdict != Unknown && a.By == "" {
					t.Errorf("got %+v", a)
				}
			}
		}
	})
}

// TestLoop: chains that call each other without end are not followed for ever. The
// kernel refuses them; whoever else made the bytes need not.
func TestLoop(t *testing.T) {
	attr := func(kind uint16, b []byte) []byte {
		out := binary.NativeEndian.AppendUint16(nil, uint16(len(b)+4))
		out = append(binary.NativeEndian.AppendUint16(out, kind), b...)
		return append(out, make([]byte, (4-len(b)%4)%4)...)
	}
	message := func(kind uint16, body ...[]byte) []byte {
		all := []byte{unix.NFPROTO_INET, 0, 0, 0}
		for _, b := range body {
			all = append(all, b...)
		}
		out := binary.NativeEndian.AppendUint32(nil, uint32(len(all)+16))
		out = binary.NativeEndian.AppendUint16(out, kind)
		return append(append(out, make([]byte, 10)...), all...)
	}
	big := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	jump := attr(unix.NFTA_VERDICT_CODE, big(uint32(0xffffffff&(1<<32-3))))
	jump = append(jump, attr(unix.NFTA_VERDICT_CHAIN, []byte("c\x00"))...)
	data := append(attr(unix.NFTA_IMMEDIATE_DREG, big(0)), attr(unix.NFTA_IMMEDIATE_DATA, attr(unix.NFTA_DATA_VERDICT, jump))...)
	expr := attr(unix.NFTA_LIST_ELEM, append(attr(unix.NFTA_EXPR_NAME, []byte("immediate\x00")), attr(unix.NFTA_EXPR_DATA, data)...))
	hook := append(attr(unix.NFTA_HOOK_HOOKNUM, big(unix.NF_INET_LOCAL_IN)), attr(unix.NFTA_HOOK_PRIORITY, big(0))...)
	raw := message(unix.NFT_MSG_NEWCHAIN, attr(unix.NFTA_CHAIN_TABLE, []byte("t\x00")), attr(unix.NFTA_CHAIN_NAME, []byte("c\x00")), attr(unix.NFTA_CHAIN_HOOK, hook))
	for range 3 {
		raw = append(raw, message(unix.NFT_MSG_NEWRULE, attr(unix.NFTA_RULE_TABLE, []byte("t\x00")), attr(unix.NFTA_RULE_CHAIN, []byte("c\x00")),
			attr(unix.NFTA_RULE_EXPRESSIONS, expr))...)
	}
	rules, err := nftables.Decode(raw)
	if err != nil || len(rules.Chains) != 1 || len(rules.Chains[0].Rules) != 3 {
		t.Fatalf("got %+v, %v", rules, err)
	}
	if got := New(rules).Input(from(22)); got.Verdict != Unknown {
		t.Errorf("got %s", show(got))
	}
}
