package mail

import (
	"errors"
	"io/fs"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// Exim asks Debian's update-exim4.conf.conf, unless a file of the administrator's
// own (own, or Red Hat's) is in its place.
func (a *Answers) Exim(root hostfs.Root, debian string, own ...string) (watch []string, err error) {
	watch = append([]string{debian}, own...)
	for _, file := range own {
		c, err := lineconf.Load(root, file, lineconf.Dialect{Comment: "#", Fold: true})
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			a.fail("exim", err)
			return watch, err
		}
		a.eximOwn(c)
		return watch, nil
	}
	c, err := lineconf.Load(root, debian, lineconf.Dialect{Comment: "#", Assign: "="})
	if err != nil {
		a.fail("exim", err)
		return watch, err
	}
	public, relay := answer.New("exim", ""), answer.New("exim", "")
	if l, ok := c.Last("dc_local_interfaces"); ok {
		public.At(l.File, l.Line, l.Raw)
		eximInterfaces(&public, unquote(l.Value))
	} else {
		public.Public = true
		public.Say(true, "dc_local_interfaces is not set: it listens on every address")
	}
	relay.Public = public.Allowed
	nets, _ := c.Last("dc_relay_nets")
	domains, _ := c.Last("dc_relay_domains")
	relay.At(nets.File, nets.Line, nets.Raw)
	relay.At(domains.File, domains.Line, domains.Raw)
	eximRelay(&relay, unquote(nets.Value), unquote(domains.Value))
	a.Public, a.Relay = append(a.Public, public), append(a.Relay, relay)
	return watch, nil
}

func unquote(s string) string { return strings.Trim(s, `'" `) }

// eximInterfaces says whether a list of interfaces has more than loopback. Colons
// divide it, and are doubled in addresses, unless "<" names another character.
func eximInterfaces(out *answer.Answer, list string) {
	items := eximList(list)
	out.Public = len(items) == 0
	for _, i := range items {
		host, _, _ := strings.Cut(i, ".") // 127.0.0.1.587 has a port
		if !answer.Loopback(i) && host != "127" {
			out.Public = true
		}
	}
	out.Say(out.Public, "it listens on %s", strings.Join(items, ", "))
	if len(items) == 0 {
		out.Say(true, "it listens on every address")
	}
}

// eximList divides a list as string_nextinlist() of Exim does: at colons, which are
// doubled in items, or at the character after "<". Debian's file has semicolons.
func eximList(list string) []string {
	list = strings.TrimSpace(list)
	sep := ":"
	if len(list) > 1 && list[0] == '<' {
		sep, list = list[1:2], list[2:]
	} else if strings.Contains(list, ";") {
		sep = ";"
	}
	const kept = "\x00" // in place of a doubled separator
	var all []string
	for _, i := range strings.Split(strings.ReplaceAll(list, sep+sep, kept), sep) {
		if i = strings.TrimSpace(strings.ReplaceAll(i, kept, sep)); i != "" {
			all = append(all, i)
		}
	}
	return all
}

// eximRelay judges lists of networks and of domains that are relayed for.
func eximRelay(out *answer.Answer, nets, domains string) {
	if !out.Public {
		out.Say(false, "it listens on loopback alone")
		return
	}
	for _, i := range eximList(nets) {
		n, ok := answer.Network(i)
		switch {
		case i == "*" || ok && answer.Wide(n):
			out.Say(true, "it relays for %s", i)
			return
		case !ok && !strings.HasPrefix(i, "!") && strings.ContainsAny(i, "/;*+@$"):
			out.Unknown("what %s holds is in no file that is read", i)
		}
	}
	for _, i := range eximList(domains) {
		if i == "*" {
			out.Say(true, "it relays to every domain")
			return
		}
	}
	if out.Reason == "" {
		out.Say(false, "it relays for nobody unknown")
	}
}

// eximOwn asks a configuration in Exim's own words.
func (a *Answers) eximOwn(c *lineconf.Conf) {
	public, relay := answer.New("exim", ""), answer.New("exim", "")
	public.Public = true
	public.Say(true, "local_interfaces is not set: it listens on every address")
	lists := map[string]string{}
	for _, l := range c.All("local_interfaces", "hostlist", "domainlist") {
		switch value := strings.TrimSpace(strings.TrimPrefix(l.Value, "=")); {
		case l.Key == "local_interfaces":
			public.At(l.File, l.Line, l.Raw)
			eximInterfaces(&public, value)
		case l.Arg(0) == "relay_from_hosts" || l.Arg(0) == "relay_to_domains":
			relay.At(l.File, l.Line, l.Raw)
			_, value, _ = strings.Cut(value, "=")
			lists[l.Arg(0)] = value
		}
	}
	relay.Public = public.Allowed
	if _, ok := lists["relay_from_hosts"]; ok || !relay.Public {
		eximRelay(&relay, lists["relay_from_hosts"], lists["relay_to_domains"])
	} else {
		relay.Unknown("hostlist relay_from_hosts is not set: the ACLs decide, which are not read")
	}
	a.Public, a.Relay = append(a.Public, public), append(a.Relay, relay)
}

// Sendmail asks sendmail.cf, which m4 made.
func (a *Answers) Sendmail(root hostfs.Root, file string) (watch []string, err error) {
	watch = []string{file}
	text, err := root.ReadFile(file, 0)
	if err != nil {
		a.fail("sendmail", err)
		return watch, err
	}
	public, relay := answer.New("sendmail", ""), answer.New("sendmail", "")
	public.Public = true
	public.Say(true, "no DaemonPortOptions names an address: it listens on every one")
	number, daemons := 0, 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		value, ok := strings.CutPrefix(line, "O DaemonPortOptions=")
		switch {
		case ok:
			if daemons++; daemons == 1 {
				public.Say(false, "DaemonPortOptions names loopback alone")
				public.Public = false
			}
			public.At(file, number, line)
			if !answer.Loopback(daemonAddress(value)) {
				public.Public = true
				public.Say(true, "DaemonPortOptions=%s", value)
			}
		case strings.HasPrefix(line, "#####") && strings.Contains(line, "promiscuous_relay.m4"):
			relay.At(file, number, line)
			relay.Say(true, "FEATURE(promiscuous_relay)")
		}
	}
	relay.Public = public.Allowed
	switch {
	case !relay.Public:
		relay.Say(false, "it listens on loopback alone")
	case !relay.Known:
		relay.Say(false, "no FEATURE(promiscuous_relay)")
	}
	a.Public, a.Relay = append(a.Public, public), append(a.Relay, relay)
	return watch, nil
}

func daemonAddress(options string) string {
	for _, o := range strings.Split(options, ",") {
		if k, v, _ := strings.Cut(strings.TrimSpace(o), "="); k == "Addr" || k == "A" {
			return v
		}
	}
	return ""
}

// OpenSMTPD asks smtpd.conf(5) of release 6.4 and later: the first match decides.
func (a *Answers) OpenSMTPD(root hostfs.Root, file string) (watch []string, err error) {
	c, err := lineconf.Load(root, file, lineconf.Dialect{Comment: "#", Inline: "#", Fold: true})
	if err != nil {
		a.fail("opensmtpd", err)
		return c.Watch, err
	}
	public, relay := answer.New("opensmtpd", ""), answer.New("opensmtpd", "")
	public.Say(false, "it listens on loopback and sockets alone")
	for _, l := range c.All("listen") {
		if l.Arg(0) == "on" && l.Arg(1) != "socket" && !answer.Loopback(l.Arg(1)) {
			public.Public = true
			public.At(l.File, l.Line, l.Raw)
			public.Say(true, "it listens on %s", l.Arg(1))
		}
	}
	relay.Public = public.Allowed
	relay.Say(false, "no match hands on mail from any to any")
	for _, l := range c.All("match") {
		words := " " + strings.Join(l.Args, " ") + " "
		if relay.Public && !strings.Contains(words, " !from any") && !strings.Contains(words, " auth ") &&
			strings.Contains(words, " from any ") && strings.Contains(words, " for any ") && !strings.Contains(words, " mail-from ") {
			relay.At(l.File, l.Line, l.Raw)
			relay.Say(l.Arg(0) != "reject" && l.Arg(len(l.Args)-1) != "reject", "%s", l.Raw)
			break
		}
	}
	a.Public, a.Relay = append(a.Public, public), append(a.Relay, relay)
	return c.Watch, nil
}
