package resolver

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// load reads a configuration; one that cannot be read is an answer, too.
func (a *Answers) load(root hostfs.Root, server, file string, d lineconf.Dialect) (*lineconf.Conf, error) {
	c, err := lineconf.Load(root, file, d)
	if err != nil {
		out := answer.New(server, "")
		out.Unknown("%v", err)
		a.Open = append(a.Open, out)
	}
	return c, err
}

// Unbound asks unbound.conf(5).
func (a *Answers) Unbound(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "unbound", file, lineconf.Dialect{Comment: "#", Inline: "#", Assign: ":", Include: func(l lineconf.Line) []string {
		if l.Key != "include" && l.Key != "include-toplevel" || len(l.Args) != 1 {
			return nil
		}
		return []string{below(path.Dir(file), l.Arg(0))}
	}})
	if err != nil {
		return c.Watch, err
	}
	out := answer.New("unbound", "")
	for _, l := range c.All("interface", "ip-address") {
		if !answer.Loopback(strings.Split(l.Arg(0), "@")[0]) {
			out.Public = true
			out.At(l.File, l.Line, l.Raw)
		}
	}
	if !out.Public {
		out.Say(false, "unbound listens on loopback alone")
		a.Open = append(a.Open, out)
		return c.Watch, nil
	}
	unboundAccess(&out, c)
	if !out.Known {
		out.Say(false, "access-control has no strangers in it")
	}
	a.Open = append(a.Open, out)
	return c.Watch, nil
}

// unboundAccess looks for a line that lets strangers in.
func unboundAccess(out *answer.Answer, c *lineconf.Conf) {
	for _, l := range c.All("access-control", "interface-action") {
		switch n, ok := answer.Network(l.Arg(0)); {
		case !strings.HasPrefix(l.Arg(1), "allow"):
		case l.Key == "interface-action" && !answer.Loopback(l.Arg(0)):
			out.At(l.File, l.Line, l.Raw)
			out.Say(true, "whoever reaches the interface %s may", l.Arg(0))
		case ok && answer.Wide(n) && !overruled(c, n):
			out.At(l.File, l.Line, l.Raw)
			out.Say(true, "access-control %s has strangers in it", l.Value)
		}
	}
}

// overruled reports whether a wide network is refused by a later line of the same
// network: of two the last counts.
func overruled(c *lineconf.Conf, n netip.Prefix) bool {
	last := ""
	for _, l := range c.All("access-control") {
		if other, ok := answer.Network(l.Arg(0)); ok && other.Masked() == n.Masked() {
			last = l.Arg(1)
		}
	}
	return !strings.HasPrefix(last, "allow")
}

func below(dir, name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(dir, name)
}

// Dnsmasq asks dnsmasq.conf(5), as Debian's and Red Hat's units start it: files of
// /etc/dnsmasq.d count on Debian, whatever the file says.
func (a *Answers) Dnsmasq(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "dnsmasq", file, lineconf.Dialect{Comment: "#", Inline: "#", Assign: "=", Include: dnsmasqInclude})
	if err != nil {
		return c.Watch, err
	}
	// Debian: CONFIG_DIR in /etc/default/dnsmasq, and --local-service in its script.
	more, debian := "/etc/dnsmasq.d/*", root.Exists("/usr/share/dnsmasq/systemd-helper") || root.Exists("/etc/init.d/dnsmasq")
	if debian && len(c.All("conf-dir")) == 0 {
		names, err := files(root, path.Dir(more))
		for _, name := range names {
			in, failed := lineconf.Load(root, name, lineconf.Dialect{Comment: "#", Inline: "#", Assign: "=", Include: dnsmasqInclude})
			err = errors.Join(err, failed)
			c.Lines = append(c.Lines, in.Lines...)
		}
		if err != nil {
			out := answer.New("dnsmasq", "")
			out.Unknown("%v", err)
			a.Open = append(a.Open, out)
			return c.Watch, err
		}
		c.Watch = append(c.Watch, path.Dir(more)+"/")
	}
	out := answer.New("dnsmasq", "")
	if l, ok := c.Last("port"); ok && l.Value == "0" {
		out.At(l.File, l.Line, l.Raw)
		out.Say(false, "port=0: it answers no names")
		a.Open = append(a.Open, out)
		return c.Watch, nil
	}
	dnsmasq(&out, c, debian)
	a.Open = append(a.Open, out)
	return c.Watch, nil
}

// dnsmasq decides by what it listens on. Without any of interface, except-interface
// and listen-address, local-service keeps it to the host's own networks.
func dnsmasq(out *answer.Answer, c *lineconf.Conf, debian bool) {
	limits := c.All("interface", "listen-address", "except-interface", "auth-server")
	if len(limits) == 0 {
		l, ok := c.Last("local-service")
		out.Public = true
		switch {
		case ok:
			out.At(l.File, l.Line, l.Raw)
			out.Say(false, "local-service keeps it to the host's own networks")
		case debian:
			out.Say(false, "Debian starts it with --local-service")
		default:
			out.Say(true, "it listens on every interface, without local-service")
		}
		return
	}
	unsure := ""
	for _, l := range c.All("interface", "listen-address") {
		for _, v := range strings.Split(l.Value, ",") {
			v = strings.TrimSpace(v)
			switch open, known := dnsmasqPlace(l.Key, v); {
			case open:
				out.Public = true
				out.At(l.File, l.Line, l.Raw)
				out.Say(true, "it answers whoever reaches %s", v)
			case !known:
				unsure = v
				out.At(l.File, l.Line, l.Raw)
			}
		}
	}
	switch {
	case out.Known:
	case len(c.All("interface", "listen-address")) == 0: // exceptions alone
		out.Public = true
		out.At(limits[0].File, limits[0].Line, limits[0].Raw)
		out.Say(true, "it listens on every interface but some, and local-service does not count then")
	case unsure != "":
		out.Unknown("whether strangers reach the interface %s is in no file", unsure)
	default:
		out.Say(false, "it listens on loopback and private interfaces")
	}
}

// dnsmasqPlace reports whether strangers reach an interface or an address, as far as
// that is known.
func dnsmasqPlace(key, v string) (open, known bool) {
	if key == "listen-address" {
		n, ok := answer.Network(v)
		return !answer.Loopback(v) && !(ok && !public(n)), true
	}
	switch {
	case v == "lo" || private(v):
		return false, true
	case v == "eth0" || v == "ens3" || v == "*": // the public one of a cloud host
		return true, true
	}
	return false, false
}

// private are interfaces that lead to machines and containers on this host, or to a
// private network of one's own.
func private(name string) bool {
	for _, p := range []string{"virbr", "docker", "br-", "lxcbr", "lxdbr", "incusbr", "podman", "cni", "wg", "tun", "tap", "tailscale", "veth"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// public reports whether a single address is of the public Internet.
func public(n netip.Prefix) bool {
	if n.Addr().IsUnspecified() {
		return true
	}
	return answer.Wide(netip.PrefixFrom(n.Addr(), 16))
}

// files are those of a directory that dnsmasq of Debian's reads.
func files(root hostfs.Root, dir string) (all []string, err error) {
	names, err := root.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	const most = 200
	if len(names) > most {
		return nil, fmt.Errorf("%s has more files than are read", dir)
	}
	for _, n := range names {
		if !strings.HasPrefix(n, ".") && n != "README" && !strings.HasSuffix(n, ".dpkg-dist") && !strings.HasSuffix(n, ".dpkg-old") && !strings.HasSuffix(n, ".dpkg-new") {
			all = append(all, path.Join(dir, n))
		}
	}
	return all, nil
}

func dnsmasqInclude(l lineconf.Line) []string {
	switch l.Key {
	case "conf-file":
		return []string{l.Value}
	case "conf-dir":
		parts := strings.Split(l.Value, ",")
		if len(parts) == 2 && strings.HasPrefix(parts[1], "*.") {
			return []string{path.Join(parts[0], parts[1])}
		}
		return []string{path.Join(parts[0], "*")}
	}
	return nil
}

// Recursor asks PowerDNS Recursor's recursor.conf, as it is before release 5.
func (a *Answers) Recursor(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "pdns-recursor", file, lineconf.Dialect{Comment: "#", Inline: "#", Assign: "=", Include: func(l lineconf.Line) []string {
		if l.Key == "include-dir" {
			return []string{path.Join(l.Value, "*.conf")}
		}
		return nil
	}})
	if err != nil {
		return c.Watch, err
	}
	out := answer.New("pdns-recursor", "")
	if l, ok := c.Last("local-address"); ok {
		for _, v := range strings.FieldsFunc(l.Value, func(r rune) bool { return r == ',' || r == ' ' }) {
			out.Public = out.Public || !answer.Loopback(answer.Host(v))
		}
		out.At(l.File, l.Line, l.Raw)
	}
	l, set := c.Last("allow-from")
	out.At(l.File, l.Line, l.Raw)
	switch {
	case !out.Public:
		out.Say(false, "it listens on loopback alone")
	case !set:
		out.Say(false, "allow-from is not set: private networks alone may")
	case wideList(l.Value):
		out.Say(true, "allow-from has strangers in it")
	case l.Value == "":
		out.Say(true, "allow-from is empty: anybody may")
	default:
		out.Say(false, "allow-from has no strangers in it")
	}
	a.Open = append(a.Open, out)
	return c.Watch, nil
}

// wideList reports whether a list of networks has strangers in it; "!" takes some
// out, which does not change that.
func wideList(list string) bool {
	for _, v := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		if n, ok := answer.Network(v); ok && answer.Wide(n) {
			return true
		}
	}
	return false
}

// Resolved asks resolved.conf(5) and its drop-ins for listeners beside the stub on
// loopback.
func (a *Answers) Resolved(root hostfs.Root, file string) (watch []string, err error) {
	out := answer.New("systemd-resolved", "")
	watch = []string{file}
	d := lineconf.Dialect{Comment: "#;", Assign: "=", Sections: true}
	names := []string{file}
	for _, dir := range []string{"/usr/lib/systemd/resolved.conf.d", "/run/systemd/resolved.conf.d", "/etc/systemd/resolved.conf.d"} {
		watch = append(watch, dir+"/")
		more, failed := files(root, dir)
		names, err = append(names, more...), errors.Join(err, failed)
	}
	var extra []lineconf.Line
	for _, name := range names {
		c, failed := lineconf.Load(root, name, d)
		if failed != nil {
			if !errors.Is(failed, fs.ErrNotExist) { // most hosts have none: the defaults hold
				err = errors.Join(err, failed)
			}
			continue
		}
		for _, l := range c.All("DNSStubListenerExtra") {
			if extra = append(extra, l); l.Value == "" {
				extra = nil
			}
		}
	}
	for _, l := range extra {
		v := strings.TrimPrefix(strings.TrimPrefix(l.Value, "udp:"), "tcp:")
		n, ok := answer.Network(answer.Host(v))
		if answer.Loopback(answer.Host(v)) || ok && !public(n) {
			continue
		}
		out.Public = true
		out.At(l.File, l.Line, l.Raw)
		out.Say(true, "it listens on %s, and asks nobody who he is", l.Value)
	}
	switch {
	case out.Known:
	case err != nil:
		out.Unknown("%v", err)
	default:
		out.Say(false, "the stub listens on loopback and private addresses")
	}
	a.Open = append(a.Open, out)
	return watch, err
}
