package proxy

import (
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// Tinyproxy asks tinyproxy.conf(5).
func (a *Answers) Tinyproxy(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "tinyproxy", file, lineconf.Dialect{Comment: "#", Lower: true})
	if err != nil {
		return c.Watch, err
	}
	out := answer.New("tinyproxy", "")
	out.Public = true
	if listen := c.All("listen"); len(listen) > 0 {
		out.Public = false
		for _, l := range listen {
			out.Public = out.Public || !answer.Loopback(l.Arg(0))
			out.At(l.File, l.Line, l.Raw)
		}
	}
	auth, protected := c.Last("basicauth")
	switch {
	case !out.Public:
		out.Say(false, "it listens on loopback alone")
	case protected:
		out.At(auth.File, auth.Line, "BasicAuth")
		out.Say(false, "BasicAuth asks for a password")
	default:
		tinyproxyRules(&out, c.All("allow", "deny"))
	}
	a.Open = append(a.Open, out)
	return c.Watch, nil
}

// tinyproxyRules: the first that matches decides, none denies, and where there are
// none everybody is let in (acl.c).
func tinyproxyRules(out *answer.Answer, rules []lineconf.Line) {
	for _, l := range rules {
		n, ok := answer.Network(l.Arg(0))
		if !(ok && answer.Wide(n)) {
			continue
		}
		out.At(l.File, l.Line, l.Raw)
		out.Say(l.Key == "allow", "%s", l.Raw)
		return
	}
	out.Say(len(rules) == 0, "no Allow has strangers in it")
	if len(rules) == 0 {
		out.Say(true, "without Allow and Deny everybody is let in")
	}
}

// Privoxy asks its file config.
func (a *Answers) Privoxy(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "privoxy", file, lineconf.Dialect{Comment: "#", Inline: "#", Fold: true, Lower: true})
	if err != nil {
		return c.Watch, err
	}
	out := answer.New("privoxy", "")
	for _, l := range c.All("listen-address") {
		out.Public = out.Public || !answer.Loopback(answer.Host(l.Arg(0)))
		out.At(l.File, l.Line, l.Raw)
	}
	permits := c.All("permit-access")
	switch {
	case !out.Public:
		out.Say(false, "it listens on loopback alone")
	case len(permits) == 0:
		out.Say(true, "without permit-access everybody is let in")
		for _, l := range c.All("deny-access") {
			if n, ok := answer.Network(l.Arg(0)); ok && n.Bits() == 0 {
				out.At(l.File, l.Line, l.Raw)
				out.Say(false, "%s", l.Raw)
			}
		}
	default:
		out.Say(false, "no permit-access has strangers in it")
		for _, l := range permits {
			if n, ok := answer.Network(l.Arg(0)); ok && answer.Wide(n) {
				out.At(l.File, l.Line, l.Raw)
				out.Say(true, "%s has strangers in it", l.Raw)
			}
		}
	}
	a.Open = append(a.Open, out)
	return c.Watch, nil
}

// ThreeProxy asks 3proxy.cfg, in which a service is as the lines before it say.
func (a *Answers) ThreeProxy(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "3proxy", file, lineconf.Dialect{Comment: "#", Include: func(l lineconf.Line) []string {
		if l.Key == "include" || l.Key == "config" {
			return l.Args
		}
		return nil
	}})
	if err != nil {
		return c.Watch, err
	}
	auth, internal := "none", ""
	var rules []lineconf.Line
	for _, l := range c.Lines {
		switch l.Key {
		case "auth":
			auth = l.Arg(0)
		case "internal":
			internal = l.Arg(0)
		case "allow", "deny":
			rules = append(rules, l)
		case "flush":
			rules = nil
		case "proxy", "socks", "ftppr", "auto":
			a.Open = append(a.Open, threeProxy(l, auth, internal, rules))
		}
	}
	return c.Watch, nil
}

func threeProxy(l lineconf.Line, auth, internal string, rules []lineconf.Line) answer.Answer {
	out := answer.New("3proxy", l.Raw)
	for _, w := range l.Args {
		if host, ok := strings.CutPrefix(w, "-i"); ok && host != "" {
			internal = host
		}
	}
	out.Public = !answer.Loopback(internal)
	out.At(l.File, l.Line, l.Raw)
	switch {
	case !out.Public:
		out.Say(false, "it listens on loopback alone")
	case auth == "none":
		out.Say(true, "auth none asks nobody who he is")
	case auth != "iponly":
		out.Say(false, "auth %s asks for a password", auth)
	case len(rules) == 0:
		out.Say(true, "auth iponly without allow or deny lets everybody in")
	default:
		out.Say(false, "no allow has strangers in it")
		for _, r := range rules {
			source := r.Arg(1)
			if n, ok := answer.Network(source); source == "" || source == "*" || ok && answer.Wide(n) {
				out.At(r.File, r.Line, r.Raw)
				out.Say(r.Key == "allow", "%s", r.Raw)
				break
			}
		}
	}
	return out
}

// Dante asks danted.conf(5), or sockd.conf.
func (a *Answers) Dante(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "dante", file, lineconf.Dialect{Comment: "#", Inline: "#"})
	if err != nil {
		return c.Watch, err
	}
	out := answer.New("dante", "")
	out.Say(false, "no rule lets strangers in")
	method := ""
	for _, l := range c.All("internal:", "socksmethod:", "method:") {
		if l.Key != "internal:" {
			method = l.Value
			out.At(l.File, l.Line, l.Raw)
		} else if !answer.Loopback(l.Arg(0)) {
			out.Public = true
		}
	}
	danteFirst(&out, danteRules(c), method)
	if !out.Public {
		out.Say(false, "it listens on loopback alone")
	}
	a.Open = append(a.Open, out)
	return c.Watch, nil
}

// danteFirst judges by the first rules that are for strangers: of clients, which have to
// pass before they are asked anything, and of socks.
func danteFirst(out *answer.Answer, rules []danteRule, method string) {
	client := false
	for _, r := range rules {
		n, ok := answer.Network(r.from)
		if !ok || !answer.Wide(n) {
			continue
		}
		if r.client {
			client = r.pass
			if !client {
				return
			}
			continue
		}
		m := r.method
		if m == "" {
			m = method
		}
		if client && out.Public && r.pass && (m == "" || strings.Contains(" "+m+" ", " none ")) {
			out.At(r.line.File, r.line.Line, r.line.Raw)
			out.Say(true, "socks pass for %s without a password", r.from)
		}
		return
	}
}

// danteRule is "client pass { from: N to: M … }" or the same of "socks".
type danteRule struct {
	line         lineconf.Line
	client, pass bool
	from, method string
}

// danteRules returns the rules in the order in which they count: those of clients
// first.
func danteRules(c *lineconf.Conf) []danteRule {
	var clients, others []danteRule
	var now *danteRule
	for _, l := range c.Lines {
		words := append([]string{l.Key}, l.Args...)
		if w := l.Arg(0); now == nil && (w == "pass" || w == "block" || l.Key == "pass" || l.Key == "block") {
			now = &danteRule{line: l, client: l.Key == "client", pass: w == "pass" || l.Key == "pass"}
		}
		if now == nil {
			continue
		}
		if !now.read(words) {
			continue
		}
		if now.client {
			clients = append(clients, *now)
		} else {
			others = append(others, *now)
		}
		now = nil
	}
	return append(clients, others...)
}

// read reads the words of one line of a rule; ends says that they are its last ones.
func (r *danteRule) read(words []string) (ends bool) {
	for i, w := range words {
		switch more := i+1 < len(words); {
		case w == "from:" && more:
			r.from = words[i+1]
		case (w == "socksmethod:" || w == "method:") && more:
			r.method = strings.TrimSuffix(strings.Join(words[i+1:], " "), "}")
		case w == "}":
			return true
		}
	}
	return false
}
