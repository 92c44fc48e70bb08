package resolver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"seawall/agent/facts/servers/answertest"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

func TestBind(t *testing.T) {
	for _, tt := range []struct{ conf, want string }{
		{`options { directory "/var/cache/bind"; };`, "bind: closed: by default only the host's own networks may"},
		{`options { recursion no; allow-recursion { any; }; };`, "bind: closed: recursion no @/n:1"},
		{`options { allow-recursion { any; }; };`, "bind: open: allow-recursion has strangers in it @/n:1"},
		{"options {\nallow-query { any; };\n};", "bind: open: allow-query has strangers in it @/n:2"},
		{`options { allow-query { any; }; allow-query-cache { localhost; }; };`, "bind: closed: allow-query-cache has no"},
		{`options { allow-query { any; }; allow-recursion { localnets; localhost; }; };`, "bind: closed: allow-recursion has no"},
		{`acl all { any; }; options { allow-recursion { all; }; };`, "bind: open"},
		{`acl inside { 10/8; 192.168/16; }; options { allow-recursion { inside; }; };`, "bind: closed"},
		{`acl inside { 10/8; }; options { allow-recursion { !inside; any; }; };`, "bind: open"},
		{`options { allow-recursion { !any; 0.0.0.0/0; }; };`, "bind: closed"},
		{`options { allow-recursion { ! { !10/8; any; }; any; }; };`, "bind: closed"}, // what is not inside is denied
		{`options { allow-recursion { 0.0.0.0/0; }; };`, "bind: open"},
		{`options { allow-recursion { ::/0; }; };`, "bind: open"},
		{`options { allow-recursion { 198.51.100.0/24; key k; }; };`, "bind: closed"}, // one owner's
		{`options { allow-recursion { 198.0.0.0/8; }; };`, "bind: open"},
		{`options { allow-recursion { geoip country DE; }; };`, "bind: unknown: allow-recursion depends"},
		{`acl a { b; }; acl b { a; }; options { allow-recursion { a; }; };`, "bind: unknown"},
		{`options { listen-on { 127.0.0.1; }; listen-on-v6 { none; }; allow-recursion { any; }; };`, "bind: closed: named listens on loopback alone @/n:1 @/n:1"},
		{`options { listen-on { 127.0.0.1; }; allow-recursion { any; }; };`, "bind: open"}, // IPv6 is on
		{`options { allow-recursion { any; }; };` + "\n" + `view in { match-clients { 10/8; }; };` + "\n" + `view out { match-clients { any; }; recursion no; };`,
			"bind in: closed: match-clients keeps strangers out of the view @/n:2\nbind out: closed: recursion no @/n:3"},
		{`view out { match-clients { !10/8; any; }; allow-recursion { any; }; };`, "bind out: open"},
		{`options { allow-recursion { any; `, "bind: unknown: read /n: /n:1: unexpected end of input"},
	} {
		var a Answers
		watch, err := a.Bind(image.Of(t, map[string]string{"/n": tt.conf}), "/n")
		if got := answertest.Show(a.Open...); !strings.HasPrefix(got, tt.want) || watch[0] != "/n" || (err != nil) != strings.Contains(tt.want, "/n: /n") {
			t.Errorf("%s\ngot  %s\nwant %s", tt.conf, got, tt.want)
		}
	}
}

// TestAsNamed: verdicts are those of named itself, which was asked.
func TestAsNamed(t *testing.T) {
	root, asked := answertest.Asked(t, "testdata/named.txtar")
	for _, v := range asked {
		var a Answers
		if _, err := a.Bind(root, v.Name); err != nil {
			t.Fatal(err)
		}
		open := false // one view that is open is enough
		for _, o := range a.Open {
			open = open || !o.Known || o.Allowed
		}
		if open != (v.Says == "open") {
			t.Errorf("%s: named says %s, read %s", v.Name, v.Says, answertest.Show(a.Open...))
		}
	}
}

func TestTransfer(t *testing.T) {
	zone := "zone example.org { type primary; };"
	for _, tt := range []struct{ conf, want string }{
		{zone, "bind example.org: open: allow-transfer is not set: before BIND 9.20 anybody may @/n:1"},
		{`options { allow-transfer { none; }; };` + zone, "bind example.org: closed: allow-transfer has no strangers in it @/n:1"},
		{`options { allow-transfer { none; }; }; zone a { type master; allow-transfer { any; }; };`, "bind a: open: allow-transfer has strangers"},
		{`options { allow-transfer { key k; 192.0.2.1; }; };` + zone, "bind example.org: closed"},
		{`options { listen-on { localhost; }; listen-on-v6 { ::1; }; };` + zone, "bind example.org: closed"},
		{`view v { match-clients { any; }; zone b { type master; }; };`, "bind v b: open"},
		{`zone localhost { type master; }; zone 127.in-addr.arpa { type master; }; zone c { type slave; };`, ""},
		{`options { allow-transfer { geoip country DE; }; };` + zone, "bind example.org: unknown"},
	} {
		var a Answers
		if _, err := a.Bind(image.Of(t, map[string]string{"/n": tt.conf}), "/n"); err != nil {
			t.Fatal(err)
		}
		if got := answertest.Show(a.Transfer...); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s\ngot  %s\nwant %s", tt.conf, got, tt.want)
		}
	}
}

// ask is a method that asks one file.
type ask func(*Answers, hostfs.Root, string) ([]string, error)

func TestOthers(t *testing.T) {
	unbound := "server:\n interface: 0.0.0.0\n"
	for _, tt := range []struct {
		ask        ask
		conf, want string
	}{
		{(*Answers).Unbound, "server:\n  verbosity: 1\n", "unbound: closed: unbound listens on loopback alone"},
		{(*Answers).Unbound, unbound + " access-control: 10.0.0.0/8 allow\n", "unbound: closed: access-control has no strangers in it @/n:2"},
		{(*Answers).Unbound, unbound + " access-control: 0.0.0.0/0 allow # all\n", "unbound: open: access-control 0.0.0.0/0 allow has strangers in it @/n:2 @/n:3"},
		{(*Answers).Unbound, unbound + " access-control: 0.0.0.0/0 allow_snoop\n", "unbound: open"},
		{(*Answers).Unbound, unbound + " access-control: 0.0.0.0/0 allow\n access-control: 0.0.0.0/0 refuse\n", "unbound: closed"},
		{(*Answers).Unbound, unbound + " access-control: 0.0.0.0/0 refuse\n", "unbound: closed"},
		{(*Answers).Unbound, "server:\n interface: eth0\n interface-action: eth0 allow\n", "unbound: open: whoever reaches the interface eth0"},
		{(*Answers).Unbound, "server:\n include: \"more\"\n", "unbound: open: access-control ::/0 allow has strangers in it @/more:3 @/more:2"},
		{(*Answers).Dnsmasq, "no-resolv\n", "dnsmasq: open: it listens on every interface, without local-service"},
		{(*Answers).Dnsmasq, "local-service\n", "dnsmasq: closed: local-service"},
		{(*Answers).Dnsmasq, "local-service\ninterface=eth0\n", "dnsmasq: open: it answers whoever reaches eth0 @/n:2"},
		{(*Answers).Dnsmasq, "interface=lo\ninterface=virbr0\n", "dnsmasq: closed"},
		{(*Answers).Dnsmasq, "interface=enp7s0\n", "dnsmasq: unknown: whether strangers reach the interface enp7s0 is in no file"},
		{(*Answers).Dnsmasq, "listen-address=127.0.0.1,10.0.0.1\n", "dnsmasq: closed"},
		{(*Answers).Dnsmasq, "listen-address=127.0.0.1, 198.51.100.7\n", "dnsmasq: open: it answers whoever reaches 198.51.100.7 @/n:1"},
		{(*Answers).Dnsmasq, "listen-address=0.0.0.0\n", "dnsmasq: open"},
		{(*Answers).Dnsmasq, "except-interface=eth1\nlocal-service\n", "dnsmasq: open: it listens on every interface but some"},
		{(*Answers).Dnsmasq, "port=0\ninterface=eth0\n", "dnsmasq: closed: port=0"},
		{(*Answers).Dnsmasq, "conf-file=/more.dns\n", "dnsmasq: open: it answers whoever reaches 203.0.113.1 @/more.dns:1"},
		{(*Answers).Dnsmasq, "conf-dir=/d,*.conf\n", "dnsmasq: closed: local-service"},
		{(*Answers).Recursor, "quiet=yes\n", "pdns-recursor: closed: it listens on loopback alone"},
		{(*Answers).Recursor, "local-address=0.0.0.0\n", "pdns-recursor: closed: allow-from is not set"},
		{(*Answers).Recursor, "local-address=127.0.0.1, ::\nallow-from=10.0.0.0/8, 0.0.0.0/0\n", "pdns-recursor: open: allow-from has strangers in it @/n:1 @/n:2"},
		{(*Answers).Recursor, "local-address=0.0.0.0:53\nallow-from=192.168.0.0/16\n", "pdns-recursor: closed: allow-from has no"},
		{(*Answers).Recursor, "local-address=0.0.0.0\nallow-from=\n", "pdns-recursor: open: allow-from is empty"},
		{(*Answers).Resolved, "[Resolve]\nDNSStubListenerExtra=udp:127.0.0.153\n", "systemd-resolved: closed"},
		{(*Answers).Resolved, "[Resolve]\nDNSStubListenerExtra=0.0.0.0\n", "systemd-resolved: open: it listens on 0.0.0.0, and asks nobody who he is @/n:2"},
		{(*Answers).Resolved, "[Resolve]\nDNSStubListenerExtra=tcp:203.0.113.9:5353\nDNSStubListenerExtra=\n", "systemd-resolved: closed"},
	} {
		var a Answers
		root := image.Of(t, map[string]string{"/n": tt.conf, "/more": "server: # more\n access-control: ::/0 allow\n interface: ::0\n",
			"/more.dns": "listen-address=203.0.113.1\n", "/d/a.conf": "local-service\n", "/d/b": "interface=eth0\n"})
		if _, err := tt.ask(&a, root, "/n"); err != nil {
			t.Errorf("%s: %v", tt.conf, err)
		}
		if got := answertest.Show(a.Open...); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s\ngot  %s\nwant %s", tt.conf, got, tt.want)
		}
	}
}

// TestDebian: Debian's unit starts dnsmasq with options of its own.
func TestDebian(t *testing.T) {
	files := map[string]string{"/etc/dnsmasq.conf": "# nothing\n", "/etc/init.d/dnsmasq": "", "/etc/dnsmasq.d/README": "interface=eth0\n"}
	for want, extra := range map[string]string{"dnsmasq: closed: Debian starts it with --local-service": "", "dnsmasq: open: it answers whoever": "interface=ens3\n"} {
		files["/etc/dnsmasq.d/vpn"] = extra
		var a Answers
		watch, err := a.Dnsmasq(image.Of(t, files), "/etc/dnsmasq.conf")
		if got := answertest.Show(a.Open...); err != nil || !strings.HasPrefix(got, want) || !slices.Contains(watch, "/etc/dnsmasq.d/") {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

// TestUnread: a configuration that is not there is not known, and not closed.
// TestBounds: of what is not asked nothing is known.
func TestBounds(t *testing.T) {
	for more := range 2 {
		var zones strings.Builder
		files := map[string]string{"/etc/init.d/dnsmasq": "", "/dnsmasq.conf": "port=0\n"}
		for i := range maxZones + more {
			fmt.Fprintf(&zones, "zone \"%d.example\" { type primary; allow-transfer { none; }; };\n", i)
			files[fmt.Sprintf("/etc/dnsmasq.d/%d", i)] = ""
		}
		files["/named.conf"] = zones.String()
		var a Answers
		_, err := a.Bind(image.Of(t, files), "/named.conf")
		if last := a.Transfer[len(a.Transfer)-1]; err != nil || last.Known != (more == 0) || len(a.Transfer) != maxZones+more {
			t.Errorf("%d more: %d zones, %+v, %v", more, len(a.Transfer), last, err)
		}
		a = Answers{}
		if _, err := a.Dnsmasq(image.Of(t, files), "/dnsmasq.conf"); (err != nil) != (more > 0) || a.Open[0].Known != (more == 0) {
			t.Errorf("%d more: %+v, %v", more, a.Open, err)
		}
	}
}

func TestUnread(t *testing.T) {
	for i, ask := range []ask{(*Answers).Bind, (*Answers).Unbound, (*Answers).Dnsmasq, (*Answers).Recursor} {
		var a Answers
		if _, err := ask(&a, image.Of(t, nil), "/n"); err == nil || len(a.Open) != 1 || a.Open[0].Known {
			t.Errorf("%d: %+v, %v", i, a.Open, err)
		}
	}
}
