package proxy

import (
	"net/netip"
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// Answers are those of proxies.
type Answers struct {
	Open []answer.Answer `json:"open"` // fetches anything for strangers
}

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

// match is what an ACL, or a line of them, says to a stranger's request.
type match int

const (
	never   match = iota
	always        // whatever he asks for
	chosen        // if he asks for the right thing, which he may
	limited       // for some destinations alone
	unsure        // something that is in no file decides
)

// squid is a configuration that is asked.
type squid struct {
	root hostfs.Root
	acls map[string][]lineconf.Line
}

// Squid asks squid.conf.
func (a *Answers) Squid(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "squid", file, lineconf.Dialect{Comment: "#", Inline: "#", Fold: true, Include: func(l lineconf.Line) []string {
		if l.Key == "include" {
			return l.Args
		}
		return nil
	}})
	if err != nil {
		return c.Watch, err
	}
	s := &squid{root: root, acls: map[string][]lineconf.Line{}}
	for _, l := range c.All("acl") {
		s.acls[l.Arg(0)] = append(s.acls[l.Arg(0)], l)
	}
	out := answer.New("squid", "")
	if s.listens(&out, c) {
		s.access(&out, c.All("http_access"))
	}
	a.Open = append(a.Open, out)
	return c.Watch, nil
}

// listens looks for a port that takes requests of a forward proxy.
func (s *squid) listens(out *answer.Answer, c *lineconf.Conf) bool {
	ports := c.All("http_port", "https_port")
	for _, l := range ports {
		mode := l.Arg(1)
		switch {
		case (mode == "accel" || slices.Contains(l.Args, "vhost")) && !slices.Contains(l.Args, "allow-direct"):
		case answer.Loopback(answer.Host(l.Arg(0))):
		default:
			out.Public = true
			out.At(l.File, l.Line, l.Raw)
			return true
		}
	}
	for _, l := range ports {
		out.At(l.File, l.Line, l.Raw)
	}
	out.Say(false, "no port takes requests of a forward proxy from other hosts")
	return false
}

// access takes the lines of http_access in order.
func (s *squid) access(out *answer.Answer, lines []lineconf.Line) {
	doubt := ""
	for _, l := range lines {
		if len(l.Args) < 2 {
			continue
		}
		m := s.line(l.Args[1:])
		allow := l.Arg(0) == "allow"
		lets := allow && (m == always || m == chosen)
		switch {
		case m == unsure:
			out.At(l.File, l.Line, l.Raw)
			doubt = l.Raw
		case lets && doubt != "":
			out.Unknown("what %q does is in no file", doubt)
			return
		case lets:
			out.At(l.File, l.Line, l.Raw)
			out.Say(true, "%s lets strangers in", l.Raw)
			return
		case !allow && m == always:
			out.At(l.File, l.Line, l.Raw)
			out.Say(false, "%s keeps strangers out", l.Raw)
			if doubt != "" && strings.HasPrefix(doubt, "http_access allow") {
				out.Unknown("what %q does is in no file", doubt)
			}
			return
		}
	}
	unmatched(out, lines, doubt)
}

// unmatched says what becomes of strangers that no line of http_access is for: the
// opposite of what the last one says.
func unmatched(out *answer.Answer, lines []lineconf.Line, doubt string) {
	switch last := len(lines) - 1; {
	case last < 0:
		out.Say(false, "without http_access nobody is let in")
	case doubt != "":
		out.Unknown("what %q does is in no file", doubt)
	case lines[last].Arg(0) == "deny":
		out.At(lines[last].File, lines[last].Line, lines[last].Raw)
		out.Say(true, "no http_access decides for strangers, and the last one denies: the rest is let in")
	default:
		out.Say(false, "no http_access lets strangers in")
	}
}

// line is what all ACLs of a line say together.
func (s *squid) line(names []string) match {
	all := always
	for _, name := range names {
		name, negated := strings.CutPrefix(name, "!")
		m := s.acl(name)
		if negated {
			switch m {
			case never:
				m = always
			case always:
				m = never
			case limited:
				m = chosen
			case chosen, unsure:
			}
		}
		switch {
		case m == never:
			return never
		case m == unsure || all == unsure:
			all = unsure
		case m == limited || all == limited:
			all = limited
		case m == chosen:
			all = chosen
		}
	}
	return all
}

// acl is what one ACL says: any of its values is enough.
func (s *squid) acl(name string) match {
	lines := s.acls[name]
	if len(lines) == 0 {
		switch name {
		case "all":
			return always
		case "localhost", "manager", "to_localhost", "to_linklocal":
			return never
		case "CONNECT":
			return chosen
		}
		return unsure
	}
	best := never
	for _, l := range lines {
		if m := s.values(l); m > never && (best == never || m == always) {
			best = m
		}
	}
	return best
}

func (s *squid) values(l lineconf.Line) match {
	switch strings.ToLower(l.Arg(1)) {
	case "src":
		return s.src(l.Args[2:])
	case "proxy_auth", "proxy_auth_regex", "ident", "ident_regex", "user_cert", "ca_cert", "ext_user", "arp", "eui64", "maxconn", "max_user_ip":
		return never // a stranger has no name, and is not a neighbour
	case "dst", "dstdomain", "dstdom_regex", "url_regex", "dst_as", "ssl::server_name", "peername":
		for _, v := range l.Args[2:] {
			if n, ok := answer.Network(v); v == "all" || v == "." || v == ".*" || ok && n.Bits() == 0 {
				return always
			}
		}
		return limited
	case "method", "port", "proto", "urlpath_regex", "browser", "req_header", "req_mime_type", "time", "referer_regex", "random",
		"localport", "localip", "myport", "myip", "myportname", "http_status":
		return chosen
	case "srcdomain", "srcdom_regex":
		return never
	}
	return unsure
}

// src reports whether strangers are among the addresses.
func (s *squid) src(values []string) match {
	for _, v := range values {
		switch {
		case strings.HasPrefix(v, "-"):
		case v == "all":
			return always
		case v == "ipv4" || v == "ipv6": // not what their names say in every release
			return unsure
		case strings.HasPrefix(v, "/"): // a quoted name: a file with a value on each line
			text, err := s.root.ReadFile(v, 0)
			if err != nil {
				return unsure
			}
			for _, l := range lineconf.Parse(v, text, lineconf.Dialect{Comment: "#", Inline: "#"}) {
				if wide(l.Key) {
					return always
				}
			}
		case wide(v):
			return always
		}
	}
	return never
}

// wide reports whether a network, or a range of addresses, has strangers in it.
func wide(v string) bool {
	from, to, isRange := strings.Cut(v, "-")
	if !isRange {
		n, ok := answer.Network(v)
		return ok && answer.Wide(n)
	}
	to, _, _ = strings.Cut(to, "/")
	a, errA := netip.ParseAddr(from)
	b, errB := netip.ParseAddr(to)
	if errA != nil || errB != nil || a.Is4() != b.Is4() || b.Less(a) {
		return false
	}
	bits := a.BitLen() // the smallest network that has both
	for bits > 0 {
		if n := netip.PrefixFrom(a, bits); n.Contains(b) {
			break
		}
		bits--
	}
	// 0.0.0.1-0.255.255.255, of Squid's own list of private networks.
	if zero := netip.MustParsePrefix("0.0.0.0/8"); zero.Contains(a) && zero.Contains(b) {
		return false
	}
	return answer.Wide(netip.PrefixFrom(a, bits))
}
