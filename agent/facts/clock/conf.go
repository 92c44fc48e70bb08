package clock

import (
	"errors"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

const (
	maxFiles   = 200
	maxDepth   = 5
	maxSources = 200
	maxLine    = 2 << 10 // chronyd refuses longer ones
	maxConf    = 256 << 10
)

// line is a directive of a configuration of words.
type line struct {
	words  []string
	file   string
	number int
	raw    string
}

func (l line) text(value string) fact.Text {
	return fact.Text{Value: value, Set: true, File: l.file, Line: l.number, Raw: l.raw}
}

// lines reads the directives of a file: words, with comments from one of the marks
// on. What cannot be read makes the daemon's configuration unknown, absence too
// where it must be there.
func (r *reader) lines(d *Daemon, file, marks string, must bool) []line {
	r.f.Meta.Depend(file)
	if r.files++; r.files > maxFiles {
		d.Known, d.Reason = false, "its configuration has more files than are read"
		return nil
	}
	b, err := r.root.ReadFile(file, maxConf)
	if err != nil {
		if must || !errors.Is(err, fs.ErrNotExist) {
			d.Known, d.Reason = false, text.Clean(err.Error(), text.Limit)
		}
		return nil
	}
	r.read = append(r.read, file)
	var out []line
	number := 0
	for l := range strings.Lines(string(b)) {
		number++
		l = strings.TrimSpace(l)
		if i := strings.IndexAny(l, marks); i == 0 || i > 0 && marks == "#" {
			l = l[:i]
		}
		words := strings.Fields(l)
		switch {
		case len(words) == 0:
		case len(l) > maxLine:
			d.Known, d.Reason = false, text.Clean(file, 256)+" has a longer line than is read"
		default:
			out = append(out, line{words, file, number, text.Clean(l, text.Limit)})
		}
	}
	return out
}

// source notes a source of time.
func (r *reader) source(d *Daemon, l line, kind, name string) {
	if len(d.Sources) == maxSources {
		r.f.Meta.Leave("daemons", d.Kind+" has more sources of time than are looked at")
		return
	}
	s := Source{Kind: kind, Name: text.Clean(name, 256), File: l.file, Line: l.number, Raw: l.raw}
	for i, w := range l.words {
		w = strings.ToLower(w)
		s.Authenticated = s.Authenticated || w == "nts" || w == "autokey" || w == "key" && i+1 < len(l.words)
	}
	d.Sources = append(d.Sources, s)
}

// chrony reads chrony.conf(5).
func (r *reader) chrony(d *Daemon) {
	c := chronyState{port: "123"}
	r.chronyFile(d, &c, d.Conf, 0, true)
	d.Serves = fact.Tri{Known: d.Known, Yes: c.port != "0" && (c.all || c.some), Reason: d.Reason}
	d.Open = fact.Tri{Known: d.Known, Yes: c.port != "0" && c.all, Reason: d.Reason}
	d.Step = fact.Tri{Known: d.Known, Yes: c.step, Reason: d.Reason}
}

type chronyState struct {
	port            string
	all, some, step bool
}

func (r *reader) chronyFile(d *Daemon, c *chronyState, file string, depth int, must bool) {
	if depth > maxDepth {
		d.Known, d.Reason = false, "includes are nested too deep at "+text.Clean(file, 256)
		return
	}
	for _, l := range r.lines(d, file, "!;#%", must) {
		arg := ""
		if len(l.words) > 1 {
			arg = l.words[1]
		}
		switch name := strings.ToLower(l.words[0]); name {
		case "server", "pool", "peer", "refclock":
			r.source(d, l, name, arg)
		case "include":
			for _, f := range r.glob(d, arg) {
				r.chronyFile(d, c, f, depth+1, true)
			}
		case "confdir", "sourcedir":
			suffix := map[string]string{"confdir": ".conf", "sourcedir": ".sources"}[name]
			for _, f := range r.dirs(d, l.words[1:], suffix) {
				r.chronyFile(d, c, f, depth+1, false)
			}
		case "port":
			c.port = arg
		case "user":
			d.User = l.text(arg)
		case "keyfile":
			r.keys = []string{arg}
		case "makestep":
			c.step = true
		case "rtcsync":
			d.TellsKernel = true
		case "allow", "deny":
			c.access(d, l, name == "allow")
		}
	}
}

// access is "allow" or "deny", of everybody or of a network.
func (c *chronyState) access(d *Daemon, l line, yes bool) {
	where := ""
	for _, w := range l.words[1:] {
		if strings.ToLower(w) != "all" {
			where = w
		}
	}
	switch p, err := netip.ParsePrefix(where); {
	case where == "" || err == nil && p.Bits() == 0 || where == "0/0":
		c.all = yes
		if !yes {
			return
		}
	case !yes:
		return
	}
	c.some = true
	d.ServesAt = l.text(strings.Join(l.words, " "))
}

// glob finds the files of a pattern in one directory.
func (r *reader) glob(d *Daemon, pattern string) []string {
	dir, base := path.Split(pattern)
	if !path.IsAbs(pattern) || !strings.ContainsAny(base, "*?[") {
		return []string{pattern}
	}
	r.f.Meta.Depend(dir)
	names, err := r.root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.Known, d.Reason = false, text.Clean(err.Error(), text.Limit)
	}
	var files []string
	for _, n := range names {
		if ok, err := path.Match(base, n); ok && err == nil && !strings.HasPrefix(n, ".") {
			files = append(files, path.Join(dir, n))
		}
	}
	return files
}

// dirs finds the files of directories, of equal names the first, in the order of their
// names.
func (r *reader) dirs(d *Daemon, dirs []string, suffix string) []string {
	found := map[string]string{}
	for _, dir := range dirs {
		r.f.Meta.Depend(path.Clean("/"+dir) + "/")
		names, err := r.root.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.Known, d.Reason = false, text.Clean(err.Error(), text.Limit)
		}
		for _, n := range names {
			if _, known := found[n]; strings.HasSuffix(n, suffix) && !known {
				found[n] = path.Join(dir, n)
			}
		}
	}
	var names []string
	for n := range found {
		names = append(names, n)
	}
	slices.Sort(names)
	for i, n := range names {
		names[i] = found[n]
	}
	return names
}

// timesyncd reads timesyncd.conf(5). Where nothing is set it asks the servers that the
// distribution built in.
func (r *reader) timesyncd(d *Daemon) {
	for _, dir := range unitfile.ConfigDirectories() {
		r.f.Meta.Depend(dir+"/timesyncd.conf", dir+"/timesyncd.conf.d/")
	}
	d.TellsKernel = true
	d.Serves, d.Open = fact.Tri{Known: true, Reason: "it is a client"}, fact.Tri{Known: true, Reason: "it is a client"}
	d.Step = fact.Tri{Known: true, Yes: true, Reason: "it sets a clock that is far off"}
	u, err := unitfile.LoadConfig(r.root, "timesyncd.conf")
	if err != nil {
		d.Known, d.Reason = false, text.Clean(err.Error(), text.Limit)
		return
	}
	if u.Fragment != "" {
		d.Conf = u.Fragment
		r.read = append(r.read, u.Fragment)
	}
	r.read = append(r.read, u.Dropins...)
	for _, key := range []string{"NTP", "FallbackNTP"} {
		kind := map[string]string{"NTP": "server", "FallbackNTP": "fallback"}[key]
		for _, v := range u.Values("Time", key) {
			for name := range strings.FieldsSeq(v.Value) {
				r.source(d, line{nil, v.File, v.Line, text.Clean(key+"="+v.Value, text.Limit)}, kind, name)
			}
		}
	}
	if !u.Has("Time", "FallbackNTP") {
		r.source(d, line{raw: "FallbackNTP is not set: the servers built in"}, "fallback", "the distribution's")
	}
}

// ntp reads ntp.conf(5) of NTPsec and ntp.org. ntpd answers everybody whom no
// "restrict" keeps out; that it answers with its state as well is what makes it a
// reflector.
func (r *reader) ntp(d *Daemon) {
	d.TellsKernel = true
	lines := r.ntpLines(d, d.Conf, 0)
	open, serves := true, true
	for _, l := range lines {
		arg := ""
		for _, w := range l.words[1:] {
			if !strings.HasPrefix(w, "-") {
				arg = w
				break
			}
		}
		switch name := l.words[0]; name {
		case "server", "pool", "peer":
			if strings.HasPrefix(arg, "127.127.") {
				name = "refclock"
			}
			r.source(d, l, name, arg)
		case "refclock":
			r.source(d, l, name, arg)
		case "keys":
			r.keys = []string{arg}
		case "restrict":
			if arg != "default" && arg != "0.0.0.0" {
				continue
			}
			has := func(flag string) bool { return slices.Contains(l.words, flag) }
			serves = !has("ignore") && !has("noserve")
			open = serves && !has("noquery")
			d.ServesAt = l.text(strings.Join(l.words, " "))
		}
	}
	d.Serves = fact.Tri{Known: d.Known, Yes: serves, Reason: d.Reason}
	d.Open = fact.Tri{Known: d.Known, Yes: open, Reason: d.Reason}
	r.options(d, "/etc/default/ntpsec", "/etc/default/ntp", "/etc/sysconfig/ntpd", "/usr/libexec/ntpsec/ntp-systemd-wrapper")
}

func (r *reader) ntpLines(d *Daemon, file string, depth int) []line {
	var all []line
	for _, l := range r.lines(d, file, "#", true) {
		l.words[0] = strings.ToLower(l.words[0])
		if l.words[0] == "includefile" && len(l.words) > 1 {
			if depth == maxDepth {
				d.Known, d.Reason = false, "includes are nested too deep at "+text.Clean(file, 256)
				break
			}
			all = append(all, r.ntpLines(d, l.words[1], depth+1)...)
			continue
		}
		all = append(all, l)
	}
	return all
}

// options reads what ntpd is started with: -u USER, and -g.
func (r *reader) options(d *Daemon, files ...string) {
	d.Step = fact.Tri{Reason: "the options of ntpd are not known"}
	for _, f := range files {
		r.f.Meta.Depend(f)
		b, err := r.root.ReadFile(f, maxConf)
		if err != nil {
			continue
		}
		words := strings.FieldsFunc(string(b), func(c rune) bool { return strings.ContainsRune(" \t\r\n\"'=", c) })
		for i, w := range words {
			if w == "-u" && i+1 < len(words) && !strings.ContainsRune(words[i+1], '$') {
				name, _, _ := strings.Cut(words[i+1], ":")
				d.User = fact.Text{Value: text.Clean(name, 64), Set: true, File: f, Raw: "-u " + text.Clean(words[i+1], 64)}
			}
			if w == "-g" {
				d.Step = fact.Tri{Known: true, Yes: true, Reason: f + " has -g"}
			}
		}
	}
}

// openntpd reads ntpd.conf(5) of OpenNTPD, which gives its rights up by design.
func (r *reader) openntpd(d *Daemon) {
	d.TellsKernel = true
	d.Root = fact.Tri{Known: true, Reason: "its processes with a network give their rights up"}
	serves, open := false, false
	for _, l := range r.lines(d, d.Conf, "#", true) {
		if len(l.words) < 2 {
			continue
		}
		switch l.words[0] {
		case "server":
			r.source(d, l, "server", l.words[1])
		case "servers":
			r.source(d, l, "pool", l.words[1])
		case "sensor":
			r.source(d, l, "refclock", l.words[1])
		case "listen":
			address := l.words[len(l.words)-1]
			if ip, err := netip.ParseAddr(address); err != nil || !ip.IsLoopback() {
				serves, open = true, open || address == "*"
				d.ServesAt = l.text(strings.Join(l.words, " "))
			}
		}
	}
	d.Serves = fact.Tri{Known: d.Known, Yes: serves, Reason: d.Reason}
	d.Open = fact.Tri{Known: d.Known, Yes: open, Reason: d.Reason}
	d.Step = fact.Tri{Known: true, Reason: "it only slews"}
}
