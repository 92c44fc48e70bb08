package site

import (
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/apacheconf"
)

// apache reads the main server and the virtual hosts of Apache's httpd.
func (f *finder) apache() {
	for _, file := range apacheconf.Paths() {
		tree, err := apacheconf.Load(f.root, file)
		f.depend(tree.Watch...)
		server := f.server(Apache, file, err)
		if server == nil {
			continue
		}
		if err == nil {
			f.apacheSites(server, tree, strings.TrimSuffix(path.Dir(file), "/conf"))
		}
		return
	}
}

func (f *finder) apacheSites(server *Server, tree *apacheconf.Tree, dir string) {
	if root := tree.All("serverroot"); len(root) > 0 {
		dir = first(root[len(root)-1].Args)
	}
	base := &apacheconf.Directive{Name: "main", Block: tree.Directives}
	a := &apacheReader{finder: f, server: server, dir: dir, base: base}
	for _, u := range tree.Uses {
		server.unread(apacheText(u))
	}
	for _, d := range tree.All("mdomain") {
		for _, name := range hostNames(d.Args) {
			a.managed = append(a.managed, name)
		}
	}
	hosts := tree.All("virtualhost")
	for i := range hosts {
		a.site(&hosts[i])
	}
	if len(hosts) == 0 {
		a.site(base)
	}
}

type apacheReader struct {
	*finder
	server  *Server
	dir     string
	base    *apacheconf.Directive
	managed []string // names that mod_md keeps certificates for
}

func apacheText(d apacheconf.Directive) fact.Text {
	return setting(strings.Join(d.Args, " "), d.File, d.Line, join(d.Name, d.Args))
}

// has returns a virtual host's directives of a name, or else the main server's.
func (a *apacheReader) has(s *apacheconf.Directive, name string) []apacheconf.Directive {
	if own := s.All(name); len(own) > 0 {
		return own
	}
	return a.base.All(name)
}

func (a *apacheReader) last(s *apacheconf.Directive, name string) fact.Text {
	all := a.has(s, name)
	if len(all) == 0 {
		return fact.Text{}
	}
	return apacheText(all[len(all)-1])
}

func (a *apacheReader) site(s *apacheconf.Directive) {
	out := Site{Program: Apache, File: s.File, Line: s.Line, Raw: "<VirtualHost " + strings.Join(s.Args, " ") + ">", Listen: s.Args}
	if s == a.base {
		out.Raw, out.File = "", a.server.File
		for _, l := range s.All("listen") {
			out.Listen = append(out.Listen, first(l.Args))
		}
	}
	out.Local = allLocal(out.Listen)
	for _, d := range slices.Concat(s.All("servername"), s.All("serveralias")) {
		for _, name := range d.Args {
			_, bare, ok := strings.Cut(name, "://")
			if !ok {
				bare = name
			}
			if i := strings.LastIndexByte(bare, ':'); i > 0 && !strings.HasSuffix(bare, "]") {
				bare = bare[:i]
			}
			out.Names = append(out.Names, hostNames([]string{bare})...)
		}
	}
	for _, d := range s.All("documentroot") {
		out.WebRoots = append(out.WebRoots, below(a.dir, first(d.Args)))
	}
	engine := strings.ToLower(a.last(s, "sslengine").Value)
	if out.TLS = engine == "on" || engine == "optional"; !out.TLS {
		out.Plain443 = slices.ContainsFunc(out.Listen, func(l string) bool { return port(l) == "443" })
		out.Redirect = a.redirect(s)
		a.add(out)
		return
	}
	a.pairs(&out, s)
	a.settings(&out, s)
	a.add(out)
}

// settings takes what holds for the connections of a virtual host.
func (a *apacheReader) settings(out *Site, s *apacheconf.Directive) {
	out.Protocols = a.last(s, "sslprotocol")
	own := out.Protocols.Set
	if !own {
		out.Protocols.Value = "all -SSLv3"
	}
	out.Ciphers.Value = "DEFAULT"
	for _, d := range a.has(s, "sslciphersuite") {
		if len(d.Args) == 2 && d.Args[0] == "TLSv1.3" {
			continue
		}
		out.Ciphers = apacheText(d)
		out.Ciphers.Value = at(d.Args, len(d.Args)-1)
	}
	out.offer(a.lib, apacheProtocols(strings.Fields(out.Protocols.Value)), own)
	for _, d := range a.has(s, "header") {
		i := slices.IndexFunc(d.Args, func(w string) bool { return strings.EqualFold(w, "Strict-Transport-Security") })
		if i >= 0 && i+1 < len(d.Args) {
			out.HSTS, out.HSTSSeconds = apacheText(d), maxAge(d.Args[i+1])
		}
	}
	out.Stapling = strings.EqualFold(a.last(s, "sslusestapling").Value, "on")
	if t := a.last(s, "sslcompression"); strings.EqualFold(t.Value, "on") {
		out.Compression = t
	}
	if t := a.last(s, "sslinsecurerenegotiation"); strings.EqualFold(t.Value, "on") {
		out.Renegotiation = t
	}
	for _, d := range a.has(s, "sslopensslconfcmd") {
		if len(d.Args) == 2 && strings.EqualFold(d.Args[0], "DHParameters") {
			out.DHParams = apacheText(d)
			out.DHParams.Value = below(a.dir, strings.Trim(d.Args[1], `"`))
		}
	}
	out.Managed = slices.ContainsFunc(out.Names, func(n string) bool { return slices.Contains(a.managed, n) })
}

// apacheProtocols works out "all -SSLv3 +TLSv1.2".
func apacheProtocols(words []string) []string {
	in := map[string]bool{}
	for _, w := range words {
		name := strings.TrimLeft(w, "+-")
		which := []string{protocolName(name)}
		if strings.EqualFold(name, "all") {
			which = versions()[2:]
		}
		if w == name { // neither added nor taken: it alone
			clear(in)
		}
		for _, v := range which {
			in[v] = !strings.HasPrefix(w, "-")
		}
	}
	return slices.DeleteFunc(versions(), func(v string) bool { return !in[v] })
}

// pairs takes the certificates; one without a key has it in its own file.
func (a *apacheReader) pairs(out *Site, s *apacheconf.Directive) {
	keys := a.has(s, "sslcertificatekeyfile")
	chain := a.last(s, "sslcertificatechainfile")
	for i, c := range a.has(s, "sslcertificatefile") {
		t := apacheText(c)
		if strings.Contains(t.Value, "${") {
			a.server.unread(t)
			continue
		}
		p := Pair{Certificate: below(a.dir, first(c.Args)), File: t.File, Line: t.Line, Raw: t.Raw, Chain: below(a.dir, chain.Value)}
		p.Key = p.Certificate
		if i < len(keys) {
			p.Key = below(a.dir, first(keys[i].Args))
		}
		out.Pairs = append(out.Pairs, p)
	}
}

// redirect finds the line that sends a plain site's visitors to TLS.
func (a *apacheReader) redirect(s *apacheconf.Directive) fact.Text {
	for _, d := range slices.Concat(s.Block, within(s, "location"), within(s, "directory"), within(s, "if")) {
		switch d.Name {
		case "redirect", "redirectmatch", "redirectpermanent", "redirecttemp":
			if len(d.Args) > 0 && toHTTPS(d.Args[len(d.Args)-1]) {
				return apacheText(d)
			}
		case "rewriterule":
			if toHTTPS(at(d.Args, 1)) {
				return apacheText(d)
			}
		}
	}
	return fact.Text{}
}

// within returns what stands in the sections of a name.
func within(s *apacheconf.Directive, name string) []apacheconf.Directive {
	var out []apacheconf.Directive
	for _, d := range s.All(name) {
		out = append(out, d.Block...)
	}
	return out
}
