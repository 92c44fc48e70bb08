package sudoers

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"seawall/pkg/hostfs"
)

const (
	maxDepth  = 128
	maxFiles  = 4096
	maxBytes  = 4 << 20
	maxLines  = 100_000
	maxRules  = 50_000
	maxErrors = 1000
)

// Load reads the file name and what it includes. The error is that of reading the
// first file; anything else is in the Config's Errors.
func Load(root hostfs.Root, name string) (*Config, error) {
	c := &Config{Aliases: map[AliasKey]Alias{}}
	l := &loader{Config: c, root: root, bytes: maxBytes}
	data, err := root.ReadFile(name, maxBytes)
	if err != nil {
		return c, err
	}
	l.file(name, data, 0)
	return c, nil
}

// loader reads files into a Config.
type loader struct {
	*Config
	root  hostfs.Root
	bytes int64 // that may still be read
	lines int
	full  bool // a limit was reached, and it was said
}

func (l *loader) file(name string, data []byte, depth int) {
	l.Files = append(l.Files, name)
	l.bytes -= int64(len(data))
	text := string(data)
	for n := 1; text != "" && !l.full; {
		raw, lines := logical(text)
		place := Place{File: name, Line: n, Raw: raw}
		text = text[consumed(text, lines):]
		n += lines
		if l.lines += lines; l.lines > maxLines || len(l.Rules) > maxRules || len(l.Errors) > maxErrors {
			l.Errors = append(l.Errors, Error{place, "there is too much of it: the rest was not read"})
			l.full = true
			return
		}
		if err := l.line(place, depth); err != nil {
			l.Errors = append(l.Errors, Error{place, err.Error()})
		}
	}
}

// logical joins the lines that text begins with, up to one that does not end in a
// backslash, and returns how many they were. A comment ends with its line.
func logical(text string) (line string, n int) {
	var b strings.Builder
	for comment, quoted := false, false; ; {
		part, rest, more := strings.Cut(text, "\n")
		part = strings.TrimSuffix(part, "\r")
		n++
		comment, quoted = hasComment(part, quoted)
		if !more || !strings.HasSuffix(part, `\`) || comment {
			b.WriteString(part)
			return b.String(), n
		}
		b.WriteString(part[:len(part)-1])
		b.WriteByte(' ') // it ends a word
		text = rest
	}
}

// consumed is the length of the first n lines of text.
func consumed(text string, n int) int {
	at := 0
	for range n {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return len(text)
		}
		at += i + 1
	}
	return at
}

func (l *loader) line(place Place, depth int) error {
	trimmed := strings.TrimLeft(place.Raw, blanks)
	if trimmed != "" && (trimmed[0] == '@' || trimmed[0] == '#') {
		if word, arg, ok := strings.Cut(strings.ReplaceAll(trimmed[1:], "\t", " "), " "); ok {
			switch word {
			case "include":
				return l.include(place, trimmed[len(trimmed)-len(arg):], depth)
			case "includedir":
				return l.includeDir(place, trimmed[len(trimmed)-len(arg):], depth)
			}
		}
	}
	p := &parser{scanner: scanner{text: place.Raw}, place: place, config: l.Config}
	return p.line()
}

// target is the name that an include gives.
func target(place Place, arg string) (string, error) {
	s := scanner{text: strings.Trim(arg, blanks)}
	name, ok := s.word(" \t")
	if s.skip(); !ok || !s.end() {
		return "", errors.New("the name of what to include is not understood")
	}
	if strings.Contains(name, "%h") {
		return "", fmt.Errorf("%s depends on the host's name", name)
	}
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(place.File), name)
	}
	return path.Clean(name), nil
}

func (l *loader) include(place Place, arg string, depth int) error {
	name, err := target(place, arg)
	if err != nil {
		return err
	}
	if depth >= maxDepth || len(l.Files) >= maxFiles {
		return errors.New("too many files include each other")
	}
	data, err := l.root.ReadFile(name, max(l.bytes, 1))
	if err != nil {
		return err
	}
	l.file(name, data, depth+1)
	return nil
}

func (l *loader) includeDir(place Place, arg string, depth int) error {
	dir, err := target(place, arg)
	if err != nil {
		return err
	}
	l.Dirs = append(l.Dirs, dir)
	names, err := l.root.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range names {
		full := path.Join(dir, n)
		fi, err := l.root.Stat(full)
		if err != nil || !fi.Mode().IsRegular() {
			continue
		}
		if strings.Contains(n, ".") || strings.HasSuffix(n, "~") {
			l.Ignored = append(l.Ignored, full)
			continue
		}
		if err := l.include(Place{File: path.Join(dir, "x")}, quote(full), depth); err != nil {
			l.Errors = append(l.Errors, Error{Place{File: full}, err.Error()})
		}
	}
	return nil
}

// quote makes a name one word.
func quote(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}
