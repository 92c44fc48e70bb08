package site

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Bounds of what is listed.
const (
	maxSites = 2000
	maxList  = 100 // of names, listeners and the like of one site
	maxWord  = 512 // bytes of what is shown, or of a name
)

// NewReader returns a reader of a host's configurations.
func NewReader(root hostfs.Root) *Reader { return &Reader{Root: root, seen: map[string]bool{}} }

// Reader collects what the configurations of a host say.
type Reader struct {
	Root    hostfs.Root
	Servers []*Server
	Sites   []Site
	Depends []string
	Left    string          // why these are not all, or not all of each; "" if they are
	seen    map[string]bool // in Depends
}

// Leave says that a program has more than is looked at.
func (f *Reader) Leave(program, what string) {
	f.Left = "there are more " + what + " of " + program + " than are looked at"
}

// Depend notes names that what is found depends on, and where links lead: a link's
// target changes without the link.
func (f *Reader) Depend(names ...string) {
	for _, n := range names {
		if !f.seen[path.Dir(n)+"/"] {
			f.note(n)
		}
		if strings.HasSuffix(n, "/") {
			continue
		}
		if to, err := f.Root.Readlink(n); err == nil {
			if !strings.HasPrefix(to, "/") {
				to = path.Join(path.Dir(n), to)
			}
			f.note(path.Clean(to))
		}
	}
}

func (f *Reader) note(name string) {
	if !f.seen[name] && len(f.Depends) < maxSites {
		f.seen[name] = true
		f.Depends = append(f.Depends, name)
	}
}

// Server notes a program's configuration, which was read with the given error. It
// returns nil where there is none.
func (f *Reader) Server(program, file string, err error) *Server {
	s := &Server{Program: program, State: "known", File: file, Unread: []Setting{}}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !f.Root.Exists(file):
		return nil
	case errors.Is(err, fs.ErrPermission):
		s.State = "unknown"
	case err != nil:
		s.State = "error"
	}
	if err != nil {
		s.Reason = text.Clean(err.Error(), text.Limit)
		var refused interface{ Place() (string, int) }
		if errors.As(err, &refused) {
			s.File, s.Line = refused.Place()
		}
	}
	f.Servers = append(f.Servers, s)
	return s
}

// Later notes what is decided only when the server runs.
func (s *Server) Later(place Setting) {
	if len(s.Unread) < maxList { // that there is one counts
		s.Unread = append(s.Unread, clean(place))
	}
}

// Add takes a site of a program.
func (f *Reader) Add(s Site) {
	if len(f.Sites) == maxSites {
		f.Leave(s.Program, "sites")
		return
	}
	for _, l := range []*[]string{&s.Names, &s.Listen, &s.Configured, &s.Offered, &s.WeakCiphers, &s.LegacyCiphers, &s.WebRoots} {
		if len(*l) > maxList {
			f.Leave(s.Program, "names, addresses or folders of a site")
		}
		*l = short(*l)
	}
	if s.Pairs == nil {
		s.Pairs = []Pair{}
	}
	for i := range s.Pairs {
		p := &s.Pairs[i]
		p.Raw = text.Clean(p.Raw, maxWord)
	}
	for _, t := range []*Setting{&s.Protocols, &s.Ciphers, &s.HSTS, &s.Redirect, &s.DHParams, &s.Compression, &s.Renegotiation, &s.MailTLS, &s.PlainLoginSet} {
		*t = clean(*t)
	}
	s.Raw = text.Clean(s.Raw, maxWord)
	f.Sites = append(f.Sites, s)
}

// Finish gives each site a label of its own, and finds those that only catch what
// no other site of their program answers.
func (f *Reader) Finish() {
	tls := map[string]int{}
	labels := map[string]bool{}
	for i := range f.Sites {
		s := &f.Sites[i]
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
	for i := range f.Sites {
		s := &f.Sites[i]
		s.CatchAll = !s.Mail && len(s.Names) == 0 && tls[s.Program] > 1
	}
	for i := range f.Servers {
		f.Servers[i].Sites = tls[f.Servers[i].Program]
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

func clean(t Setting) Setting {
	t.Value, t.Raw, t.File = text.Clean(t.Value, text.Limit), text.Clean(t.Raw, maxWord), text.Clean(t.File, text.Limit)
	return t
}

// HostNames are those of words that a client could ask for: no patterns, no
// variables, and nothing that is not a full name.
func HostNames(words []string) []string {
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

// Port is the port of a listener as programs write it: "443", "*:443",
// "[::]:443", "192.0.2.1:443".
func Port(listen string) string {
	if i := strings.LastIndexByte(listen, ':'); i >= 0 && !strings.HasSuffix(listen, "]") {
		return listen[i+1:]
	}
	return listen
}

// Loopback reports whether a listener is reached from this host alone.
func Loopback(listen string) bool {
	return strings.HasPrefix(listen, "127.") || strings.HasPrefix(listen, "[::1]") || strings.HasPrefix(listen, "localhost") ||
		strings.HasPrefix(listen, "unix:") || strings.HasPrefix(listen, "/")
}

// Local reports whether all listeners are reached from this host alone.
func Local(listen []string) bool {
	return len(listen) > 0 && !slices.ContainsFunc(listen, func(l string) bool { return !Loopback(l) })
}

// MaxAge is the time that a Strict-Transport-Security header sets, in seconds.
func MaxAge(header string) int {
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

// ToHTTPS reports whether a redirect's target is a page over TLS.
func ToHTTPS(target string) bool {
	return strings.HasPrefix(strings.ToLower(target), "https://")
}

// Below makes a name in a configuration absolute.
func Below(dir, name string) string {
	if name == "" || strings.HasPrefix(name, "/") {
		return name
	}
	return path.Join(dir, name)
}

// Join is a directive as it stands on one line.
func Join(name string, args []string) string {
	return strings.TrimSpace(name + " " + strings.Join(args, " "))
}

// At is an element of a list, "" where it has none.
func At(list []string, i int) string {
	if i < 0 || i >= len(list) {
		return ""
	}
	return list[i]
}

// Versions are the protocols in their order.
func Versions() []string { return []string{"SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"} }

// Since returns the protocols from one on, or all that are good where it is none.
func Since(first string) []string {
	all := Versions()
	if i := slices.Index(all, VersionName(first)); i >= 0 {
		return all[i:]
	}
	return all[4:]
}

// VersionName is the name that OpenSSL uses: HAProxy says TLSv1.0, Caddy tls1.2.
func VersionName(s string) string {
	s = strings.ToLower(s)
	switch s {
	case "tlsv1.0", "tls1.0":
		return "TLSv1"
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "tlsv"), "tls")
	for _, v := range Versions() {
		if strings.ToLower(v) == s || strings.TrimPrefix(strings.ToLower(v), "tlsv") == s {
			return v
		}
	}
	return ""
}

// Line is a value and the line that sets it.
func Line(value, file string, line int, raw string) Setting {
	return Setting{Value: value, Set: true, File: file, Line: line, Raw: raw}
}
