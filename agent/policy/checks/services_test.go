package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/servers"
	"seawall/agent/facts/servers/answer"
	services "seawall/agent/facts/units"
	"seawall/pkg/finding"
)

// topics are the services that a check each wants out of use, by the check's name.
func topics() map[string]string {
	same := []string{"autofs", "bluetooth", "dhcp-server", "dns-server", "dnsmasq", "error-reporting", "finger-server",
		"ftp-client", "ftp-server", "inetd", "inetd-small", "ldap-client", "ldap-server", "nfs-server", "nis-client", "nis-server",
		"remote-desktop", "rpcbind", "rsh-client", "rsh-server", "rsync-server", "samba", "snmp-server", "talk-client", "talk-server",
		"telnet-client", "telnet-server", "tftp-client", "tftp-server", "web-proxy", "web-server", "x11"}
	all := map[string]string{"services-avahi-daemon": "avahi", "services-cups": "print", "services-imap-server": "mail-access"}
	for _, name := range same {
		topic := name
		if s := len(name) - len("-server"); s > 0 && name[s:] == "-server" {
			topic = name[:s]
		}
		all["services-"+name] = topic
	}
	return all
}

// questions are the answers that a check each asks for, by the check's name.
func questions(f *servers.Facts) map[string]*[]answer.Answer {
	return map[string]*[]answer.Answer{
		"services-mail-relay":          &f.Mail.Relay,
		"services-mail-local-only":     &f.Mail.Public,
		"services-mail-verify":         &f.Mail.Verify,
		"services-proxy-open":          &f.Proxy.Open,
		"services-resolver-open":       &f.Resolver.Open,
		"services-zone-transfer":       &f.Resolver.Transfer,
		"services-ftp-anonymous-write": &f.Share.FTPWrite,
		"services-ftp-anonymous":       &f.Share.FTPAnonymous,
		"services-samba-guest-write":   &f.Share.GuestWrite,
		"services-samba-guest-read":    &f.Share.GuestRead,
		"services-samba-protocol":      &f.Share.OldProtocol,
		"services-nfs-write":           &f.Share.ExportWrite,
		"services-nfs-root-squash":     &f.Share.ExportRoot,
		"services-rsync-write":         &f.Share.RsyncWrite,
		"services-tftp-write":          &f.Share.TFTPWrite,
		"services-database-open":       &f.Database.Open,
		"services-database-trust":      &f.Database.Trust,
		"services-snmp-community":      &f.SNMP.Community,
		"services-web-tokens":          &f.Web.Tokens,
		"services-web-index":           &f.Web.Index,
		"services-web-status":          &f.Web.Status,
		"services-web-trace":           &f.Web.Trace,
	}
}

// goodServices fills in servers and units.
func goodServices(f *facts.Facts, known fact.Meta) {
	f.Servers.Meta = known
	for _, list := range questions(&f.Servers) {
		*list = []answer.Answer{{Server: "server", Name: "server", Known: true, Reason: "strangers may not"}}
	}
	f.Units = services.Facts{Meta: known, Services: map[string]services.Service{}, FailedKnown: fact.Tri{Known: true}}
	for _, topic := range topics() {
		no := fact.Tri{Known: true, Reason: "not installed"}
		f.Units.Services[topic] = services.Service{Name: topic, Installed: no, InUse: no}
	}
}

func servicesCases() []testCase {
	failed := func(f *facts.Facts) {
		f.Units.Failed, f.Units.FailedKnown = []string{"a.service", "b.timer"}, fact.Tri{Known: true, Yes: true}
	}
	cases := []testCase{
		{"services-failed", failed, "fail low: a.service, b.timer"},
		{"services-failed", func(f *facts.Facts) { f.Units.FailedKnown = fact.Tri{Reason: "no D-Bus"} }, "unknown: no D-Bus"},
		{"services-failed", func(f *facts.Facts) { f.Units.FailedKnown = fact.Tri{} }, "unknown: systemd was not asked"},
		{"services-telnet-server", func(f *facts.Facts) {
			s := f.Units.Services["telnet"]
			s.InUse = fact.Tri{Known: true, Yes: true, Reason: "/etc/inetd.conf line 7 starts telnet"}
			f.Units.Services["telnet"] = s
			f.Units.Inetd = []services.Inetd{{Service: "finger", InUse: true, File: "/etc/inetd.conf", Line: 6},
				{Service: "telnet", InUse: true, File: "/etc/inetd.conf", Line: 7}}
		}, "fail high: /etc/inetd.conf line 7 starts telnet @/etc/inetd.conf:7"},
		{"services-inetd-small", func(f *facts.Facts) { delete(f.Units.Services, "inetd-small") }, "unknown: it was not looked for"},
	}
	for check, topic := range topics() {
		cases = append(cases, unitCases(check, topic)...)
	}
	for check := range questions(&servers.Facts{}) {
		cases = append(cases, answerCases(check)...)
	}
	return cases
}

func unitCases(check, topic string) []testCase {
	is := func(t fact.Tri, more ...services.Unit) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Units.Services[topic] = services.Service{Name: topic, InUse: t, Units: more, Packages: []string{topic + " 1.0"}}
		}
	}
	used := services.Unit{Name: "x.service", State: "enabled", InUse: true, Place: "/etc/systemd/system/multi-user.target.wants/x.service"}
	place := " @" + used.Place + ":0"
	switch topic {
	case "x11", "ftp-client", "ldap-client", "nis-client", "rsh-client", "talk-client", "telnet-client", "tftp-client":
		place = "" // of packages alone
	}
	return []testCase{
		{check, is(fact.Tri{Known: true, Yes: true, Reason: "x.service starts at boot"}, used, services.Unit{Name: "y.service", Place: "/no"}), ": x.service starts at boot" + place},
		{check, is(fact.Tri{Known: true, Yes: true, Reason: "it is there"}), "fail "},
		{check, is(fact.Tri{Reason: "no D-Bus"}, used), "unknown: no D-Bus"},
	}
}

func answerCases(check string) []testCase {
	add := func(a answer.Answer) func(*facts.Facts) {
		return func(f *facts.Facts) {
			list := questions(&f.Servers)[check]
			*list = append(*list, a)
		}
	}
	place := []finding.Evidence{{File: "/etc/server.conf", Line: 3, Text: "let all in"}}
	return []testCase{
		{check, add(answer.Answer{Name: "other", Known: true, Allowed: true, Reason: "it lets all in", Places: place}), ": it lets all in @/etc/server.conf:3"},
		{check, add(answer.Answer{Name: "other", Known: true, Allowed: true, Reason: "x"}), "other fail "},
		{check, add(answer.Answer{Name: "other", Reason: "a table decides"}), "other unknown: a table decides"},
		{check, add(answer.Answer{Name: "other"}), "other unknown: it was not asked"},
		{check, func(f *facts.Facts) { *questions(&f.Servers)[check] = nil }, "not_applicable: "},
	}
}
