// Package proxy reads the sites of HAProxy (bind lines) and Caddy (addresses).
package proxy

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/haproxyconf"
)

// The programs, as findings name them.
const (
	programHAProxy = "haproxy"
	programCaddy   = "caddy"
)

const maxFiles = 1000 // in a directory, and certificates of a listener

// HAProxy reads the bind lines of HAProxy.
func HAProxy(f *site.Reader) {
	files := []string{haproxyconf.DefaultPath}
	// The family of RHEL starts HAProxy with a directory of further files.
	if f.Root.Exists("/etc/sysconfig/haproxy") {
		f.Depend("/etc/haproxy/conf.d/")
		names, err := f.Root.ReadDir("/etc/haproxy/conf.d")
		if err != nil && !errors.Is(err, fs.ErrNotExist) || len(names) > maxFiles {
			f.Leave(programHAProxy, "files")
		}
		for _, n := range names[:min(len(names), maxFiles)] {
			if path.Ext(n) == ".cfg" {
				files = append(files, "/etc/haproxy/conf.d/"+n)
			}
		}
	}
	h := &haproxyReader{Reader: f}
	for _, file := range files {
		f.Depend(file)
		conf, err := haproxyconf.Load(f.Root, file)
		server := f.Server(programHAProxy, file, err)
		if server == nil || err != nil {
			return
		}
		for _, c := range conf.Conditions {
			server.Later(haproxyText(c))
		}
		h.server = server
		for i := range conf.Sections {
			h.section(&conf.Sections[i])
		}
	}
}

type haproxyReader struct {
	*site.Reader
	server   *site.Server
	global   haproxyconf.Section
	defaults haproxyconf.Section
}

func haproxyText(l haproxyconf.Line) site.Setting {
	return site.Line(strings.Join(l.Words[1:], " "), l.File, l.Line, strings.Join(l.Words, " "))
}

func (h *haproxyReader) section(s *haproxyconf.Section) {
	switch s.Kind {
	case "global":
		h.global.Lines = append(h.global.Lines, s.Lines...)
	case "defaults":
		h.defaults = *s
	case "frontend", "listen":
		for _, l := range s.Lines {
			if l.Words[0] == "bind" && len(l.Words) > 1 {
				h.bind(s, l)
			}
		}
	}
}

// global returns the last setting of a name in the global section.
func (h *haproxyReader) setting(name string) (site.Setting, bool) {
	for _, l := range slices.Backward(h.global.Lines) {
		if l.Words[0] == name {
			return haproxyText(l), true
		}
	}
	return site.Setting{}, false
}

// option is the word after a name on a bind line.
func option(words []string, name string) string {
	if i := slices.Index(words, name); i >= 0 {
		return site.At(words, i+1)
	}
	return ""
}

func (h *haproxyReader) bind(s *haproxyconf.Section, l haproxyconf.Line) {
	out := site.Site{Program: programHAProxy, File: l.File, Line: l.Line, Raw: strings.Join(l.Words, " "),
		Listen: strings.Split(l.Words[1], ","), TLS: slices.Contains(l.Words, "ssl")}
	out.Local = site.Local(out.Listen)
	http := h.mode(s) == "http"
	if !out.TLS {
		out.Plain443 = http && slices.ContainsFunc(out.Listen, func(l string) bool { return site.Port(l) == "443" })
		if http {
			out.Redirect = haproxyLine(s, func(w []string) bool {
				return slices.Contains(w, "redirect") && (option(w, "scheme") == "https" || site.ToHTTPS(option(w, "location")) || site.ToHTTPS(option(w, "prefix")))
			})
		}
		h.Add(out)
		return
	}
	h.certificates(&out, l)
	h.protocols(&out, l)
	out.HSTS = haproxyLine(s, func(w []string) bool {
		return slices.ContainsFunc(w, func(x string) bool { return strings.EqualFold(x, "Strict-Transport-Security") })
	})
	out.HSTSSeconds = site.MaxAge(out.HSTS.Value)
	if t, ok := h.setting("ssl-dh-param-file"); ok {
		out.DHParams = t
	}
	h.Add(out)
}

func (h *haproxyReader) mode(s *haproxyconf.Section) string {
	mode := "tcp"
	for _, l := range append(slices.Clone(h.defaults.Lines), s.Lines...) {
		if l.Words[0] == "mode" {
			mode = site.At(l.Words, 1)
		}
	}
	return mode
}

func haproxyLine(s *haproxyconf.Section, is func(words []string) bool) site.Setting {
	for _, l := range s.Lines {
		if is(l.Words) {
			return haproxyText(l)
		}
	}
	return site.Setting{}
}

// protocols takes the versions and ciphers of a bind line, or the global ones.
func (h *haproxyReader) protocols(out *site.Site, l haproxyconf.Line) {
	words, place := l.Words, haproxyText(l)
	least := option(words, "ssl-min-ver")
	if least == "" {
		if t, ok := h.setting("ssl-default-bind-options"); ok {
			place, words = t, append(strings.Fields(t.Value), words...)
			least = option(words, "ssl-min-ver")
		}
	}
	all := site.Since(least) // TLSv1.2 and later where nothing is said
	for i, no := range []string{"", "no-sslv3", "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13"} {
		if slices.Contains(words, no) {
			all = slices.DeleteFunc(all, func(v string) bool { return v == site.Versions()[i] })
		}
	}
	for i, force := range []string{"", "force-sslv3", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13"} {
		if slices.Contains(words, force) {
			all = []string{site.Versions()[i]}
		}
	}
	out.Protocols = place
	out.Protocols.Value = strings.Join(all, " ")
	if ciphers := option(l.Words, "ciphers"); ciphers != "" {
		out.Ciphers = haproxyText(l)
		out.Ciphers.Value = ciphers
	} else if t, ok := h.setting("ssl-default-bind-ciphers"); ok {
		out.Ciphers = t
	}
	out.Configured, out.Bounded = all, true
}

// certificates takes those of crt and crt-list.
func (h *haproxyReader) certificates(out *site.Site, l haproxyconf.Line) {
	base, _ := h.setting("crt-base")
	for i, w := range l.Words {
		name := site.At(l.Words, i+1)
		switch {
		case w != "crt" && w != "crt-list" || name == "":
		case strings.ContainsAny(name, "$@"):
			h.server.Later(haproxyText(l))
		case w == "crt":
			h.stored(out, haproxyText(l), site.Below(base.Value, name))
		default:
			h.list(out, base.Value, name)
		}
	}
}

// list reads a crt-list: a certificate a line, with the names that it is for.
func (h *haproxyReader) list(out *site.Site, base, name string) {
	h.Depend(name)
	data, err := h.Root.ReadFile(name, 1<<20)
	if err != nil {
		out.Pairs = append(out.Pairs, site.Pair{Certificate: name, Key: name, File: out.File, Line: out.Line, Raw: out.Raw})
		return
	}
	number := 0
	for text := range strings.Lines(string(data)) {
		number++
		if words := strings.Fields(text); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			h.stored(out, site.Line(words[0], name, number, strings.TrimSpace(text)), site.Below(base, words[0]))
		}
	}
}

// stored takes a file, or the files of a directory, that hold certificates with
// their keys. The key may stand in a file beside it.
func (h *haproxyReader) stored(out *site.Site, t site.Setting, name string) {
	names := []string{name}
	if fi, err := h.Root.Stat(name); err == nil && fi.IsDir() {
		h.Depend(name + "/")
		names = nil
		entries, err := h.Root.ReadDir(name)
		if err != nil {
			h.Leave(programHAProxy, "certificates")
		}
		for _, e := range entries {
			if !strings.HasPrefix(e, ".") && !slices.Contains([]string{".key", ".issuer", ".ocsp", ".sctl"}, path.Ext(e)) {
				names = append(names, path.Join(name, e))
			}
		}
	}
	for _, n := range names {
		if len(out.Pairs) >= maxFiles {
			h.Leave(programHAProxy, "certificates")
			return
		}
		p := site.Pair{Certificate: n, Key: n, File: t.File, Line: t.Line, Raw: t.Raw}
		if _, err := h.Root.Lstat(n + ".key"); err == nil {
			p.Key = n + ".key"
		}
		out.Pairs = append(out.Pairs, p)
	}
}
