package reach

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/pkg/nftables"
	"seawall/pkg/nftables/nftest"
)

// run runs a program with its input, in the namespace that it is called in.
func run(t testing.TB, input, name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s %v (Debian packages nftables, iptables, iproute2): %v\n%s", name, args, err, out)
	}
}

// loaded returns the rules that a real nft loads.
func loaded(t testing.TB, text string) (rules *nftables.Ruleset) {
	t.Helper()
	nftest.Inside(t, func() {
		run(t, text, "nft", "-f", "-")
		var err error
		if rules, err = nftables.Load(); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return rules
}

var (
	eth0 = Link{"eth0", 2}
	eth1 = Link{"eth1", 3}
	lo   = Link{"lo", 1}
)

// from is a new TCP connection of a stranger to a port.
func from(port uint16) Packet {
	return Packet{In: eth0, Src: netip.MustParseAddr("45.83.64.1"), Dst: netip.MustParseAddr("192.0.2.10"),
		Proto: unix.IPPROTO_TCP, SrcPort: 54321, DstPort: port}
}

func six(p Packet) Packet {
	p.Src, p.Dst = netip.MustParseAddr("2a01:4f8::1"), netip.MustParseAddr("2001:db8::10")
	return p
}

func udp(p Packet) Packet { p.Proto = unix.IPPROTO_UDP; return p }

const plain = `
table inet filter {
	set open { type inet_service; flags interval; elements = { 22, 80-90, 443 } }
	set friends { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 5432, 45.83.64.0/24 . 3306-3310 } }
	chain input {
		type filter hook input priority 0; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		iif lo accept
		ip saddr 127.0.0.0/8 drop
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport @open ct state new limit rate 10/second accept
		ip saddr . tcp dport @friends accept
		iifname "eth1" jump inside
		ip6 saddr 2001:db8::/32 accept
		udp dport vmap { 53 : accept, 123 : goto inside }
		tcp dport 7000-7010 tcp flags & (syn|ack) == syn accept
		tcp dport 8000 meter flood { ip saddr limit rate over 3/minute } drop
		tcp dport 8000 accept
		tcp dport != 9000 drop
		tcp dport 9000 ip ttl > 5 accept
	}
	chain inside { tcp dport 6379 accept; udp dport 123 accept; return; }
	chain forward { type filter hook forward priority 0; policy drop; }
	chain output { type filter hook output priority 0; policy accept; tcp dport 25 reject; }
}`

func TestInput(t *testing.T) {
	f := New(loaded(t, plain))
	through := func(p Packet, l Link) Packet { p.In = l; return p }
	established := from(5555)
	established.Established = true
	friend := from(5432)
	friend.Src = netip.MustParseAddr("10.3.4.5")
	for name, tt := range map[string]struct {
		p    Packet
		want string
	}{
		"open":              {from(22), "accept inet filter input, handle "},
		"range":             {from(85), "accept"},
		"after the range":   {from(91), "drop"},
		"closed":            {from(23), "drop inet filter input, handle "},
		"closed, udp":       {udp(from(22)), "drop inet filter input, policy"},
		"six":               {six(from(443)), "accept"},
		"six, closed":       {six(from(444)), "drop"},
		"six, a friend":     {Packet{In: eth0, Src: netip.MustParseAddr("2001:db8::7"), Dst: netip.MustParseAddr("2001:db8::1"), Proto: 6, DstPort: 1}, "accept"},
		"lo":                {through(from(5555), lo), "accept"},
		"established":       {established, "accept"},
		"a friend":          {friend, "accept"},
		"a friend's range":  {from(3308), "accept"},
		"beyond that range": {from(3311), "drop"},
		"jump":              {through(from(6379), eth1), "accept inet filter inside"},
		"jump and return":   {through(from(6380), eth1), "drop"},
		"map":               {udp(from(53)), "accept"},
		"goto":              {udp(from(123)), "accept inet filter inside"},
		"goto and back":     {udp(from(124)), "drop"},
		"flags":             {from(7005), "accept"},
		"meter":             {from(8000), "accept"},
		"not known":         {from(9000), "unknown inet filter input, handle"},
		"icmp":              {Packet{In: eth0, Src: from(0).Src, Dst: from(0).Dst, Proto: unix.IPPROTO_ICMP, DstPort: 8}, "accept"},
	} {
		if got := show(f.Input(tt.p)); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
	if got := show(f.Forward(from(80))); got != "drop inet filter forward, policy" {
		t.Errorf("forward: got %s", got)
	}
	if got := show(f.Output(from(25))); !strings.HasPrefix(got, "drop inet filter output, handle") {
		t.Errorf("output: got %s", got)
	}
	if got := show(f.Output(from(26))); got != "accept inet filter output, policy" {
		t.Errorf("output: got %s", got)
	}
}

func show(a Answer) string { return a.Verdict.String() + " " + a.By }
