package site

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Bounds of what is listed.
const (
	maxSites = 2000
	maxList  = 100 // of names, listeners and the like of one site
	maxWord  = 512
)

// Found is what the configurations of a host say.
type Found struct {
	Servers []Server
	Sites   []Site
	Depends []string
}

// Find reads the configurations that are there.
func Find(root hostfs.Root, lib Library) Found {
	f := &finder{root: root, lib: lib, out: Found{Servers: []Server{}, Sites: []Site{}}}
	f.nginx()
	f.apache()
	f.haproxy()
	f.caddy()
	f.postfix()
	f.dovecot()
	f.finish()
	return f.out
}

type finder struct {
	root hostfs.Root
	lib  Library
	out  Found
}

func (f *finder) depend(names ...string) {
	for _, n := range names {
		if !slices.Contains(f.out.Depends, n) {
			f.out.Depends = append(f.out.Depends, n)
		}
		// A link's target changes without the link.
		if !strings.HasSuffix(n, "/") && len(f.out.Depends) < maxSites {
			if to, err := f.root.Readlink(n); err == nil {
				if !strings.HasPrefix(to, "/") {
					to = path.Join(path.Dir(n), to)
				}
				if to = path.Clean(to); !slices.Contains(f.out.Depends, to) {
					f.out.Depends = append(f.out.Depends, to)
				}
			}
		}
	}
}

// server notes a program's configuration, which was read with the given error. It
// returns nil where there is none.
func (f *finder) server(program, file string, err error) *Server {
	s := Server{Program: program, State: fact.StateKnown, File: file, Unread: []fact.Text{}}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !f.root.Exists(file):
		return nil
	case errors.Is(err, fs.ErrPermission):
		s.State = fact.StateUnknown
	case err != nil:
		s.State = fact.StateError
	}
	if err != nil {
		s.Reason = text.Clean(err.Error(), text.Limit)
		s.File, s.Line = refusedAt(err, file)
	}
	f.out.Servers = append(f.out.Servers, s)
	return &f.out.Servers[len(f.out.Servers)-1]
}

// unread notes what is decided only when the server runs.
func (s *Server) unread(place fact.Text) {
	if len(s.Unread) < maxList {
		s.Unread = append(s.Unread, clean(place))
	}
}

// add takes a site of a program.
func (f *finder) add(s Site) {
	if len(f.out.Sites) == maxSites {
		return
	}
	for _, l := range []*[]string{&s.Names, &s.Listen, &s.Offered, &s.WeakCiphers, &s.LegacyCiphers, &s.WebRoots} {
		*l = short(*l)
	}
	if s.Pairs == nil {
		s.Pairs = []Pair{}
	}
	for i := range s.Pairs {
		p := &s.Pairs[i]
		p.Raw = text.Clean(p.Raw, maxWord)
	}
	for _, t := range []*fact.Text{&s.Protocols, &s.Ciphers, &s.HSTS, &s.Redirect, &s.DHParams, &s.Compression, &s.Renegotiation, &s.MailTLS, &s.PlainLoginSet} {
		*t = clean(*t)
	}
	s.Raw = text.Clean(s.Raw, maxWord)
	f.out.Sites = append(f.out.Sites, s)
}

// finish gives each site a label of its own, and finds those that only catch what
// no other site of their program answers.
func (f *finder) finish() {
	tls := map[string]int{}
	labels := map[string]bool{}
	for i := range f.out.Sites {
		s := &f.out.Sites[i]
		if s.TLS {
			tls[s.Program]++
		}
		label := s.Program
		switch {
		case len(s.Names) > 0:
			label += " " + s.Names[0]
		case len(s.Listen) > 0:
			label += " " + s.Listen[0]
		}
		if !s.TLS {
			label += " (plain)"
		}
		s.Label = text.Clean(label, maxWord)
		for n := 2; labels[s.Label]; n++ {
			s.Label = text.Clean(fmt.Sprintf("%s %s:%d", label, s.File, s.Line), maxWord)
			if n > 2 {
				s.Label += fmt.Sprintf(" (%d)", n)
			}
		}
		labels[s.Label] = true
	}
	for i := range f.out.Sites {
		s := &f.out.Sites[i]
		s.CatchAll = !s.Mail && len(s.Names) == 0 && tls[s.Program] > 1
	}
	for i := range f.out.Servers {
		f.out.Servers[i].Sites = tls[f.out.Servers[i].Program]
	}
}

// short bounds a list and the words in it, and makes it one.
func short(list []string) []string {
	out := make([]string, 0, min(len(list), maxList))
	for _, s := range list[:min(len(list), maxList)] {
		out = append(out, text.Clean(s, maxWord))
	}
	return out
}

func clean(t fact.Text) fact.Text {
	t.Value, t.Raw, t.File = text.Clean(t.Value, maxWord), text.Clean(t.Raw, maxWord), text.Clean(t.File, text.Limit)
	return t
}

// hostNames are those of words that a client could ask for: no patterns, no
// variables, and nothing that is not a full name.
func hostNames(words []string) []string {
	var out []string
	for _, w := range words {
		w = strings.ToLower(strings.TrimSuffix(w, "."))
		bare := strings.TrimPrefix(strings.TrimPrefix(w, "*"), ".")
		if !strings.Contains(bare, ".") && !strings.Contains(bare, ":") || strings.ContainsAny(bare, "*~^$%{}?\\/ \t") || slices.Contains(out, w) {
			continue
		}
		out = append(out, w)
	}
	return out
}

// port is the port of a listener as programs write it: "443", "*:443",
// "[::]:443", "192.0.2.1:443".
func port(listen string) string {
	if i := strings.LastIndexByte(listen, ':'); i >= 0 && !strings.HasSuffix(listen, "]") {
		return listen[i+1:]
	}
	return listen
}

// loopback reports whether a listener is reached from this host alone.
func loopback(listen string) bool {
	return strings.HasPrefix(listen, "127.") || strings.HasPrefix(listen, "[::1]") || strings.HasPrefix(listen, "localhost") ||
		strings.HasPrefix(listen, "unix:") || strings.HasPrefix(listen, "/")
}

func allLocal(listen []string) bool {
	return len(listen) > 0 && !slices.ContainsFunc(listen, func(l string) bool { return !loopback(l) })
}

// maxAge is the time that a Strict-Transport-Security header sets, in seconds.
func maxAge(header string) int {
	_, rest, ok := strings.Cut(strings.ToLower(header), "max-age=")
	if !ok {
		return 0
	}
	n := 0
	for _, c := range strings.TrimLeft(rest, `"\'`) {
		if c < '0' || c > '9' || n > 1<<30 {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// toHTTPS reports whether a redirect's target is a page over TLS.
func toHTTPS(target string) bool {
	return strings.HasPrefix(strings.ToLower(target), "https://")
}

// below makes a name in a configuration absolute.
func below(dir, name string) string {
	if name == "" || strings.HasPrefix(name, "/") {
		return name
	}
	return path.Join(dir, name)
}

func join(name string, args []string) string {
	return strings.TrimSpace(name + " " + strings.Join(args, " "))
}

func first(args []string) string { return at(args, 0) }

// at is an element of a list, "" where it has none.
func at(list []string, i int) string {
	if i < 0 || i >= len(list) {
		return ""
	}
	return list[i]
}
