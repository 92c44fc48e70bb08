package proxy

import (
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/apacheconf"
	"seawall/pkg/hostfs"
	"seawall/pkg/nginxconf"
)

// Nginx asks whether a server passes requests on to the host that a client names.
func (a *Answers) Nginx(root hostfs.Root, file string) (watch []string, err error) {
	tree, err := nginxconf.Load(root, file)
	out := answer.New("nginx", "")
	if err != nil {
		out.Unknown("%v", err)
		a.Open = append(a.Open, out)
		return tree.Watch, err
	}
	out.Public = true
	out.Say(false, "no proxy_pass leads to the host that a client names")
	for _, http := range tree.All("http") {
		for i, server := range http.All("server") {
			if i > 0 && named(&server) {
				continue // only requests for its own names come here
			}
			nginx(&out, []*nginxconf.Directive{&http, &server})
		}
	}
	a.Open = append(a.Open, out)
	return tree.Watch, nil
}

// named reports whether a server answers for names of its own and no others.
func named(server *nginxconf.Directive) bool {
	names := 0
	for _, d := range server.All("server_name") {
		for _, n := range d.Args {
			if n == "_" || n == "" || strings.ContainsAny(n, "*~") {
				return false
			}
			names++
		}
	}
	for _, d := range server.All("listen") {
		if slices.Contains(d.Args, "default_server") || slices.Contains(d.Args, "default") {
			return false
		}
	}
	return names > 0
}

// nginx looks through a block and those in it; blocks are from the outermost in.
func nginx(out *answer.Answer, blocks []*nginxconf.Directive) {
	in := blocks[len(blocks)-1]
	for i := range in.Block {
		d := &in.Block[i]
		switch {
		case out.Allowed:
			return
		case d.Name == "proxy_pass" && len(d.Args) > 0 && chosenHost(d.Args[0]):
			out.At(d.File, d.Line, "proxy_pass "+d.Args[0])
			why := nginxGuard(blocks)
			out.Say(why == "", "proxy_pass %s", d.Args[0])
			if why != "" {
				out.Say(false, "proxy_pass %s, but %s", d.Args[0], why)
			}
		case d.Block != nil: // the parser bounds how deep
			nginx(out, append(blocks[:len(blocks):len(blocks)], d))
		}
	}
}

// chosenHost reports whether the host of a URL is what the client says it is.
func chosenHost(url string) bool {
	_, host, ok := strings.Cut(url, "://")
	if !ok {
		return url == "$request_uri"
	}
	for _, v := range []string{"$http_host", "$host", "$request_uri", "$arg_", "$http_", "${http_host}", "${host}"} {
		if strings.HasPrefix(host, v) {
			return true
		}
	}
	return false
}

// nginxGuard names what keeps strangers out of the innermost of the blocks.
func nginxGuard(blocks []*nginxconf.Directive) string {
	inner := blocks[len(blocks)-1]
	if len(inner.All("internal")) > 0 {
		return "the location is internal"
	}
	if len(nginxconf.Inherited("resolver", blocks...)) == 0 {
		return "no resolver is set: nginx cannot find the host"
	}
	for _, name := range []string{"auth_basic", "auth_request", "auth_jwt"} {
		for _, d := range nginxconf.Inherited(name, blocks...) {
			if len(d.Args) > 0 && d.Args[0] != "off" {
				return name + " asks for a password"
			}
		}
	}
	return nginxDenies(blocks)
}

// nginxDenies names the rule that keeps strangers out, "" where they are let in or no
// rule is for them.
func nginxDenies(blocks []*nginxconf.Directive) string {
	for i := len(blocks) - 1; i >= 0; i-- { // allow and deny are inherited together
		rules := 0
		for _, d := range blocks[i].Block {
			if d.Name != "allow" && d.Name != "deny" || len(d.Args) == 0 {
				continue
			}
			rules++
			n, ok := answer.Network(d.Args[0])
			if d.Args[0] == "all" || ok && answer.Wide(n) {
				if d.Name == "deny" {
					return "deny " + d.Args[0]
				}
				return ""
			}
		}
		if rules > 0 {
			return ""
		}
	}
	return ""
}

// Apache asks whether ProxyRequests is on, and for whom.
func (a *Answers) Apache(root hostfs.Root, file string) (watch []string, err error) {
	tree, err := apacheconf.Load(root, file)
	out := answer.New("apache", "")
	if err != nil {
		out.Unknown("%v", err)
		a.Open = append(a.Open, out)
		return tree.Watch, err
	}
	out.Public = true
	out.Say(false, "ProxyRequests is off")
	top := apacheconf.Directive{Block: tree.Directives}
	apache(&out, &top, &top)
	for _, host := range tree.All("virtualhost") {
		apache(&out, &host, &top)
	}
	a.Open = append(a.Open, out)
	return tree.Watch, nil
}

func apache(out *answer.Answer, scope, top *apacheconf.Directive) {
	for _, d := range scope.All("proxyrequests") {
		if len(d.Args) == 0 || !strings.EqualFold(d.Args[0], "on") || out.Allowed {
			continue
		}
		out.At(d.File, d.Line, "ProxyRequests On")
		if why := apacheGuard(scope, top); why != "" {
			out.Say(false, "ProxyRequests On, but %s", why)
		} else {
			out.Say(true, "ProxyRequests On for everybody")
		}
	}
}

// apacheGuard names what keeps strangers from the proxy. The section that comes
// last counts, and the virtual host's come after the main server's.
func apacheGuard(scope, top *apacheconf.Directive) string {
	why := ""
	for _, s := range append(top.All("proxy"), scope.All("proxy")...) {
		if len(s.Args) == 0 || s.Args[0] != "*" {
			continue
		}
		for _, d := range s.Block {
			words := strings.ToLower(strings.Join(d.Args, " "))
			switch {
			case d.Name == "require" && words == "all granted":
				why = ""
			case d.Name == "require":
				why = "Require " + words
				if n, ok := answer.Network(strings.TrimPrefix(words, "ip ")); ok && answer.Wide(n) {
					why = ""
				}
			case d.Name == "deny" && words == "from all":
				why = "Deny from all"
			case d.Name == "allow" && words == "from all":
				why = ""
			}
		}
	}
	return why
}
