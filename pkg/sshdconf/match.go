package sshdconf

import (
	"slices"
	"strconv"
	"strings"

	"seawall/pkg/sshdconf/lex"
	"seawall/pkg/sshdconf/pattern"
	"seawall/pkg/sshdconf/quantity"
)

// Conn is a connection as far as Match can tell. An empty text, and port 0, is
// not said at all.
type Conn struct {
	User         string
	Host         string
	Address      string
	LocalAddress string
	LocalPort    int
	RDomain      string
	InvalidUser  bool // for servers from 9.9 on
}

// Spec is the connection as the argument of sshd's -C option.
func (c Conn) Spec() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	add("user", c.User)
	add("host", c.Host)
	add("addr", c.Address)
	add("laddr", c.LocalAddress)
	if c.LocalPort != 0 {
		add("lport", strconv.Itoa(c.LocalPort))
	}
	add("rdomain", c.RDomain)
	if c.InvalidUser {
		parts = append(parts, "invalid-user")
	}
	return strings.Join(parts, ",")
}

// ParseConn reads the argument of sshd's -C option; what sshd refuses is an
// *Error with its words.
func ParseConn(spec string, release int) (Conn, error) {
	var c Conn
	for part := range strings.SplitSeq(spec, ",") {
		if part == "" {
			break
		}
		name, value, _ := strings.Cut(part, "=")
		switch {
		case part == "invalid-user" && release >= releaseInvalidUser:
			c.InvalidUser = true
		case name == part:
			return c, &Error{Message: "Invalid test mode specification " + part}
		case name == "user":
			c.User = value
		case name == "host":
			c.Host = value
		case name == "addr":
			c.Address = value
		case name == "laddr":
			c.LocalAddress = value
		case name == "rdomain":
			c.RDomain = value
		case name == "lport":
			port, ok := quantity.Port(value)
			if !ok {
				return c, &Error{Message: "Invalid port '" + value + "' in test mode specification " + part}
			}
			c.LocalPort = port
		default:
			return c, &Error{Message: "Invalid test mode specification " + part}
		}
	}
	return c, nil
}

// releaseInvalidUser is the first release with Match Invalid-User.
const releaseInvalidUser = 909

// criterion is one condition of a Match line; all of them must hold.
type criterion struct {
	kind string // lower case; "" never holds: a tolerant reading does not know it
	arg  string
}

// parseMatch reads the conditions of a Match line. rest is what is left of it.
func parseMatch(s string, release int) (list []criterion, rest string, msg string) {
	done := false
	for {
		word, ok := lex.Delim(&s, &done)
		if !ok || word == "" {
			break
		}
		if word[0] == '#' {
			s = ""
			break
		}
		kind := strings.ToLower(word)
		if kind == "invalid-user" && release >= releaseInvalidUser {
			list = append(list, criterion{kind: kind})
			continue
		}
		arg, given := lex.Delim(&s, &done)
		given = given && arg != "" && arg[0] != '#'
		if kind == "all" {
			if len(list) > 0 || given {
				return nil, "", "'all' cannot be combined with other Match attributes"
			}
			if strings.HasPrefix(arg, "#") {
				s = ""
			}
			return []criterion{{kind: kind}}, s, ""
		}
		if !given {
			return nil, "", "Missing Match criteria for " + word
		}
		c, msg := newCriterion(word, arg)
		if msg != "" {
			return nil, "", msg
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, "", "One or more attributes required for Match"
	}
	return list, s, ""
}

func newCriterion(word, arg string) (criterion, string) {
	c := criterion{kind: strings.ToLower(word), arg: arg}
	switch c.kind {
	case "user", "group", "host", "rdomain":
	case "address", "localaddress":
		if _, err := pattern.Address("", arg); err != nil {
			name := map[string]string{"address": "address", "localaddress": "localaddress"}[c.kind]
			return c, "Invalid Match " + name + " argument '" + arg + "'"
		}
	case "localport":
		if _, ok := quantity.Port(arg); !ok {
			return c, "Invalid LocalPort '" + arg + "' on Match line"
		}
	default:
		return c, "Unsupported Match attribute " + word
	}
	return c, ""
}

// match says whether all conditions hold. A connection with an address and no
// local port, say, is an error when the port matters, even where another
// condition has already failed: so it is in sshd.
func (b *block) match(c *Conn, groups func(string) []string) (bool, error) {
	all := true
	for _, k := range b.criteria {
		if k.kind == "localport" && c.LocalPort == 0 {
			return false, &Error{Message: "'Match LocalPort' in configuration but 'lport' not in connection test specification."}
		}
		all = all && k.holds(c, groups)
	}
	return all, nil
}

// holds judges one condition. What the connection does not say matches nothing.
func (k criterion) holds(c *Conn, groups func(string) []string) bool {
	switch k.kind {
	case "all":
		return true
	case "invalid-user":
		return c.InvalidUser
	case "user":
		return c.User != "" && pattern.List(c.User, k.arg) == pattern.Matched
	case "group":
		return c.User != "" && k.group(groups(c.User))
	case "host":
		return c.Host != "" && pattern.Host(c.Host, k.arg) == pattern.Matched
	case "address":
		got, err := pattern.Address(c.Address, k.arg)
		return c.Address != "" && err == nil && got == pattern.Matched
	case "localaddress":
		got, err := pattern.Address(c.LocalAddress, k.arg)
		return c.LocalAddress != "" && err == nil && got == pattern.Matched
	case "localport":
		port, _ := quantity.Port(k.arg)
		return port == c.LocalPort
	case "rdomain":
		return c.RDomain != "" && pattern.List(c.RDomain, k.arg) == pattern.Matched
	}
	return false
}

func (k criterion) group(groups []string) bool {
	if slices.ContainsFunc(groups, func(g string) bool { return pattern.List(g, k.arg) == pattern.Negated }) {
		return false
	}
	return slices.ContainsFunc(groups, func(g string) bool { return pattern.List(g, k.arg) == pattern.Matched })
}
