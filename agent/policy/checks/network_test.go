package checks

import (
	"slices"
	"strings"

	"seawall/agent/facts"
	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/firewall"
	"seawall/agent/facts/kernel"
	"seawall/agent/facts/sockets"
)

// goodNetwork fills in the firewall, sockets and the network's settings.
func goodNetwork(f *facts.Facts, known fact.Meta) {
	goodFirewall(f, known)
	f.Sockets = sockets.Facts{Meta: known, Known: true,
		Sockets: []exposure.Socket{
			{Protocol: "tcp", Address: "0.0.0.0", Port: 22, IPv4: true, Scope: exposure.ScopeAny, Comm: "sshd", Exe: "/usr/sbin/sshd", Unit: "ssh.service",
				PID: 700, Reachable: exposure.Outcome{Verdict: exposure.Accept, By: "inet filter input, handle 4"}},
			{Protocol: "tcp", Address: "127.0.0.1", Port: 3306, IPv4: true, Scope: exposure.ScopeLoopback, Comm: "mariadbd", Exe: "/usr/sbin/mariadbd",
				PID: 800, Reachable: exposure.Outcome{Verdict: exposure.Drop, By: "bound to a loopback address"}},
		},
		Interfaces: []exposure.Interface{{Name: "lo", Index: 1, Loopback: true, Up: true}, {Name: "eth0", Index: 2, Up: true, Public: true}},
		Names: sockets.Names{HostsKnown: true, ServersKnown: true,
			Hosts:   []sockets.Host{{Name: "localhost", Address: "127.0.0.1", Valid: true, Loopback: true, File: "/etc/hosts", Line: 1, Raw: "127.0.0.1 localhost"}},
			Servers: []sockets.Server{{Address: "67.207.67.2", Valid: true, Scope: exposure.ScopePublic, File: "/etc/resolv.conf", Line: 1}},
			Order:   fact.Text{Value: "files dns", Set: true, File: "/etc/nsswitch.conf", Line: 12, Raw: "hosts: files dns"}, Sources: []string{"files", "dns"}},
	}
	if f.Kernel.Sysctl == nil {
		f.Kernel.Sysctl = map[string]kernel.Sysctl{}
	}
	if f.Kernel.Modules == nil {
		f.Kernel.Modules = map[string]kernel.Module{}
	}
	for _, k := range []string{"net.ipv4.tcp_syncookies", "net.ipv4.icmp_echo_ignore_broadcasts", "net.ipv4.icmp_ignore_bogus_error_responses",
		"net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter", "net.ipv4.conf.all.log_martians", "net.ipv4.conf.default.log_martians"} {
		f.Kernel.Sysctl[k] = sysctl(k, "1", "1")
	}
	for _, name := range []string{"dccp", "sctp", "rds", "tipc"} {
		f.Kernel.Modules[name] = kernel.Module{Name: name, LoadedKnown: true, FilesKnown: true, Available: true, InstallNone: true,
			File: "/etc/modprobe.d/seawall-" + name + ".conf", Line: 1, Raw: "install " + name + " /bin/false"}
	}
}

func goodFirewall(f *facts.Facts, known fact.Meta) {
	on := firewall.Service{Installed: true, Boot: fact.Tri{Known: true, Yes: true, Reason: "/etc/systemd/system/multi-user.target.wants"}}
	drop, accept := exposure.Outcome{Verdict: exposure.Drop, By: "inet filter input, policy"}, exposure.Outcome{Verdict: exposure.Accept, By: "inet filter input, handle 2"}
	policy := exposure.Policy{Present: true, Input: drop, Forward: drop, Output: drop, Loopback: accept, Spoofed: drop, Established: accept}
	set := func(key, value string) fact.Text {
		return fact.Text{Value: value, Set: true, File: "/etc/default/ufw", Line: 7, Raw: key + "=" + value}
	}
	f.Firewall = firewall.Facts{Meta: known, BootKnown: true, Starting: []string{"ufw"}, AtBoot: []string{"ufw", "firewalld", "nftables", "iptables"},
		Loaded: exposure.Filter{Known: true, Rules: 20, Input: 1, IPv4: policy, IPv6: policy, OpenKnown: true,
			Tables: []exposure.Table{{Family: "inet", Name: "filter", Chains: 1, Rules: 20}},
			Open:   []exposure.Open{{Protocol: "tcp", From: 22, To: 22, IPv4: true, IPv6: true, Listener: true}}},
		UFW: firewall.UFW{Service: on, Enabled: set("ENABLED", "yes"), LogLevel: set("LOGLEVEL", "low"), IPv6: set("IPV6", "yes"),
			Input: set("DEFAULT_INPUT_POLICY", "DROP"), Output: set("DEFAULT_OUTPUT_POLICY", "DROP"), Forward: set("DEFAULT_FORWARD_POLICY", "DROP"),
			Rules: []firewall.UFWRule{{Action: "allow", Protocol: "tcp", Port: "22", Incoming: true, File: "/etc/ufw/user.rules", Line: 9, Raw: "allow tcp 22"}}},
		Firewalld: firewall.Firewalld{Service: on, Zones: []firewall.Zone{{Name: "public", Target: "default", Default: true, Services: []string{"ssh"}, File: "/etc/firewalld/zones/public.xml"}}},
		Nftables:  firewall.Saved{Service: on, Files: []firewall.RulesFile{{Path: "/etc/nftables.conf", Chains: 1, Input: "drop", IPv4: true, IPv6: true, Line: 4, Raw: "policy drop"}}},
		Iptables: firewall.Saved{Service: on, Files: []firewall.RulesFile{{Path: "/etc/iptables/rules.v4", Chains: 3, Input: "drop", IPv4: true, Line: 2, Raw: ":INPUT DROP [0:0]"},
			{Path: "/etc/iptables/rules.v6", Chains: 3, Input: "drop", IPv6: true, Line: 2, Raw: ":INPUT DROP [0:0]"}}},
	}
}

func networkCases() []testCase {
	return slices.Concat(filterCases(), managerCases(), netSettingCases(), exposedCases(), nameCases())
}

func filterCases() []testCase {
	loaded := func(change func(*exposure.Filter)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Firewall.Loaded) }
	}
	blind := func(f *facts.Facts) { f.Firewall.Loaded = exposure.Blind("no answer") }
	none := loaded(func(l *exposure.Filter) { l.Input, l.Rules, l.Tables = 0, 0, nil })
	is := func(o func(*exposure.Filter) *exposure.Outcome, verdict string) func(*facts.Facts) {
		return loaded(func(l *exposure.Filter) {
			*o(l) = exposure.Outcome{Verdict: verdict, By: "inet filter input, handle 9"}
		})
	}
	input4 := func(l *exposure.Filter) *exposure.Outcome { return &l.IPv4.Input }
	input6 := func(l *exposure.Filter) *exposure.Outcome { return &l.IPv6.Input }
	forwarding := func(key string) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Kernel.Sysctl[key] = sysctl(key, "1", "1") }
	}
	forward4 := func(l *exposure.Filter) *exposure.Outcome { return &l.IPv4.Forward }
	forward6 := func(l *exposure.Filter) *exposure.Outcome { return &l.IPv6.Forward }
	open := func(o exposure.Open) func(*facts.Facts) {
		return loaded(func(l *exposure.Filter) { l.Open = append(l.Open, o) })
	}
	proxy := func(verdict string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Sockets.Sockets = append(f.Sockets.Sockets, exposure.Socket{Protocol: "tcp", Address: "0.0.0.0", Port: 8080, Scope: exposure.ScopeAny,
				Comm: "docker-proxy", Reachable: exposure.Outcome{Verdict: verdict, By: "ip filter DOCKER, handle 7"}})
		}
	}
	return []testCase{
		{"firewall-active", none, "fail medium: no chain for input is loaded"},
		{"firewall-active", all(none, loaded(func(l *exposure.Filter) { l.Legacy = []string{"ip filter"} })), "unknown: tables of iptables-legacy are loaded, whose rules are not read: ip filter"},
		{"firewall-active", blind, "unknown: no answer"},
		{"firewall-input-default-deny", is(input4, exposure.Accept), "fail medium: a new connection to any other port: accept"},
		{"firewall-input-default-deny", is(input4, exposure.Unknown), "unknown: inet filter input, handle 9"},
		{"firewall-input-default-deny", none, "not_applicable: no packet filter examines"},
		{"firewall-input-default-deny", blind, "unknown: no answer"},
		{"firewall-ipv6-input-default-deny", is(input6, exposure.Accept), "fail high: a new connection to any other port: accept"},
		{"firewall-ipv6-input-default-deny", all(is(input4, exposure.Accept), is(input6, exposure.Accept)), "fail medium"},
		{"firewall-ipv6-input-default-deny", loaded(func(l *exposure.Filter) { l.IPv6.Present = false }), "not_applicable: the host has no global address of IPv6"},
		{"firewall-forward-default-deny", all(forwarding("net.ipv4.ip_forward"), is(forward4, exposure.Accept)), "fail medium: a new connection from the Internet to elsewhere: accept"},
		{"firewall-forward-default-deny", is(forward4, exposure.Accept), "pass: the host does not forward"},
		{"firewall-forward-default-deny", all(forwarding("net.ipv4.ip_forward"), blind), "unknown: no answer"},
		{"firewall-ipv6-forward-default-deny", all(forwarding("net.ipv6.conf.all.forwarding"), is(forward6, exposure.Accept)), "fail medium"},
		{"firewall-output-default-deny", is(func(l *exposure.Filter) *exposure.Outcome { return &l.IPv6.Output }, exposure.Accept), "fail low: a new connection to elsewhere: drop over IPv4, accept over IPv6"},
		{"firewall-loopback-accepted", is(func(l *exposure.Filter) *exposure.Outcome { return &l.IPv4.Loopback }, exposure.Drop), "fail low"},
		{"firewall-loopback-spoofed", is(func(l *exposure.Filter) *exposure.Outcome { return &l.IPv4.Spoofed }, exposure.Accept), "fail low"},
		{"firewall-established", is(func(l *exposure.Filter) *exposure.Outcome { return &l.IPv4.Established }, exposure.Drop), "fail low"},
		{"firewall-at-boot", func(f *facts.Facts) { f.Firewall.AtBoot = nil }, "fail medium: rules are loaded now, and nothing loads them at boot: ufw starts without rules"},
		{"firewall-at-boot", all(none, func(f *facts.Facts) { f.Firewall.AtBoot = nil }), "not_applicable: no packet filter is loaded now either"},
		{"firewall-at-boot", func(f *facts.Facts) { f.Firewall.AtBoot, f.Firewall.BootKnown = nil, false }, "unknown: it is not known what starts"},
		{"firewall-one-manager", func(f *facts.Facts) { f.Firewall.Starting = []string{"ufw", "nftables"} }, "fail low: ufw, nftables start at boot"},
		{"firewall-one-manager", func(f *facts.Facts) { f.Firewall.BootKnown = false }, "unknown: it is not known what starts"},
		{"firewall-no-legacy", loaded(func(l *exposure.Filter) { l.Legacy = []string{"ip filter"} }), "fail low: tables of iptables-legacy: ip filter, and 20 rules"},
		{"firewall-wide-openings", open(exposure.Open{Protocol: "tcp", From: 30000, To: 32767, IPv4: true, Listener: true}), "fail low: tcp 30000-32767"},
		{"firewall-wide-openings", open(exposure.Open{Protocol: "tcp", From: 30000, To: 30999, IPv4: true, Listener: true}), "pass: no range of more than 1000 ports"},
		{"firewall-wide-openings", is(input4, exposure.Accept), "not_applicable"},
		{"firewall-wide-openings", loaded(func(l *exposure.Filter) { l.OpenKnown = false }), "unknown: the rules decide by"},
		{"firewall-stale-openings", open(exposure.Open{Protocol: "udp", From: 60000, To: 60010, IPv4: true}), "fail informational: nobody listens at udp 60000-60010"},
		{"firewall-container-ports", proxy(exposure.Accept), "tcp 0.0.0.0:8080 fail medium: docker-proxy: accept for strangers"},
		{"firewall-container-ports", proxy(exposure.Unknown), "unknown: ip filter DOCKER, handle 7"},
		{"firewall-container-ports", all(proxy(exposure.Accept), func(f *facts.Facts) { f.Firewall.UFW.Rules[0].Port = "443,8080" }), "tcp 0.0.0.0:8080 pass"},
	}
}

func managerCases() []testCase {
	ufw := func(change func(*firewall.UFW)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Firewall.UFW) }
	}
	saved := func(list func(*firewall.Facts) *firewall.Saved, change func(*firewall.Saved)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(list(&f.Firewall)) }
	}
	nftables := func(change func(*firewall.Saved)) func(*facts.Facts) {
		return saved(func(f *firewall.Facts) *firewall.Saved { return &f.Nftables }, change)
	}
	iptables := func(change func(*firewall.Saved)) func(*facts.Facts) {
		return saved(func(f *firewall.Facts) *firewall.Saved { return &f.Iptables }, change)
	}
	zone := func(change func(*firewall.Zone)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Firewall.Firewalld.Zones[0]) }
	}
	off := func(f *facts.Facts) { f.Firewall.AtBoot = nil }
	return []testCase{
		{"firewall-ufw-enabled", all(off, ufw(func(u *firewall.UFW) { u.Enabled.Value = "no" })), "fail medium: no @/etc/default/ufw:7"},
		{"firewall-ufw-enabled", all(off, ufw(func(u *firewall.UFW) { u.Rules = nil })), "not_applicable: ufw has no rules"},
		{"firewall-ufw-input", ufw(func(u *firewall.UFW) { u.Input.Value = "ACCEPT" }), "fail high: ACCEPT @/etc/default/ufw:7"},
		{"firewall-ufw-input", ufw(func(u *firewall.UFW) { u.Error = "permission denied" }), "unknown: permission denied"},
		{"firewall-ufw-input", off, "not_applicable: ufw is not enabled"},
		{"firewall-ufw-forward", ufw(func(u *firewall.UFW) { u.Forward.Value = "ACCEPT" }), "fail low"},
		{"firewall-ufw-ipv6", ufw(func(u *firewall.UFW) { u.IPv6.Value = "no" }), "fail medium: no"},
		{"firewall-ufw-output", ufw(func(u *firewall.UFW) { u.Output = fact.Text{Value: "ACCEPT"} }), "fail low: ACCEPT (default)"},
		{"firewall-ufw-logging", ufw(func(u *firewall.UFW) { u.LogLevel.Value = "off" }), "fail low: off"},
		{"firewall-ufw-allow-all", ufw(func(u *firewall.UFW) {
			u.Rules = append(u.Rules, firewall.UFWRule{Action: "allow", Any: true, Raw: "allow any any 0.0.0.0/0 any 0.0.0.0/0 in", File: "/etc/ufw/user.rules", Line: 20})
		}), "fail high: allow any any 0.0.0.0/0 any 0.0.0.0/0 in @/etc/ufw/user.rules:20"},
		{"firewall-firewalld-target", zone(func(z *firewall.Zone) { z.Target = "ACCEPT" }), "fail high: zone public: target ACCEPT"},
		{"firewall-firewalld-target", zone(func(z *firewall.Zone) { z.Error = "xml: broken" }), "unknown: xml: broken"},
		{"firewall-firewalld-target", func(f *facts.Facts) { f.Firewall.Firewalld.Zones = nil }, "unknown: no zone is in use"},
		{"firewall-firewalld-services", zone(func(z *firewall.Zone) { z.Services = []string{"ssh", "mysql"} }), "fail medium: public: mysql"},
		{"firewall-nftables-input", nftables(func(s *firewall.Saved) { s.Files[0].Input = "accept" }), "fail medium: accept @/etc/nftables.conf:4"},
		{"firewall-nftables-input", nftables(func(s *firewall.Saved) { s.Files[0].IPv6 = false }), "fail medium: drop over IPv4 alone"},
		{"firewall-nftables-input", nftables(func(s *firewall.Saved) { s.Files[0].Input, s.Files[0].Error = "", "too large" }), "unknown: too large"},
		{"firewall-iptables-input", iptables(func(s *firewall.Saved) { s.Files[1].Input = "accept" }), "fail medium: /etc/iptables/rules.v6: accept"},
		{"firewall-iptables-input", iptables(func(s *firewall.Saved) { s.Files = s.Files[:1] }), "fail medium: /etc/iptables/rules.v4: drop, no rules for IPv6"},
	}
}

// netSettingCases break each setting now, or after the next boot alone.
func netSettingCases() []testCase {
	var list []testCase
	each := func(check, bad string, keys ...string) {
		list = append(list, testCase{check, func(f *facts.Facts) {
			for _, k := range keys {
				f.Kernel.Sysctl[k] = sysctl(k, bad, bad)
			}
		}, "fail "})
		list = append(list, testCase{check, func(f *facts.Facts) {
			for _, k := range keys {
				f.Kernel.Sysctl[k] = kernel.Sysctl{Name: k, Present: true, Unknown: "another namespace"}
			}
		}, "unknown: another namespace"})
	}
	both := func(version, key string) []string {
		return []string{"net." + version + ".conf.all." + key, "net." + version + ".conf.default." + key}
	}
	each("network-rp-filter", "0", both("ipv4", "rp_filter")...)
	each("network-source-route", "1", both("ipv4", "accept_source_route")...)
	each("network-ipv6-source-route", "1", both("ipv6", "accept_source_route")...)
	each("network-syncookies", "0", "net.ipv4.tcp_syncookies")
	each("network-icmp-broadcasts", "0", "net.ipv4.icmp_echo_ignore_broadcasts")
	each("network-icmp-bogus", "0", "net.ipv4.icmp_ignore_bogus_error_responses")
	each("network-route-localnet", "1", both("ipv4", "route_localnet")...)
	each("network-ip-forward", "1", "net.ipv4.ip_forward")
	each("network-ipv6-forward", "1", "net.ipv6.conf.all.forwarding")
	for _, key := range []string{"send-redirects", "accept-redirects", "secure-redirects"} {
		each("network-"+key, "1", both("ipv4", strings.ReplaceAll(key, "-", "_"))...)
	}
	each("network-ipv6-accept-redirects", "1", both("ipv6", "accept_redirects")...)
	each("network-log-martians", "0", both("ipv4", "log_martians")...)
	each("network-ipv6-router-advertisements", "1", both("ipv6", "accept_ra")...)
	for _, name := range []string{"dccp", "sctp", "rds", "tipc"} {
		list = append(list,
			testCase{"network-protocol-" + name, func(f *facts.Facts) {
				f.Kernel.Modules[name] = kernel.Module{LoadedKnown: true, FilesKnown: true, Available: true}
			}, "fail low: can be loaded"},
			testCase{"network-protocol-" + name, func(f *facts.Facts) { f.Kernel.Modules[name] = kernel.Module{LoadedKnown: true, FilesKnown: true} }, "pass: not installed"},
			testCase{"network-protocol-" + name, func(f *facts.Facts) { f.Kernel.Modules[name] = kernel.Module{LoadedKnown: true, Loaded: true} }, "fail low: loaded"})
	}
	one := "net.ipv4.conf.default.rp_filter"
	return append(list,
		testCase{"network-rp-filter", func(f *facts.Facts) { f.Kernel.Sysctl[one] = sysctl(one, "0", "0") }, "pass: net.ipv4.conf.all.rp_filter = 1"},
		testCase{"network-syncookies", func(f *facts.Facts) {
			f.Kernel.Sysctl["net.ipv4.tcp_syncookies"] = sysctl("net.ipv4.tcp_syncookies", "1", "0")
		}, "fail medium"},
		testCase{"network-ipv6-forward", func(f *facts.Facts) { delete(f.Kernel.Sysctl, "net.ipv6.conf.all.forwarding") }, "error: "})
}

func exposedCases() []testCase {
	listens := func(s exposure.Socket, verdict string) func(*facts.Facts) {
		s.Scope = exposure.ScopeAny
		s.Address = "0.0.0.0"
		s.Reachable = exposure.Outcome{Verdict: verdict, By: "no rule"}
		return func(f *facts.Facts) { f.Sockets.Sockets = append(f.Sockets.Sockets, s) }
	}
	tcp := func(port int, comm string) exposure.Socket {
		return exposure.Socket{Protocol: "tcp", Port: port, Comm: comm, Exe: "/usr/bin/" + comm, PID: 9}
	}
	udp := func(port int) exposure.Socket { return exposure.Socket{Protocol: "udp", Port: port} }
	list := []testCase{
		{"network-exposed-database", listens(tcp(5432, "postgres"), exposure.Accept), "tcp 0.0.0.0:5432 fail high: postgres: open to the Internet"},
		{"network-exposed-database", listens(tcp(6379, "redis-server"), exposure.Accept), "fail critical"},
		{"network-exposed-database", listens(tcp(7777, "mariadbd"), exposure.Accept), "tcp 0.0.0.0:7777 fail high"},
		{"network-exposed-database", listens(tcp(5432, "postgres"), exposure.Unknown), "unknown: no rule"},
		{"network-exposed-database", func(f *facts.Facts) { f.Sockets.More = 3 }, "unknown: there are more sockets"},
		{"network-exposed-database", func(f *facts.Facts) { f.Sockets.Known, f.Sockets.Reason = false, "an image" }, "unknown: an image"},
		{"network-exposed-container-api", listens(tcp(2375, "dockerd"), exposure.Accept), "fail critical: dockerd: open to the Internet"},
		{"network-exposed-rpc", listens(udp(111), exposure.Accept), "udp 0.0.0.0:111 fail medium: somebody: open to the Internet"},
		{"network-exposed-file-share", listens(tcp(445, "smbd"), exposure.Accept), "fail high"},
		{"network-exposed-cleartext-login", listens(tcp(23, "inetd"), exposure.Accept), "fail high"},
		{"network-exposed-desktop", listens(tcp(5901, "Xtigervnc"), exposure.Accept), "fail high"},
		{"network-exposed-amplifier", listens(udp(161), exposure.Accept), "fail medium"},
		{"network-exposed-admin", listens(tcp(10000, "miniserv.pl"), exposure.Accept), "fail medium"},
		{"network-exposed-debugger", listens(tcp(9229, "node"), exposure.Accept), "fail critical"},
		{"network-exposed-debugger", listens(tcp(8000, "node"), exposure.Accept), "pass: none listens"},
		{"network-exposed-messaging", listens(tcp(1883, "mosquitto"), exposure.Accept), "fail medium"},
		{"network-exposed-printing", listens(tcp(631, "cupsd"), exposure.Accept), "fail medium"},
		{"network-exposed-printing", listens(tcp(631, "cupsd"), exposure.Drop), "pass: cupsd: not reached by strangers"},
		{"network-listener-root", listens(tcp(8080, "java"), exposure.Accept), "fail informational: java at tcp 8080"},
	}
	hidden := tcp(4444, "x")
	hidden.Exe = "/dev/shm/x"
	gone := tcp(443, "nginx")
	gone.Deleted = true
	return append(list,
		testCase{"network-listener-temporary", listens(hidden, exposure.Drop), "tcp 0.0.0.0:4444 fail critical: x listens: /dev/shm/x"},
		testCase{"network-listener-deleted", listens(gone, exposure.Accept), "fail low: nginx at tcp 443: /usr/bin/nginx is deleted"},
		testCase{"network-listener-deleted", listens(gone, exposure.Drop), "pass: all of them"},
		testCase{"network-promiscuous", func(f *facts.Facts) { f.Sockets.Interfaces[1].Promisc = 1 }, "eth0 fail medium: all packets, for 1 program"},
		testCase{"network-promiscuous", func(f *facts.Facts) { f.Sockets.Interfaces[1].Promisc, f.Sockets.Interfaces[1].Master = 1, true }, "pass: no interface"},
		testCase{"network-wireless", func(f *facts.Facts) { f.Sockets.Interfaces[1].Wireless = true }, "fail low: eth0"})
}

func nameCases() []testCase {
	names := func(change func(*sockets.Names)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Sockets.Names) }
	}
	host := func(name, address string, valid bool) func(*facts.Facts) {
		return names(func(n *sockets.Names) {
			n.Hosts = append(n.Hosts, sockets.Host{Name: name, Address: address, Valid: valid, File: "/etc/hosts", Line: 9, Raw: address + " " + name})
		})
	}
	unread := names(func(n *sockets.Names) { n.HostsKnown, n.HostsErr = false, "is a fifo" })
	return []testCase{
		{"network-hosts-localhost", host("localhost", "203.0.113.9", true), "fail medium: localhost is 203.0.113.9 @/etc/hosts:9"},
		{"network-hosts-localhost", unread, "unknown: is a fifo"},
		{"network-hosts-valid", host("db", "10.0.0.300", false), "fail low: 10.0.0.300 is no address @/etc/hosts:9"},
		{"network-hosts-redirected", host("security.debian.org", "127.0.0.1", true), "fail high: security.debian.org is 127.0.0.1 @/etc/hosts:9"},
		{"network-resolver", names(func(n *sockets.Names) { n.Servers = nil }), "fail low: no server"},
		{"network-resolver", names(func(n *sockets.Names) { n.Servers[0].Valid, n.Servers[0].Address = false, "8.8.8" }), "fail low: 8.8.8"},
		{"network-resolver", names(func(n *sockets.Names) { n.ServersKnown, n.ServersErr = false, "a loop" }), "unknown: a loop"},
		{"network-name-order", names(func(n *sockets.Names) { n.Sources, n.Ahead = []string{"dns", "files"}, []string{"dns"} }), "fail low: files dns @/etc/nsswitch.conf:12"},
		{"network-name-order", names(func(n *sockets.Names) { n.Order = fact.Text{} }), "not_applicable"},
	}
}
