package exposure

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/ask/asktest"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// inside runs f in a network namespace of its own, with an interface that leads
// outside. /proc/net is that of the thread that runs it, not of the process.
func inside(t testing.TB, setup string, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := errors.Join(unix.Unshare(unix.CLONE_NEWNET|unix.CLONE_FS), unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("/proc/thread-self/net", "/proc/self/net", "", unix.MS_BIND, ""))
		if err == nil {
			cmd := exec.Command("sh", "-ec", `ip link set lo up
				ip link add eth0 type veth peer name far0
				ip addr add 203.0.113.10/24 dev eth0; ip -6 addr add 2001:db8::10/64 dev eth0 nodad
				ip link set eth0 up; ip link set far0 up; ip route add default via 203.0.113.1
			`+setup)
			out, errSetup := cmd.CombinedOutput()
			if err = errSetup; err != nil {
				t.Errorf("set up (Debian packages iproute2, nftables): %s", out)
			}
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

const dropping = `nft -f - <<'END'
table inet filter {
	chain input {
		type filter hook input priority 0; policy drop;
		iif lo accept
		ct state established accept
		tcp dport { 22, 8000-8010 } accept
		udp sport 53 udp dport 5353 accept
	}
}
END
`

func listen(t *testing.T, network, address string) {
	t.Helper()
	var c interface{ Close() error }
	var err error
	if strings.HasPrefix(network, "tcp") {
		c, err = net.Listen(network, address)
	} else {
		c, err = net.ListenPacket(network, address)
	}
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { _ = c.Close() })
}

// TestScan: what listens behind a real packet filter, and who gets to it.
func TestScan(t *testing.T) {
	var look Look
	inside(t, dropping, func() {
		for _, s := range [][2]string{{"tcp4", "0.0.0.0:22"}, {"tcp4", "0.0.0.0:23"}, {"tcp4", "127.0.0.1:8000"}, {"tcp", "[::]:8001"}, {"tcp4", "203.0.113.10:8002"},
			{"udp4", "0.0.0.0:5353"}, {"udp4", "0.0.0.0:5354"}} {
			listen(t, s[0], s[1])
		}
		var err error
		if look, err = Scan(t.Context(), hostfs.Root{}); err != nil {
			t.Error(err)
		}
	})
	want := map[string]string{"tcp 0.0.0.0:22": Accept, "tcp 0.0.0.0:23": Drop, "tcp 127.0.0.1:8000": Drop, "tcp [::]:8001": Accept, "tcp 203.0.113.10:8002": Accept,
		"udp 0.0.0.0:5353": Accept, "udp 0.0.0.0:5354": Drop}
	for _, s := range look.Sockets {
		name := s.Protocol + " " + net.JoinHostPort(s.Address, itoa(s.Port))
		if s.Reachable.Verdict != want[name] || s.PID != os.Getpid() || s.Comm == "" || s.Exe == "" || s.User != "root" {
			t.Errorf("%s: got %+v", name, s)
		}
		delete(want, name)
	}
	if len(want) > 0 || look.Unowned != 0 || look.More != 0 {
		t.Errorf("missing %v in %+v", want, look)
	}
	f := look.Filter
	if !f.Known || f.Input != 1 || f.Rules != 4 || f.IPv4.Input.Verdict != Drop || f.IPv6.Input.Verdict != Drop || f.IPv4.Loopback.Verdict != Accept ||
		f.IPv4.Established.Verdict != Accept || f.IPv4.Forward.Verdict != Accept || f.IPv4.Spoofed.Verdict != Drop || !f.IPv4.Present || !f.IPv6.Present {
		t.Errorf("got %+v", f)
	}
	open := []Open{{"tcp", 22, 22, true, true, true}, {"tcp", 8000, 8010, true, true, true}}
	if !slices.Equal(f.Open, open) || !f.OpenKnown {
		t.Errorf("got %+v, %v", f.Open, f.OpenKnown)
	}
	i := slices.IndexFunc(look.Interfaces, func(i Interface) bool { return i.Name == "eth0" })
	if i < 0 || !look.Interfaces[i].Public || look.Interfaces[i].Kind != "veth" || !slices.Contains(look.Interfaces[i].Addresses, "203.0.113.10/24") {
		t.Errorf("got %+v", look.Interfaces)
	}
}

// TestManyAddresses: that an interface has more than are listed is said.
func TestManyAddresses(t *testing.T) {
	for n, more := range map[int]bool{20: false, maxAddresses: true} { // beside those it has
		inside(t, "seq -f 'addr add 198.51.100.%g/32 dev eth0' "+itoa(n)+" | ip -batch -", func() {
			if look, err := Scan(t.Context(), hostfs.Root{}); err != nil || look.Others != more {
				t.Errorf("%d: others: %v, %v", n, look.Others, err)
			}
		})
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// TestOpenHost: without rules everything is let in.
func TestOpenHost(t *testing.T) {
	inside(t, "ip link set eth0 promisc on", func() {
		listen(t, "tcp4", "0.0.0.0:23")
		look, err := Scan(t.Context(), hostfs.Root{})
		if err != nil || len(look.Sockets) != 1 || look.Sockets[0].Reachable.Verdict != Accept {
			t.Errorf("got %+v, %v", look.Sockets, err)
			return
		}
		f := look.Filter
		if f.Input != 0 || f.IPv4.Input.Verdict != Accept || len(f.Open) != 2 || f.Open[0].To != 65535 {
			t.Errorf("got %+v", f)
		}
		for _, i := range look.Interfaces {
			if (i.Promisc > 0) != (i.Name == "eth0") {
				t.Errorf("got %+v", i)
			}
		}
	})
}

// TestNoWayOut: a host that nothing leads to is reached by nobody.
func TestNoWayOut(t *testing.T) {
	inside(t, "ip link del eth0", func() {
		listen(t, "tcp4", "0.0.0.0:23")
		look, err := Scan(t.Context(), hostfs.Root{})
		if err != nil || len(look.Sockets) != 1 || look.Sockets[0].Reachable.Verdict != Drop || look.Filter.IPv4.Present {
			t.Errorf("got %+v, %v", look, err)
		}
	})
}

func TestScopeOf(t *testing.T) {
	for address, want := range map[string]string{
		"0.0.0.0": ScopeAny, "::": ScopeAny, "127.0.0.53": ScopeLoopback, "::1": ScopeLoopback, "::ffff:127.0.0.1": ScopeLoopback, "169.254.1.1": ScopeLink, "fe80::1": ScopeLink,
		"10.0.0.1": ScopePrivate, "192.168.1.1": ScopePrivate, "100.64.0.1": ScopePrivate, "100.128.0.1": ScopePublic, "fd00::1": ScopePrivate, "8.8.8.8": ScopePublic, "2a01::1": ScopePublic,
	} {
		if got := ScopeOf(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

// FuzzSocket: a socket that is found waits for others, at a port.
func FuzzSocket(f *testing.F) {
	f.Add("0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1")
	f.Add("1: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 0 0 0 101 0 9 1")
	f.Add("2: 0100007F:0016 0B00000A:9999 01 0 0 0 0 0 1")
	f.Fuzz(func(t *testing.T, line string) {
		w, state, ok := parseSocket(line)
		if ok && (w.Port == 0 || !w.local.IsValid() || w.Scope == "" || w.IPv4 == w.IPv6 || state != listening && state != unconnected) {
			t.Errorf("got %+v", w)
		}
	})
}

func TestFamilies(t *testing.T) {
	parse := func(line, protocol string) waiting {
		w, _, ok := parseSocket(line)
		if !ok {
			t.Fatal(line)
		}
		w.Protocol = protocol
		return w
	}
	const rest = " 00000000:0000 0A 0 0 0 0 0 4711 1"
	list := []waiting{parse("0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0 0 0 0 0 1 1", "tcp"),
		parse("0: 00000000:0016"+rest, "tcp"), parse("0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0 0 0 0 0 1 1", "tcp")}
	families(list)
	if list[0].IPv4 || !list[1].IPv4 || !list[2].IPv4 || !list[2].IPv6 {
		t.Errorf("got %+v", list)
	}
}

// TestReply: an answer is bounded, and what is not one is refused.
func TestReply(t *testing.T) {
	long := strings.Repeat("x\xff", 5000)
	l := Look{Limited: long, Stale: "old", Filter: Blind(long)}
	for range maxSockets + 1 {
		l.Sockets = append(l.Sockets, Socket{Exe: long, Reachable: Outcome{Verdict: "maybe", By: long}})
	}
	l.Interfaces = []Interface{{Name: long, Addresses: slices.Repeat([]string{long}, maxAddresses+1)}}
	l.Sysctl = map[string]string{"net.x": long}
	l.Filter.Open = make([]Open, maxOpen+1)
	data, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseReply(data)
	if err != nil || len(got.Sockets) != maxSockets || len(got.Sockets[0].Exe) > maxWord || got.Sockets[0].Reachable.Verdict != Unknown || got.Stale != "" ||
		len(got.Interfaces[0].Addresses) != maxAddresses || len(got.Sysctl["net.x"]) > maxValue || len(got.Filter.IPv4.Input.By) > maxBy {
		t.Errorf("got %.500v, %v", got, err)
	}
	if got.More != 1 || !got.Others || !got.Filter.OpenMore || len(got.Filter.Open) != maxOpen {
		t.Errorf("%d more sockets, others: %v, %d open, more: %v", got.More, got.Others, len(got.Filter.Open), got.Filter.OpenMore)
	}
	for _, whole := range []string{`{"interfaces":[{}],"more":-1}`, `{"interfaces":[{"addresses":["::1/128"]}],"sockets":[{}]}`} {
		if got, err := parseReply([]byte(whole)); err != nil || got.More != 0 || got.Others || got.Filter.OpenMore {
			t.Errorf("%s: %+v, %v", whole, got, err)
		}
	}
	for _, bad := range []string{"", "{}", "nonsense", `{"interfaces": 7}`, `{"interfaces": []}`} {
		if _, err := parseReply([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzReply: an answer that is taken has no missing lists.
func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"interfaces":[{"name":"lo"}],"sockets":null,"filter":{"open":[{}],"ipv4":{"input":{"verdict":"accept"}}},"new":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseReply(data)
		if err != nil {
			return
		}
		if l.Sockets == nil || l.Filter.Tables == nil || l.Filter.Open == nil || l.Filter.Legacy == nil || l.Filter.IPv6.Forward.Verdict == "" {
			t.Errorf("got %+v", l)
		}
	})
}

// TestReader: one look is shared, and who may not look asks.
func TestReader(t *testing.T) {
	root, err := hostfs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader("/nowhere")
	if _, err := r.Look(t.Context(), fact.Env{Root: root, Now: time.Now}); !errors.Is(err, errImage) {
		t.Errorf("an image: %v", err)
	}
	live := fact.Env{Now: time.Now}
	first, err := r.Look(t.Context(), live)
	if err != nil || len(first.Interfaces) == 0 {
		t.Fatalf("got %+v, %v", first, err)
	}
	at := r.at
	if _, err := r.Look(t.Context(), live); err != nil || r.at != at {
		t.Errorf("a second look, %v", err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = errors.Join(Serve(context.Background(), conn, hostfs.Root{}, []string{"net.ipv4.ip_forward", "kernel.panic", "net.../x"}), conn.Close())
		}
		done <- err
	}()
	asker := NewReader(socket)
	asker.may = func() bool { return false }
	values, err := asker.Sysctl(t.Context(), live)
	if err := errors.Join(err, <-done, l.Close()); err != nil || len(values) != 1 || values["net.ipv4.ip_forward"] == "" {
		t.Errorf("got %v, %v", values, err)
	}
	asker.at = asker.at.Add(-fresh)
	again, err := asker.Look(t.Context(), live)
	if err != nil || again.Stale == "" || len(again.Interfaces) == 0 {
		t.Errorf("nobody answers: got %+v, %v", again, err)
	}
}

// TestOwners: one says what there is and another whose it is; without the other that is
// not known, and with neither of late it stays what it was.
func TestOwners(t *testing.T) {
	var seen Look
	inside(t, "", func() {
		listen(t, "tcp4", "0.0.0.0:23")
		var err error
		if seen, err = scan(hostfs.Root{}); err != nil || len(seen.Inodes) != 1 || seen.Sockets[0].PID != 0 {
			t.Errorf("got %+v, %v", seen, err)
		}
	})
	if t.Failed() {
		return
	}
	reply, err := json.Marshal(seen)
	if err != nil {
		t.Fatal(err)
	}
	live := fact.Env{Now: time.Now}
	r := NewReader(asktest.Reply(t, reply, []byte("{")))
	r.may = func() bool { return false }
	r.held.Socket = asktest.Reply(t, []byte(`{"held":[{"inode":`+itoa(int(seen.Inodes[0]))+`,"pid":4711,"comm":"sshd"},{"inode":0,"pid":1}]}`), []byte("{"))
	for _, want := range []bool{false, true} {
		got, err := r.Look(t.Context(), live)
		if err != nil || got.Unowned != 0 || len(got.Sockets) != 1 || got.Sockets[0].PID != 4711 || (got.Stale != "") != want || (got.Limited != "") != want {
			t.Errorf("got %+v, %v", got, err)
		}
		r.at = r.at.Add(-fresh)
	}
	alone := NewReader(asktest.Reply(t, reply))
	alone.may, alone.held.Socket = r.may, "/nowhere"
	if got, err := alone.Look(t.Context(), live); err != nil || got.Unowned != 1 || got.Sockets[0].PID != 0 || !strings.Contains(got.Limited, "nowhere") {
		t.Errorf("got %+v, %v", got, err)
	}
	for reply, want := range map[string]int{`{"interfaces":[{}],"sockets":[{},{}],"inodes":[7]}`: 2, `{"interfaces":[{}],"sockets":[{}],"inodes":[7,8]}`: 1} {
		if l, err := parseReply([]byte(reply)); err != nil || len(l.Inodes) != want {
			t.Errorf("%s: got %v, %v", reply, l.Inodes, err)
		}
	}
}

// BenchmarkScan is a look through 300 rules that name 50 ports.
func BenchmarkScan(b *testing.B) {
	rules := "table inet filter {\nchain own {\n" + strings.Repeat("ip saddr 10.0.0.0/8 tcp dport 5000-5010 counter accept\n", 250) + "}\nchain input {\ntype filter hook input priority 0; policy drop;\nct state established accept\njump own\n"
	for port := range 50 {
		rules += "tcp dport " + itoa(1000+3*port) + " accept\n"
	}
	inside(b, "nft -f - <<'END'\n"+rules+"}\n}\nEND\n", func() {
		for b.Loop() {
			if look, err := Scan(b.Context(), hostfs.Root{}); err != nil || len(look.Filter.Open) != 50 {
				b.Errorf("got %+v, %v", look.Filter.Open, err)
				return
			}
		}
	})
}
