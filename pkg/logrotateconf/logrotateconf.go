// Package logrotateconf reads the configuration of logrotate(8): which log files are
// rotated, how often, how many are kept, and with which mode the next one is made.
//
// Directives outside of braces are defaults for the stanzas behind them. "include"
// takes a file, or all files of a directory in the order of their names but those
// with an extension that is taboo (taboopat patterns are not applied). Scripts
// (postrotate … endscript) are passed over. Of the directives those are kept that
// say what becomes of the logs; the others change nothing that is asked here.
package logrotateconf

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
)

// Stanza is what is done with some log files.
type Stanza struct {
	Patterns []string
	Period   string // hourly, daily, weekly, monthly, yearly; "size" where size decides; "" where nothing does
	Keep     int    // rotate
	Create   string // mode, owner and group, as written
	Mode     int    // of create, -1 where none is given
	File     string
	Line     int // of the first pattern
}

// Covers reports whether the stanza is about a file.
func (s Stanza) Covers(name string) bool {
	return slices.ContainsFunc(s.Patterns, func(p string) bool {
		if strings.Count(p, "/") != strings.Count(name, "/") {
			return false
		}
		parts := strings.Split(name, "/")
		for i, part := range strings.Split(p, "/") {
			if !glob.Match(part, parts[i]) {
				return false
			}
		}
		return true
	})
}

// Config is a configuration with its includes.
type Config struct {
	Stanzas []Stanza
	Watch   []string // names that it depends on, directories with "/"
}

const (
	maxFile    = 256 << 10
	maxFiles   = 1000
	maxDepth   = 4
	maxStanzas = 5000
)

// Load reads a configuration.
func Load(root hostfs.Root, file string) (*Config, error) {
	p := &parser{root: root, c: &Config{}, taboo: []string{".rpmsave", ".rpmorig", "~", ",v", ".swp", ".rpmnew", ".cfsaved", ".disabled",
		".dpkg-old", ".dpkg-dist", ".dpkg-new", ".dpkg-bak", ".dpkg-del", ".dpkg-tmp", ".ucf-dist", ".ucf-new", ".ucf-old", ".rhn-cfg-tmp-"}}
	p.now.Mode = -1
	if err := p.file(file, 0); err != nil {
		return nil, fmt.Errorf("load logrotate configuration: %w", err)
	}
	return p.c, nil
}

type parser struct {
	root  hostfs.Root
	c     *Config
	taboo []string
	now   Stanza // the defaults, or the stanza in hand
	files int
}

func (p *parser) file(name string, depth int) error {
	if p.files++; depth > maxDepth || p.files > maxFiles {
		return fmt.Errorf("%s: too many includes", name)
	}
	p.c.Watch = append(p.c.Watch, name)
	text, err := p.root.ReadFile(name, maxFile)
	if err != nil {
		return err
	}
	return p.parse(name, text, depth)
}

// parse reads one file's text.
func (p *parser) parse(file string, text []byte, depth int) error {
	t := stanzas{parser: p, file: file, depth: depth, defaults: p.now}
	for l := range bytes.Lines(text) {
		t.number++
		line := strings.TrimSpace(string(l))
		if t.script {
			word, _ := cut(line)
			t.script = word != "endscript"
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		read := t.outside
		if t.inside {
			read = t.within
		}
		if err := read(line); err != nil {
			return err
		}
	}
	if t.inside {
		p.now = t.defaults
	}
	return nil
}

// stanzas is where parse stands in a file.
type stanzas struct {
	*parser
	file           string
	depth, number  int
	patterns       []string
	first          int // line of the first of them
	defaults       Stanza
	inside, script bool
}

// cut splits a line into its first word and the rest.
func cut(line string) (word, rest string) {
	i := strings.IndexAny(line, " \t=")
	if i < 0 {
		return line, ""
	}
	return line[:i], strings.TrimLeft(line[i:], " \t=")
}

// within reads a line between braces.
func (t *stanzas) within(line string) error {
	if line[0] != '}' {
		word, rest := cut(line)
		t.script = isScript(word)
		t.directive(word, rest)
		return nil
	}
	t.c.Stanzas = append(t.c.Stanzas, t.now)
	if len(t.c.Stanzas) > maxStanzas {
		return fmt.Errorf("%s: more than %d stanzas", t.file, maxStanzas)
	}
	t.now, t.inside = t.defaults, false
	return nil
}

// outside reads a line of patterns, an include, or a default.
func (t *stanzas) outside(line string) error {
	word, rest := cut(line)
	switch {
	case strings.IndexByte("/\"'~{", line[0]) >= 0:
		before, after, opens := strings.Cut(line, "{")
		if len(t.patterns) == 0 {
			t.first = t.number
		}
		t.patterns = append(t.patterns, words(before)...)
		if opens {
			t.defaults, t.inside = t.now, true
			t.now.Patterns, t.now.File, t.now.Line = t.patterns, t.file, t.first
			t.patterns = nil
			t.directive(strings.TrimSpace(after), "")
		}
	case word == "include":
		return t.include(strings.TrimSpace(rest), t.depth)
	default:
		t.script = isScript(word)
		t.directive(word, rest)
	}
	return nil
}

func isScript(word string) bool {
	return slices.Contains([]string{"postrotate", "prerotate", "firstaction", "lastaction", "preremove"}, word)
}

// words splits patterns, which may be in quotes.
func words(s string) []string {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if q := s[0]; q == '"' || q == '\'' {
			word, rest, _ := strings.Cut(s[1:], string(q))
			out, s = append(out, word), rest
			continue
		}
		end := strings.IndexAny(s, " \t,")
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			out = append(out, s[:end])
		}
		s = strings.TrimLeft(s[end:], ",")
	}
	return out
}

func (p *parser) directive(word, rest string) {
	switch word {
	case "hourly", "daily", "weekly", "monthly", "yearly", "annually":
		p.now.Period = word
	case "size":
		p.now.Period = "size"
	case "rotate":
		if n, err := strconv.Atoi(rest); err == nil {
			p.now.Keep = n
		}
	case "nocreate", "copytruncate", "copy":
		p.now.Create, p.now.Mode = "", -1
	case "create":
		p.now.Create, p.now.Mode = rest, -1
		mode, _, _ := strings.Cut(rest, " ")
		if n, err := strconv.ParseUint(mode, 8, 12); err == nil {
			p.now.Mode = int(n)
		}
	case "tabooext":
		list, adds := strings.CutPrefix(rest, "+")
		if !adds {
			p.taboo = nil
		}
		p.taboo = append(p.taboo, words(list)...)
	}
}

// include takes in a file or a directory.
func (p *parser) include(name string, depth int) error {
	name = strings.Trim(name, `"'`)
	fi, err := p.root.Stat(name)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return p.file(name, depth+1)
	}
	p.c.Watch = append(p.c.Watch, strings.TrimRight(name, "/")+"/")
	names, err := p.root.ReadDir(name)
	if err != nil {
		return err
	}
	for _, n := range names {
		full := path.Join(name, n)
		if strings.HasPrefix(n, ".") || slices.ContainsFunc(p.taboo, func(t string) bool { return strings.HasSuffix(n, t) }) {
			continue
		}
		if fi, err := p.root.Stat(full); err != nil || !fi.Mode().IsRegular() {
			continue // as logrotate does
		}
		if err := p.file(full, depth+1); err != nil {
			return err
		}
	}
	return nil
}
