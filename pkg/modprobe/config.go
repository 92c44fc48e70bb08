package modprobe

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"seawall/pkg/confdir"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Line is a line that keeps a module out, or may.
type Line struct {
	Name    string // of the module, or a pattern, with "_"
	Command string // of an install line
	File    string
	Line    int
	Raw     string // cleaned
}

// Inert reports whether an install line's command loads nothing.
func (l Line) Inert() bool {
	words := strings.Fields(l.Command) // by a shell
	if i := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); i >= 0 {
		words = words[:i]
	}
	if len(words) != 1 {
		return false
	}
	switch path.Base(words[0]) {
	case "false", "true", "nologin", ":":
		return true
	}
	return false
}

// Config is the configuration of a host.
type Config struct {
	install   []Line
	blacklist []Line
	Depends   []string // files and directories (ending in "/") that were looked at
	Problems  []string // what could not be read
}

const (
	maxLines = 20000
)

// Directories are the places of files, the strongest first.
func Directories() []string {
	return []string{"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"}
}

// Load reads the configuration of the host at root. It never fails as a whole:
// what could not be read is in Problems.
func Load(root hostfs.Root) *Config {
	c := &Config{}
	for _, dir := range Directories() {
		c.Depends = append(c.Depends, dir+"/")
	}
	files, problems := confdir.Files(root, Directories(), func(name string) bool {
		return strings.HasSuffix(name, ".conf") || strings.HasSuffix(name, ".alias")
	})
	c.Problems = append(c.Problems, problems...)
	for _, name := range files {
		if target, err := root.Readlink(name); err == nil && target == "/dev/null" {
			continue
		}
		b, err := root.ReadFile(name, 0)
		if err != nil {
			c.Problems = append(c.Problems, err.Error())
			continue
		}
		c.parse(name, b)
	}
	return c
}

// parse adds the lines of one file.
func (c *Config) parse(file string, b []byte) {
	number := 1
	for len(b) > 0 && len(c.install)+len(c.blacklist) < maxLines {
		line, n, lines := wrapped(b)
		c.line(Line{File: file, Line: number}, line)
		number += lines
		b = b[n:]
	}
}

// wrapped returns the first line without its backslashes, how many bytes it is of,
// and of how many lines of the file.
func wrapped(b []byte) (line string, n, lines int) {
	if end := bytes.IndexByte(b, '\n'); end >= 0 && bytes.IndexByte(b[:end], '\\') < 0 {
		return string(b[:end]), end + 1, 1
	}
	var out strings.Builder
	for n < len(b) {
		switch ch := b[n]; {
		case ch == '\n':
			return out.String(), n + 1, lines + 1
		case ch == '\\' && n+1 < len(b) && b[n+1] == '\n':
			lines++
			n++
		case ch == '\\' && n+1 < len(b): // it stands for nothing, and what follows for itself
			n++
			out.WriteByte(b[n])
		case ch != '\\':
			out.WriteByte(ch)
		}
		n++
	}
	return out.String(), n, lines + 1
}

func (c *Config) line(l Line, s string) {
	if s == "" || s[0] == '#' {
		return
	}
	word, rest := cut(s)
	if word != "blacklist" && word != "install" {
		return
	}
	var ok bool
	name, rest := cut(rest)
	if l.Name, ok = underscores(name); !ok || name == "" {
		return
	}
	l.Raw = text.Clean(strings.TrimSpace(s), text.Limit)
	if word == "blacklist" {
		c.blacklist = append(c.blacklist, l)
		return
	}
	if l.Command = rest; rest != "" {
		c.install = append(c.install, l)
	}
}

// cut splits off the first word, as strtok_r does: the blank after it goes too.
func cut(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// underscores writes a name as libkmod compares it. A "]" that nothing opens makes
// it none.
func underscores(name string) (string, bool) {
	if !strings.ContainsAny(name, "-[]") {
		return name, true
	}
	b := []byte(name)
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '-':
			b[i] = '_'
		case ']':
			return "", false
		case '[':
			end := bytes.IndexByte(b[i:], ']')
			if end < 0 {
				return string(b), true
			}
			i += end
		}
	}
	return string(b), true
}

// Name returns a module's name as the kernel has it, with "_" for "-".
func Name(name string) string { return strings.ReplaceAll(name, "-", "_") }

// CommandLine adds what the kernel's command line keeps out.
func (c *Config) CommandLine(file, line string) {
	for word := range strings.FieldsSeq(line) {
		key, list, ok := strings.Cut(strings.Trim(word, `"`), "=")
		if !ok || key != "modprobe.blacklist" && key != "module_blacklist" {
			continue
		}
		for name := range strings.SplitSeq(list, ",") {
			l := Line{Name: Name(name), File: file, Raw: text.Clean(word, text.Limit)}
			if key == "module_blacklist" { // the kernel itself refuses, whoever asks
				l.Command = "/bin/false"
				c.install = slices.Insert(c.install, 0, l)
				continue
			}
			c.blacklist = append(c.blacklist, l)
		}
	}
}

// Install returns the install line that modprobe runs for a module.
func (c *Config) Install(name string) (Line, bool) {
	name = Name(name)
	for _, l := range c.install {
		if l.Name == name {
			return l, true
		}
		if ok, err := path.Match(strings.ReplaceAll(l.Name, "[!", "[^"), name); err == nil && ok {
			return l, true
		}
	}
	return Line{}, false
}

// Blacklist returns the line that keeps a module from being loaded by an alias.
func (c *Config) Blacklist(name string) (Line, bool) {
	i := slices.IndexFunc(c.blacklist, func(l Line) bool { return l.Name == Name(name) })
	if i < 0 {
		return Line{}, false
	}
	return c.blacklist[i], true
}
