package proxy

import (
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/caddyfile"
	"seawall/pkg/glob"
)

// caddyData is where Caddy's packages make it keep its certificates.
const caddyData = "/var/lib/caddy/.local/share/caddy/certificates"

// Caddy reads the sites of a Caddyfile.
func Caddy(f *site.Reader) {
	conf, err := caddyfile.Load(f.Root, caddyfile.DefaultPath)
	f.Depend(conf.Watch...)
	server := f.Server(programCaddy, caddyfile.DefaultPath, err)
	if server == nil || err != nil {
		return
	}
	c := &caddyReader{Reader: f, server: server, automatic: true}
	for _, o := range conf.Options {
		switch {
		case o.Words[0] == "auto_https" && site.At(o.Words, 1) == "off":
			c.automatic = false
		case o.Words[0] == "local_certs", o.Words[0] == "storage":
			c.elsewhere = true
		}
	}
	for i := range conf.Sites {
		c.site(&conf.Sites[i])
	}
}

type caddyReader struct {
	*site.Reader
	server    *site.Server
	automatic bool // it gets certificates for names
	elsewhere bool // not in its usual place, or of its own authority
}

func caddyText(d caddyfile.Directive) site.Setting {
	return site.Line(strings.Join(d.Words[1:], " "), d.File, d.Line, strings.Join(d.Words, " "))
}

// site takes the addresses with TLS and those without as one site each.
func (c *caddyReader) site(s *caddyfile.Site) {
	var tls, plain site.Site
	for _, a := range s.Addresses {
		host, encrypted := caddyAddress(a)
		out := &tls
		if !encrypted {
			out = &plain
		}
		out.Listen = append(out.Listen, a)
		out.Names = append(out.Names, site.HostNames([]string{host})...)
	}
	for _, out := range []*site.Site{&tls, &plain} {
		if len(out.Listen) == 0 {
			continue
		}
		out.Program, out.File, out.Line, out.Raw = programCaddy, s.File, s.Line, strings.Join(s.Addresses, ", ")
		out.TLS = out == &tls
		out.Stapling = out.TLS // Caddy does by itself
		out.Local = !slices.ContainsFunc(out.Listen, func(l string) bool { _, rest, _ := strings.Cut("//"+l, "//"); return !site.Loopback(rest) })
		for _, d := range s.Directives {
			c.directive(out, d)
		}
		if out.TLS {
			c.managed(out, s)
			if len(out.Protocols.Value) == 0 {
				out.Protocols.Value = "tls1.2 tls1.3"
			}
			out.Configured, out.Bounded, out.OwnTLS = site.Since(site.At(strings.Fields(out.Protocols.Value), 0)), true, true
		}
		c.Add(*out)
	}
}

// caddyAddress takes the host out of an address of a site, and says whether Caddy
// answers there with TLS.
func caddyAddress(a string) (host string, encrypted bool) {
	scheme, rest, ok := strings.Cut(a, "://")
	if !ok {
		scheme, rest = "", a
	}
	host, _, _ = strings.Cut(rest, "/")
	number := ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host, number = host[:i], host[i+1:]
	}
	return host, scheme != "http" && (scheme != "" || number != "80" && (host != "" || number == "443"))
}

func (c *caddyReader) directive(out *site.Site, d caddyfile.Directive) {
	switch d.Words[0] {
	case "redir":
		if i := slices.IndexFunc(d.Words, site.ToHTTPS); i > 0 {
			out.Redirect = caddyText(d)
		}
	case "root":
		if dir := d.Words[len(d.Words)-1]; strings.HasPrefix(dir, "/") {
			out.WebRoots = append(out.WebRoots, dir)
		}
	case "header":
		for _, h := range append([]caddyfile.Directive{{Words: d.Words[1:], File: d.File, Line: d.Line}}, d.Block...) {
			i := slices.IndexFunc(h.Words, func(w string) bool {
				return strings.EqualFold(strings.TrimLeft(w, "+?>"), "Strict-Transport-Security")
			})
			if i >= 0 && i+1 < len(h.Words) {
				out.HSTS = site.Line(h.Words[i+1], h.File, h.Line, strings.Join(h.Words, " "))
				out.HSTSSeconds = site.MaxAge(h.Words[i+1])
			}
		}
	case "tls":
		if out.TLS {
			c.tls(out, d)
		}
	}
}

// tls takes a directive of that name.
func (c *caddyReader) tls(out *site.Site, d caddyfile.Directive) {
	if len(d.Words) == 3 {
		out.Pairs = append(out.Pairs, site.Pair{Certificate: d.Words[1], Key: d.Words[2], File: d.File, Line: d.Line, Raw: strings.Join(d.Words, " ")})
	}
	for _, o := range d.Block {
		switch o.Words[0] {
		case "protocols":
			out.Protocols = caddyText(o)
		case "load", "get_certificate":
			c.server.Later(caddyText(o))
		}
	}
}

// managed adds the certificates that Caddy got for a site's names.
func (c *caddyReader) managed(out *site.Site, s *caddyfile.Site) {
	internal := slices.ContainsFunc(s.Directives, func(d caddyfile.Directive) bool { return d.Words[0] == "tls" && site.At(d.Words, 1) == "internal" })
	if len(out.Pairs) > 0 || !c.automatic || internal || len(out.Names) == 0 {
		return
	}
	out.Managed = true
	if c.elsewhere || !c.Root.Exists(caddyData) {
		c.server.Later(site.Line("", s.File, s.Line, out.Raw))
		return
	}
	for _, name := range out.Names {
		stem := strings.ReplaceAll(name, "*", "wildcard_")
		file := path.Join(caddyData, "acme-v02.api.letsencrypt.org-directory", stem, stem+".crt")
		if found, _, err := glob.Expand(c.Root, path.Join(caddyData, "*", stem, stem+".crt")); err == nil && len(found) > 0 {
			file = found[0]
		}
		out.Pairs = append(out.Pairs, site.Pair{Certificate: file, Key: strings.TrimSuffix(file, ".crt") + ".key", File: s.File, Line: s.Line, Raw: out.Raw})
	}
}
