package filesystem

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

// preload reads /etc/ld.so.preload: names between blanks or colons, "#" beginning
// a comment (elf/rtld.c).
func (r *reader) preload() {
	const name = "/etc/ld.so.preload"
	p := &r.f.Preload
	p.Libraries = []fact.Text{}
	b, err := r.root.ReadFile(name, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.Known = true
		return
	case err != nil:
		p.Reason = clean(err.Error())
		return
	}
	p.Known = true
	for n, line := range strings.Split(string(b), "\n") {
		words, _, _ := strings.Cut(line, "#")
		for lib := range strings.FieldsFuncSeq(words, func(c rune) bool { return strings.ContainsRune(" \t\r\n:", c) }) {
			if len(p.Libraries) < maxList {
				p.Libraries = append(p.Libraries, fact.Text{Value: clean(lib), Set: true, File: name, Line: n + 1, Raw: text.Clean(line, text.Limit)})
			}
		}
	}
}

// libraryDirectories are those that ld.so.conf names, and those above them.
func (r *reader) libraryDirectories() {
	found := map[string]File{}
	for _, d := range r.loaderConf("/etc/ld.so.conf", 0) {
		for _, dir := range append(above(d.Value), d.Value) {
			if _, ok := found[dir]; ok || len(found) == maxList {
				continue
			}
			f := r.file("library", dir)
			f.From, f.Line = d.File, d.Line
			found[dir] = f
		}
	}
	all := make([]File, 0, len(found))
	for _, f := range found {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	r.f.Files = append(r.f.Files, all...)
}

// loaderConf reads a file of ldconfig(8): a directory a line, "include" with a
// pattern, "hwcap" of old.
func (r *reader) loaderConf(name string, depth int) []fact.Text {
	const deepest = 4
	b, err := r.root.ReadFile(name, 0)
	if err != nil || depth == deepest {
		return nil
	}
	r.f.Meta.Depend(clean(name))
	var all []fact.Text
	for n, line := range strings.Split(string(b), "\n") {
		line, _, _ = strings.Cut(line, "#")
		line, _, _ = strings.Cut(strings.TrimSpace(line), "=")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "hwcap" || len(all) >= maxList:
		case words[0] == "include":
			for _, pattern := range words[1:] {
				for _, file := range r.matching(path.Dir(name), pattern) {
					all = append(all, r.loaderConf(file, depth+1)...)
				}
			}
		case strings.HasPrefix(words[0], "/"):
			all = append(all, fact.Text{Value: path.Clean(words[0]), File: clean(name), Line: n + 1})
		}
	}
	return all
}

// matching lists the files that a pattern of an include names: the last part of it
// may hold wildcards.
func (r *reader) matching(from, pattern string) []string {
	if !strings.HasPrefix(pattern, "/") {
		pattern = path.Join(from, pattern)
	}
	dir, last := path.Split(pattern)
	var all []string
	for _, n := range r.entries(dir) {
		if ok, err := path.Match(last, n); err == nil && ok && (n[0] != '.' || last[0] == '.') {
			all = append(all, path.Join(dir, n))
		}
	}
	return all
}
