// Package web reads the sites of nginx (server blocks, those of streams too) and of
// Apache's httpd (virtual hosts), with what they inherit.
package web

import (
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/nginxconf"
)

// The programs, as findings name them.
const (
	programNGINX  = "nginx"
	programApache = "apache"
)

const maxSites = 2000 // that are looked at, of one program

// NGINX reads the servers of nginx, those of its streams too.
func NGINX(f *site.Reader) {
	tree, err := nginxconf.Load(f.Root, nginxconf.DefaultPath)
	f.Depend(tree.Watch...)
	server := f.Server(programNGINX, nginxconf.DefaultPath, err)
	if server == nil || err != nil {
		return
	}
	n := &nginxReader{Reader: f, server: server}
	for _, kind := range []string{"http", "stream"} {
		for _, outer := range tree.All(kind) {
			servers := outer.All("server")
			if len(servers) > maxSites {
				f.Leave(programNGINX, "sites")
				servers = servers[:maxSites]
			}
			defaults := defaultServers(servers)
			// What servers inherit is looked for often, and is none of these.
			outer.Block = slices.DeleteFunc(slices.Clone(outer.Block), func(d nginxconf.Directive) bool { return d.Name == "server" })
			for i := range servers {
				listen, _ := listening(&servers[i])
				n.site(&outer, &servers[i], defaults[listen[0]])
			}
		}
	}
}

type nginxReader struct {
	*site.Reader
	server *site.Server
}

func nginxText(d nginxconf.Directive) site.Setting {
	return site.Line(strings.Join(d.Args, " "), d.File, d.Line, site.Join(d.Name, d.Args))
}

// last is the value of a setting that a block has or inherits.
func last(name string, blocks ...*nginxconf.Directive) (site.Setting, bool) {
	all := nginxconf.Inherited(name, blocks...)
	if len(all) == 0 {
		return site.Setting{}, false
	}
	return nginxText(all[len(all)-1]), true
}

// listening returns the addresses of a server block, and whether they speak TLS.
func listening(s *nginxconf.Directive) (listen []string, tls bool) {
	for _, l := range s.All("listen") {
		if len(l.Args) == 0 {
			continue
		}
		listen = append(listen, l.Args[0])
		tls = tls || slices.Contains(l.Args, "ssl") || slices.Contains(l.Args, "quic")
	}
	on := s.All("ssl")
	tls = tls || len(on) > 0 && slices.Equal(on[len(on)-1].Args, []string{"on"})
	if len(listen) == 0 {
		listen = []string{"80"}
	}
	return listen, tls
}

// defaultServers are those whose protocols count on each address, since they are
// agreed on before the client's name is looked at: the one that says so, or the
// first.
func defaultServers(servers []nginxconf.Directive) map[string]*nginxconf.Directive {
	out := map[string]*nginxconf.Directive{}
	said := map[string]bool{}
	for i := range servers {
		listen, _ := listening(&servers[i])
		for _, address := range listen {
			if out[address] == nil {
				out[address] = &servers[i]
			}
		}
		for _, l := range servers[i].All("listen") {
			if address := site.At(l.Args, 0); slices.Contains(l.Args, "default_server") && !said[address] {
				out[address], said[address] = &servers[i], true
			}
		}
	}
	return out
}

func (n *nginxReader) site(outer, s, byDefault *nginxconf.Directive) {
	out := site.Site{Program: programNGINX, File: s.File, Line: s.Line, Raw: "server {"}
	out.Listen, out.TLS = listening(s)
	out.Local = site.Local(out.Listen)
	for _, names := range s.All("server_name") {
		out.Names = append(out.Names, site.HostNames(names.Args)...)
		out.File, out.Line, out.Raw = names.File, names.Line, site.Join(names.Name, names.Args)
	}
	for _, root := range slices.Concat(nginxconf.Inherited("root", outer, s), inLocations(s, "root")) {
		out.WebRoots = append(out.WebRoots, site.Below("/usr/share/nginx", site.At(root.Args, 0)))
	}
	if !out.TLS {
		out.Plain443 = outer.Name == "http" && slices.ContainsFunc(out.Listen, func(l string) bool { return site.Port(l) == "443" })
		out.Redirect = n.redirect(s, 0)
		n.Add(out)
		return
	}
	if reject, _ := last("ssl_reject_handshake", outer, s); reject.Value != "on" {
		n.pairs(&out, outer, s)
	}
	out.Protocols, _ = last("ssl_protocols", outer, byDefault)
	configured := strings.Fields(out.Protocols.Value)
	if !out.Protocols.Set {
		configured = []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}
		out.Protocols.Value = strings.Join(configured, " ")
	}
	var set bool
	if out.Ciphers, set = last("ssl_ciphers", outer, s); !set {
		out.Ciphers.Value = "HIGH:!aNULL:!MD5"
	}
	out.Configured, out.Bounded = configured, true
	for _, h := range nginxconf.Inherited("add_header", outer, s) {
		if len(h.Args) >= 2 && strings.EqualFold(h.Args[0], "Strict-Transport-Security") {
			out.HSTS, out.HSTSSeconds = nginxText(h), site.MaxAge(h.Args[1])
		}
	}
	stapling, _ := last("ssl_stapling", outer, s)
	out.Stapling = stapling.Value == "on"
	if out.DHParams, set = last("ssl_dhparam", outer, s); set {
		out.DHParams.Value = site.Below(path.Dir(nginxconf.DefaultPath), out.DHParams.Value)
	}
	n.Add(out)
}

// pairs takes the certificates and keys, which nginx matches in their order.
func (n *nginxReader) pairs(out *site.Site, outer, s *nginxconf.Directive) {
	dir := path.Dir(nginxconf.DefaultPath)
	keys := nginxconf.Inherited("ssl_certificate_key", outer, s)
	for i, c := range nginxconf.Inherited("ssl_certificate", outer, s) {
		t := nginxText(c)
		name := site.At(c.Args, 0)
		if strings.Contains(name, "$") || strings.HasPrefix(name, "data:") {
			n.server.Later(t)
			continue
		}
		p := site.Pair{Certificate: site.Below(dir, name), File: t.File, Line: t.Line, Raw: t.Raw}
		if i < len(keys) {
			if key := site.At(keys[i].Args, 0); !strings.ContainsAny(key, "$:") {
				p.Key = site.Below(dir, key)
			}
		}
		out.Pairs = append(out.Pairs, p)
	}
}

// redirect finds the line that sends a plain site's visitors to TLS.
func (n *nginxReader) redirect(s *nginxconf.Directive, depth int) site.Setting {
	for _, d := range s.Block {
		target := ""
		switch d.Name {
		case "return":
			target = site.At(d.Args, len(d.Args)-1)
		case "rewrite":
			target = site.At(d.Args, 1)
		case "if", "location":
			if depth < 3 && (d.Name == "if" || slices.Contains(d.Args, "/")) {
				if t := n.redirect(&d, depth+1); t.Set {
					return t
				}
			}
		}
		if site.ToHTTPS(target) {
			return nginxText(d)
		}
	}
	return site.Setting{}
}

// inLocations returns the directives of a name in the locations of a server.
func inLocations(s *nginxconf.Directive, name string) []nginxconf.Directive {
	var out []nginxconf.Directive
	for _, l := range s.All("location") {
		out = append(out, l.All(name)...)
	}
	return out
}
