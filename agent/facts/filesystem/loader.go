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
	l := loaderConf{reader: r, seen: map[string]bool{}}
	l.read("/etc/ld.so.conf")
	for _, d := range l.directories {
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

// loaderConf reads the files of ldconfig(8): a directory a line, "include" with a
// pattern, "hwcap" of old. Each file is read once: what includes itself names no
// more directories.
type loaderConf struct {
	*reader
	directories []fact.Text
	seen        map[string]bool
	includes    int
}

// maxIncludes bounds the patterns that are looked up, and the files of them.
const maxIncludes = 200

func (l *loaderConf) read(name string) {
	if l.seen[name] || len(l.seen) == maxIncludes {
		return
	}
	l.seen[name] = true
	b, err := l.root.ReadFile(name, 0)
	if err != nil {
		return
	}
	l.f.Meta.Depend(clean(name))
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		line, _, _ = strings.Cut(strings.TrimSpace(line), "=")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "hwcap" || len(l.directories) >= maxList:
		case words[0] == "include":
			for _, pattern := range words[1:min(len(words), maxIncludes)] {
				l.include(path.Dir(name), pattern)
			}
		case strings.HasPrefix(words[0], "/"):
			l.directories = append(l.directories, fact.Text{Value: path.Clean(words[0]), File: clean(name), Line: n})
		}
	}
}

func (l *loaderConf) include(from, pattern string) {
	if l.includes++; l.includes > maxIncludes {
		return
	}
	for _, file := range l.matching(from, pattern) {
		l.read(file)
	}
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
