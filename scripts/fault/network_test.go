package fault

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"seawall/scripts/stage"
)

func networkFaults() []fault {
	return []fault{
		{"F10", "slow link, slow collector", "64 kbit/s, then a collector stopped for 3 s", "uplink's memory flat, writer undisturbed, all arrives", slowLink},
		{"F11", "half-open connection", "every packet dropped both ways after connecting", "noticed in 45 s, reconnects, no loss", halfOpen},
		{"F13", "packets lost", "30 % of the packets dropped each way", "slower, nothing lost", lossy},
		{"F14", "link flaps, MTU black hole", "link down and up 5 times, then packets over 600 bytes dropped", "recovers each time", flapping},
		{"F17", "name service broken", "NXDOMAIN, silence, a false address, then the right one", "no busy loop, false one refused, then connects", badNames},
		{"F18", "IPv6 alone, address changed", "collector on IPv6 only; then the host's address changes", "connects; reconnects from the new one", addresses},
	}
}

// The two ends of a test network.
const (
	hostAddress      = "192.0.2.1"
	collectorAddress = "192.0.2.2"
	hostSix          = "2001:db8::1"
	collectorSix     = "2001:db8::2"
)

// network is two hosts, each a network namespace, and a cable.
type network struct{ host, collector end }

// end is one of the two.
type end struct{ pid int }

// under is what a command is run under to be there as a user.
func (e end) under(uid, gid int) []string {
	return []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", e.pid), "-S", fmt.Sprint(uid), "-G", fmt.Sprint(gid), "--"}
}

// run runs commands of ip, tc or nft there.
func (e end) run(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		must(t, append([]string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", e.pid), "--", "sh", "-c"}, line)...)
	}
}

// drop has the packet filter there drop what matches, both ways.
func (e end) drop(t *testing.T, match string) {
	t.Helper()
	var rules strings.Builder
	rules.WriteString("flush ruleset; table inet fault {")
	for _, hook := range []string{"input", "output"} {
		fmt.Fprintf(&rules, " chain %s { type filter hook %s priority 0; meta l4proto tcp %s drop; };", hook, hook, match)
	}
	e.run(t, fmt.Sprintf("nft '%s }'", rules.String()))
}

func (e end) pass(t *testing.T) { e.run(t, "nft flush ruleset") }

// in runs a function on a thread that is there; what it opens stays there.
func (e end) in(t *testing.T, fn func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", e.pid))
		if err != nil {
			done <- err
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- fn()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func newNetwork(t *testing.T) network {
	t.Helper()
	dir := folder(t)
	hold := func(name string) end {
		p := stage.Launch(t, &stage.Program{Argv: []string{"unshare", "-n", "cat"}, Log: filepath.Join(dir, name+".log"), In: true})
		own, err := os.Readlink("/proc/self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		e := end{p.PID()}
		stage.Await(t, "a network namespace", 30*time.Second, func() bool {
			its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", e.pid))
			return err == nil && its != own
		})
		return e
	}
	n := network{hold("host"), hold("collector")}
	n.host.run(t, "ip link set lo up", fmt.Sprintf("ip link add cable type veth peer name cable netns %d", n.collector.pid),
		"ip addr add "+hostAddress+"/24 dev cable", "ip -6 addr add "+hostSix+"/64 dev cable nodad", "ip link set cable up")
	n.collector.run(t, "ip link set lo up", "ip addr add "+collectorAddress+"/24 dev cable",
		"ip -6 addr add "+collectorSix+"/64 dev cable nodad", "ip link set cable up")
	return n
}

// start starts a system with its ends in the network, the collector on an address.
func (n network) start(t *testing.T, address string, under ...string) *system {
	t.Helper()
	return startSystem(t, ground{
		ingest: address, direct: true,
		collectorUnder: n.collector.under(stage.CollectorUser, stage.CollectorUser),
		uplinkUnder:    append(under, n.host.under(stage.UplinkUser, stage.SpoolGroup)...),
	})
}

const wired = collectorAddress + ":9443"

func slowLink(t *testing.T) string {
	n := newNetwork(t)
	s := n.start(t, wired)
	l := newLedger()
	s.write(t, l, 0, 50)
	s.arrived(t)
	n.host.run(t, "tc qdisc add dev cable root tbf rate 64kbit burst 4k latency 400ms")
	w := startWriter(t, l, s.order(order{Life: 1, Records: 4000, Group: 50}))
	start := time.Now()
	w.settle(t)
	wrote := time.Since(start)
	before := s.findings()
	stage.Await(t, "some of it through the slow link", 30*time.Second, func() bool { return s.findings() > before })
	memory := residentBytes(t, s.uplink)
	n.host.run(t, "tc qdisc del dev cable root")
	s.collector.Signal(unix.SIGSTOP)
	s.write(t, l, 2, 4000)
	hold := time.NewTimer(3 * time.Second) // the fault
	<-hold.C
	memory = max(memory, residentBytes(t, s.uplink))
	s.collector.Signal(unix.SIGCONT)
	s.arrived(t)
	stored, _ := s.exact(t, l)
	if memory > 64<<20 {
		t.Errorf("the uplink has %d MiB", memory>>20)
	}
	return fmt.Sprintf("4000 written in %.1f s, uplink %d MiB at most, %d of %d stored", wrote.Seconds(), memory>>20, stored, len(l.durable))
}

// residentBytes is the memory of a process.
func residentBytes(t *testing.T, p *stage.Program) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}

// disconnected waits until the uplink says that it lost its connection, after from
// bytes of its log.
func (s *system) disconnected(t *testing.T, from int, limit time.Duration) {
	t.Helper()
	stage.Await(t, "the uplink's word on the connection", limit, func() bool {
		return strings.Contains(string(s.uplink.Said()[from:]), "not connected")
	})
}

func halfOpen(t *testing.T) string {
	n := newNetwork(t)
	s := n.start(t, wired)
	l := newLedger()
	s.write(t, l, 0, 50)
	s.arrived(t)
	from, start := len(s.uplink.Said()), time.Now()
	n.host.drop(t, "")
	s.write(t, l, 1, 50)
	s.disconnected(t, from, 50*time.Second)
	noticed := time.Since(start)
	n.host.pass(t)
	s.arrived(t)
	stored, _ := s.exact(t, l)
	if noticed > 45*time.Second {
		t.Errorf("noticed after %v", noticed)
	}
	return fmt.Sprintf("noticed after %.0f s, %d of %d stored", noticed.Seconds(), stored, len(l.durable))
}

func lossy(t *testing.T) string {
	n := newNetwork(t)
	s := n.start(t, wired)
	l := newLedger()
	n.host.drop(t, "numgen random mod 100 < 30")
	start := time.Now()
	s.write(t, l, 0, 2000)
	s.arrived(t)
	took := time.Since(start)
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("%d of %d stored after %.1f s", stored, len(l.durable), took.Seconds())
}

func flapping(t *testing.T) string {
	n := newNetwork(t)
	s := n.start(t, wired)
	l := newLedger()
	pause := time.NewTicker(300 * time.Millisecond)
	defer pause.Stop()
	for life := range 5 {
		n.host.run(t, "ip link set cable down")
		s.write(t, l, life, 50)
		<-pause.C
		n.host.run(t, "ip link set cable up", "ip -6 addr replace "+hostSix+"/64 dev cable nodad")
		<-pause.C
	}
	s.arrived(t)
	n.host.drop(t, "meta length > 600")
	s.write(t, l, 5, 500)
	hold := time.NewTimer(3 * time.Second) // the fault
	<-hold.C
	inHole := s.findings()
	n.host.pass(t)
	s.arrived(t)
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("5 flaps; %d stored in the black hole, %d of %d after it", inHole, stored, len(l.durable))
}

func addresses(t *testing.T) string {
	n := newNetwork(t)
	n.host.run(t, "ip addr del "+hostAddress+"/24 dev cable")
	s := n.start(t, "["+collectorSix+"]:9443")
	l := newLedger()
	s.write(t, l, 0, 50)
	s.arrived(t)
	start := time.Now()
	n.host.run(t, "ip -6 addr add 2001:db8::77/64 dev cable nodad", "ip -6 addr del "+hostSix+"/64 dev cable")
	s.write(t, l, 1, 50)
	s.arrived(t)
	took := time.Since(start)
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("IPv6 alone; from the new address after %.1f s; %d of %d stored", took.Seconds(), stored, len(l.durable))
}

// names is a name server that answers one question as it is told.
type names struct {
	conn  net.PacketConn
	mode  atomic.Value // string
	asked atomic.Int64
}

func (s *names) serve() {
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		s.asked.Add(1)
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.Additionals = true, nil
		address := s.mode.Load().(string)
		switch {
		case address == "silence":
			continue
		case address == "no such name":
			m.RCode = dnsmessage.RCodeNameError
		case m.Questions[0].Type == dnsmessage.TypeA:
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.AResource{A: [4]byte(net.ParseIP(address).To4())},
			}}
		}
		if answer, err := m.Pack(); err == nil {
			s.conn.WriteTo(answer, from)
		}
	}
}

func badNames(t *testing.T) string {
	n := newNetwork(t)
	dns := &names{}
	dns.mode.Store(collectorAddress)
	n.host.in(t, func() (err error) {
		dns.conn, err = net.ListenPacket("udp", "127.0.0.1:53")
		return err
	})
	t.Cleanup(func() { dns.conn.Close() })
	go dns.serve()
	// A false collector on the host's own address.
	n.host.run(t, "ip addr add 192.0.2.66/32 dev lo")
	var impostor *server
	n.host.in(t, func() error {
		impostor = falseServer(t, "192.0.2.66:9443", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}, func(c net.Conn) { io.Copy(io.Discard, c) })
		return nil
	})
	conf := filepath.Join(folder(t), "resolv.conf")
	if err := os.WriteFile(conf, []byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := startSystem(t, ground{
		ingest: wired, direct: true, collectorAddress: "collector.test:9443",
		collectorUnder: n.collector.under(stage.CollectorUser, stage.CollectorUser),
		uplinkUnder:    append(bound(conf, "/etc/resolv.conf"), n.host.under(stage.UplinkUser, stage.SpoolGroup)...),
	})
	l := newLedger()
	s.write(t, l, 0, 20)
	s.arrived(t)
	var seen []string
	for _, mode := range []string{"no such name", "silence", "192.0.2.66"} {
		dns.mode.Store(mode)
		from, asked := len(s.uplink.Said()), dns.asked.Load()
		n.host.drop(t, "ip daddr "+collectorAddress) // the connection that stands
		s.collector.Kill()
		s.disconnected(t, from, 60*time.Second)
		n.host.pass(t)
		hold := time.NewTimer(2500 * time.Millisecond) // the measurement
		<-hold.C
		questions := dns.asked.Load() - asked
		if questions > 200 {
			t.Errorf("%s: %d questions in 2.5 s", mode, questions)
		}
		seen = append(seen, fmt.Sprintf("%s: %d questions", mode, questions))
		dns.mode.Store(collectorAddress)
		s.collector.Start(t)
		s.write(t, l, len(seen), 20)
		s.arrived(t)
	}
	if impostor.got.Load() > 0 {
		t.Errorf("%d bytes were sent to the false one", impostor.got.Load())
	}
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("%s; false one tried %d times, 0 bytes; %d of %d stored", strings.Join(seen, ", "), impostor.tries.Load(), stored, len(l.durable))
}
