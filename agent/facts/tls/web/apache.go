package web

import (
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/apacheconf"
)

// Apache reads the main server and the virtual hosts of Apache's httpd.
func Apache(f *site.Reader) {
	for _, file := range apacheconf.Paths() {
		tree, err := apacheconf.Load(f.Root, file)
		f.Depend(tree.Watch...)
		server := f.Server(programApache, file, err)
		if server == nil {
			continue
		}
		if err == nil {
			apacheSites(f, server, tree, strings.TrimSuffix(path.Dir(file), "/conf"))
		}
		return
	}
}

func apacheSites(f *site.Reader, server *site.Server, tree *apacheconf.Tree, dir string) {
	if root := tree.All("serverroot"); len(root) > 0 {
		dir = site.At(root[len(root)-1].Args, 0)
	}
	base := &apacheconf.Directive{Name: "main", Block: tree.Directives}
	a := &apacheReader{Reader: f, server: server, dir: dir, base: base}
	for _, u := range tree.Uses {
		server.Later(apacheText(u))
	}
	for _, d := range tree.All("mdomain") {
		a.managed = append(a.managed, site.HostNames(d.Args)...)
	}
	hosts := tree.All("virtualhost")
	if len(hosts) > maxSites {
		f.Leave(server.Program, "sites")
		hosts = hosts[:maxSites]
	}
	for i := range hosts {
		a.site(&hosts[i])
	}
	if len(hosts) == 0 {
		a.site(base)
	}
}

type apacheReader struct {
	*site.Reader
	server  *site.Server
	dir     string
	base    *apacheconf.Directive
	managed []string // names that mod_md keeps certificates for
}

func apacheText(d apacheconf.Directive) site.Setting {
	return site.Line(strings.Join(d.Args, " "), d.File, d.Line, site.Join(d.Name, d.Args))
}

// has returns a virtual host's directives of a name, or else the main server's.
func (a *apacheReader) has(s *apacheconf.Directive, name string) []apacheconf.Directive {
	if own := s.All(name); len(own) > 0 {
		return own
	}
	return a.base.All(name)
}

func (a *apacheReader) last(s *apacheconf.Directive, name string) site.Setting {
	all := a.has(s, name)
	if len(all) == 0 {
		return site.Setting{}
	}
	return apacheText(all[len(all)-1])
}

func (a *apacheReader) site(s *apacheconf.Directive) {
	out := site.Site{Program: programApache, File: s.File, Line: s.Line, Raw: "<VirtualHost " + strings.Join(s.Args, " ") + ">", Listen: s.Args}
	if s == a.base {
		out.Raw, out.File = "", a.server.File
		for _, l := range s.All("listen") {
			out.Listen = append(out.Listen, site.At(l.Args, 0))
		}
	}
	out.Local = site.Local(out.Listen)
	for _, d := range slices.Concat(s.All("servername"), s.All("serveralias")) {
		for _, name := range d.Args {
			_, bare, ok := strings.Cut(name, "://")
			if !ok {
				bare = name
			}
			if i := strings.LastIndexByte(bare, ':'); i > 0 && !strings.HasSuffix(bare, "]") {
				bare = bare[:i]
			}
			out.Names = append(out.Names, site.HostNames([]string{bare})...)
		}
	}
	for _, d := range s.All("documentroot") {
		out.WebRoots = append(out.WebRoots, site.Below(a.dir, site.At(d.Args, 0)))
	}
	engine := strings.ToLower(a.last(s, "sslengine").Value)
	if out.TLS = engine == "on" || engine == "optional"; !out.TLS {
		out.Plain443 = slices.ContainsFunc(out.Listen, func(l string) bool { return site.Port(l) == "443" })
		out.Redirect = a.redirect(s)
		a.Add(out)
		return
	}
	a.pairs(&out, s)
	a.settings(&out, s)
	a.Add(out)
}

// settings takes what holds for the connections of a virtual host.
func (a *apacheReader) settings(out *site.Site, s *apacheconf.Directive) {
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
		out.Ciphers.Value = site.At(d.Args, len(d.Args)-1)
	}
	out.Configured, out.Bounded = apacheProtocols(strings.Fields(out.Protocols.Value)), own
	for _, d := range a.has(s, "header") {
		i := slices.IndexFunc(d.Args, func(w string) bool { return strings.EqualFold(w, "Strict-Transport-Security") })
		if i >= 0 && i+1 < len(d.Args) {
			out.HSTS, out.HSTSSeconds = apacheText(d), site.MaxAge(d.Args[i+1])
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
			out.DHParams.Value = site.Below(a.dir, strings.Trim(d.Args[1], `"`))
		}
	}
	out.Managed = slices.ContainsFunc(out.Names, func(n string) bool { return slices.Contains(a.managed, n) })
}

// apacheProtocols works out "all -SSLv3 +TLSv1.2".
func apacheProtocols(words []string) []string {
	in := map[string]bool{}
	for _, w := range words {
		name := strings.TrimLeft(w, "+-")
		which := []string{site.VersionName(name)}
		if strings.EqualFold(name, "all") {
			which = site.Versions()[2:]
		}
		if w == name { // neither added nor taken: it alone
			clear(in)
		}
		for _, v := range which {
			in[v] = !strings.HasPrefix(w, "-")
		}
	}
	return slices.DeleteFunc(site.Versions(), func(v string) bool { return !in[v] })
}

// pairs takes the certificates; one without a key has it in its own file.
func (a *apacheReader) pairs(out *site.Site, s *apacheconf.Directive) {
	keys := a.has(s, "sslcertificatekeyfile")
	chain := a.last(s, "sslcertificatechainfile")
	for i, c := range a.has(s, "sslcertificatefile") {
		t := apacheText(c)
		if strings.Contains(t.Value, "${") {
			a.server.Later(t)
			continue
		}
		p := site.Pair{Certificate: site.Below(a.dir, site.At(c.Args, 0)), File: t.File, Line: t.Line, Raw: t.Raw, Chain: site.Below(a.dir, chain.Value)}
		p.Key = p.Certificate
		if i < len(keys) {
			p.Key = site.Below(a.dir, site.At(keys[i].Args, 0))
		}
		out.Pairs = append(out.Pairs, p)
	}
}

// redirect finds the line that sends a plain site's visitors to TLS.
func (a *apacheReader) redirect(s *apacheconf.Directive) site.Setting {
	for _, d := range slices.Concat(s.Block, within(s, "location"), within(s, "directory"), within(s, "if")) {
		switch d.Name {
		case "redirect", "redirectmatch", "redirectpermanent", "redirecttemp":
			if len(d.Args) > 0 && site.ToHTTPS(d.Args[len(d.Args)-1]) {
				return apacheText(d)
			}
		case "rewriterule":
			if site.ToHTTPS(site.At(d.Args, 1)) {
				return apacheText(d)
			}
		}
	}
	return site.Setting{}
}

// within returns what stands in the sections of a name.
func within(s *apacheconf.Directive, name string) []apacheconf.Directive {
	var out []apacheconf.Directive
	for _, d := range s.All(name) {
		out = append(out, d.Block...)
	}
	return out
}
