// Package snmp answers for Net-SNMP: who reads or sets its values with a community
// that everybody knows.
//
// snmpd.conf(5): a community of versions 1 and 2c is a password that crosses the
// network in clear text; "public" and "private" are what everybody tries. Any
// community that may write counts, whatever its name, unless its source is one host's.
// The community of a line is not kept, but for the two names. Versions 1 and 2c to
// loopback alone (agentaddress) are nobody's.
package snmp

import (
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// Answers are those of SNMP's server.
type Answers struct {
	Community []answer.Answer `json:"community"` // known to everybody, or writing
}

// Snmpd asks snmpd.conf and what it includes.
func (a *Answers) Snmpd(root hostfs.Root, file string) (watch []string, err error) {
	c, err := lineconf.Load(root, file, lineconf.Dialect{Comment: "#", Inline: "#", Lower: true, Include: func(l lineconf.Line) []string {
		switch l.Key {
		case "includedir":
			return []string{path.Join(l.Arg(0), "*.conf")}
		case "includefile":
			return []string{path.Join("/etc/snmp", l.Arg(0))}
		}
		return nil
	}})
	out := answer.New("snmpd", "")
	if err != nil {
		out.Unknown("%v", err)
		a.Community = append(a.Community, out)
		return c.Watch, err
	}
	address, set := c.Last("agentaddress")
	out.Public = !set
	for _, v := range strings.FieldsFunc(address.Value, func(r rune) bool { return r == ',' || r == ' ' }) {
		for _, p := range []string{"udp6:", "udp:", "tcp6:", "tcp:"} {
			v = strings.TrimPrefix(v, p)
		}
		out.Public = out.Public || !answer.Loopback(answer.Host(v))
	}
	if !out.Public {
		out.At(address.File, address.Line, address.Raw)
		out.Say(false, "it listens on loopback alone")
		a.Community = append(a.Community, out)
		return c.Watch, nil
	}
	communities(&out, c)
	a.Community = append(a.Community, out)
	return c.Watch, nil
}

// communities asks every line that gives rights to a community of strangers.
func communities(out *answer.Answer, c *lineconf.Conf) {
	out.Say(false, "no community is known to everybody, and none writes")
	for _, l := range c.All("rocommunity", "rwcommunity", "rocommunity6", "rwcommunity6", "com2sec", "com2sec6") {
		name, source := community(l)
		n, ok := answer.Network(source)
		if source != "" && source != "default" && !(ok && answer.Wide(n)) {
			continue
		}
		common := slices.Contains([]string{"public", "private"}, strings.ToLower(name))
		if !common {
			name = "…"
		}
		shown := strings.TrimSpace(l.Key + " " + name + " " + source)
		switch {
		case strings.HasPrefix(l.Key, "rw"):
			out.Say(true, "%s: a community of strangers writes", shown)
		case common:
			out.Say(true, "%s", shown)
		default:
			continue
		}
		out.At(l.File, l.Line, shown)
	}
}

// community is the name and the source of a line.
func community(l lineconf.Line) (name, source string) {
	switch {
	case !strings.HasPrefix(l.Key, "com2sec"):
		return l.Arg(0), l.Arg(1)
	case l.Arg(0) == "-Cn": // a context
		return l.Arg(4), l.Arg(3)
	}
	return l.Arg(2), l.Arg(1)
}
