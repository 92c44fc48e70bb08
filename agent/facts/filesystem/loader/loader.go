// Package loader reads where the dynamic linker takes libraries from: what
// /etc/ld.so.preload has every program load (elf/rtld.c), and the directories that
// /etc/ld.so.conf names for ldconfig(8). The cache that ldconfig makes of them is
// not read.
package loader

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const (
	maxName     = 512 // bytes of a path that is shown
	maxList     = 200 // of whatever is listed, and names of a directory that is included
	maxIncludes = 200 // patterns that are looked up, and files of them
)

// Preload is /etc/ld.so.preload: libraries that every program loads.
type Preload struct {
	Known     bool        `json:"known"`
	Reason    string      `json:"reason"`
	Libraries []fact.Text `json:"libraries"`
}

// ReadPreload reads /etc/ld.so.preload: names between blanks or colons, "#" beginning
// a comment.
func ReadPreload(root hostfs.Root) Preload {
	const name = "/etc/ld.so.preload"
	p := Preload{Libraries: []fact.Text{}}
	b, err := root.ReadFile(name, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.Known = true
		return p
	case err != nil:
		p.Reason = clean(err.Error())
		return p
	}
	p.Known = true
	for n, line := range strings.Split(string(b), "\n") {
		words, _, _ := strings.Cut(line, "#")
		for lib := range strings.FieldsFuncSeq(words, func(c rune) bool { return strings.ContainsRune(" \t\r\n:", c) }) {
			if len(p.Libraries) < maxList { // that there is one counts
				p.Libraries = append(p.Libraries, fact.Text{Value: clean(lib), Set: true, File: name, Line: n + 1, Raw: text.Clean(line, text.Limit)})
			}
		}
	}
	return p
}

// Directories returns the directories that /etc/ld.so.conf and what it includes name,
// each with its line, and the files that were read for them. left says why these are not
// all, or is "".
func Directories(root hostfs.Root) (directories []fact.Text, files []string, left string) {
	c := conf{root: root, seen: map[string]bool{}}
	c.read("/etc/ld.so.conf")
	return c.directories, c.files, c.left
}

// conf reads the files of ldconfig(8): a directory a line, "include" with a
// pattern, "hwcap" of old. Each file is read once: what includes itself names no
// more directories.
type conf struct {
	root        hostfs.Root
	directories []fact.Text
	files       []string
	seen        map[string]bool
	includes    int
	left        string
}

// more says that there is more than is looked at.
func (c *conf) more() { c.left = "/etc/ld.so.conf names more than is looked at" }

func (c *conf) read(name string) {
	if c.seen[name] {
		return
	}
	if len(c.seen) == maxIncludes {
		c.more()
		return
	}
	c.seen[name] = true
	b, err := c.root.ReadFile(name, 0)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.left = clean(err.Error())
		}
		return
	}
	c.files = append(c.files, clean(name))
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		line, _, _ = strings.Cut(strings.TrimSpace(line), "=")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "hwcap":
		case len(c.directories) >= maxList || len(words) > maxIncludes:
			c.more()
			return
		case words[0] == "include":
			for _, pattern := range words[1:] {
				c.include(path.Dir(name), pattern)
			}
		case strings.HasPrefix(words[0], "/"):
			c.directories = append(c.directories, fact.Text{Value: path.Clean(words[0]), File: clean(name), Line: n})
		}
	}
}

func (c *conf) include(from, pattern string) {
	if c.includes++; c.includes > maxIncludes {
		c.more()
		return
	}
	for _, file := range c.matching(from, pattern) {
		c.read(file)
	}
}

// matching lists the files that a pattern of an include names: the last part of it
// may hold wildcards.
func (c *conf) matching(from, pattern string) []string {
	if !strings.HasPrefix(pattern, "/") {
		pattern = path.Join(from, pattern)
	}
	dir, last := path.Split(pattern)
	var all []string
	names, err := c.root.ReadDir(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.left = clean(err.Error())
		}
		return nil
	}
	for _, n := range names {
		ok, err := path.Match(last, n)
		switch {
		case err != nil || !ok || n[0] == '.' && last[0] != '.':
		case len(all) == maxList:
			c.more()
			return all
		default:
			all = append(all, path.Join(dir, n))
		}
	}
	return all
}

func clean(s string) string { return text.Clean(s, maxName) }
