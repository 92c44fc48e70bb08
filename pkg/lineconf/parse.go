package lineconf

import (
	"strings"
)

// Dialect is how the lines of one program's files are written. The zero Dialect is
// words divided by blanks, and no comments.
type Dialect struct {
	Comment  string // characters that begin a comment where a line begins
	Inline   string // characters that begin a comment after a blank
	Assign   string // characters between key and value
	Fold     bool   // a backslash at the end joins the next line
	Sections bool   // "[name]" begins a section
	Blanks   bool   // keys have blanks in them, and end at Assign alone
	Lower    bool   // the case of keys and sections does not count
	Inherit  bool   // an included file begins in the section that includes it
	// Include returns what a line includes, nil for any other line.
	Include func(Line) []string
}

// Line is one setting and its place.
type Line struct {
	Section string
	Key     string
	Value   string   // what follows the key, without comment
	Args    []string // the value's words, quotes removed
	File    string
	Line    int
	Raw     string // as written, lines that were joined in one
}

// Arg returns a word of the value, "" where there are fewer.
func (l Line) Arg(i int) string {
	if i >= len(l.Args) {
		return ""
	}
	return l.Args[i]
}

const (
	maxLines = 100_000
	maxWords = 10_000 // of one line
)

// Parse reads the text of a file. Lines beyond the limit are dropped: Load, which
// tells, is for files of hosts.
func Parse(file string, text []byte, d Dialect) []Line { return parse(file, text, d, "") }

// parse begins in a section.
func parse(file string, text []byte, d Dialect, section string) []Line {
	var all []Line
	number := 0
	var joined strings.Builder
	first := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if joined.Len() == 0 {
			first = number
		}
		if d.Fold && strings.HasSuffix(line, `\`) && !d.comment(joined.String()+line) {
			joined.WriteString(line[:len(line)-1])
			continue
		}
		if joined.Len() > 0 {
			line = joined.String() + strings.TrimLeft(line, " \t")
			joined.Reset()
		}
		line = strings.TrimSpace(line)
		if line == "" || d.comment(line) {
			continue
		}
		if d.Sections && line[0] == '[' {
			section, _, _ = strings.Cut(line[1:], "]")
			section = d.fold(strings.TrimSpace(section))
			continue
		}
		l := d.line(line)
		l.Section, l.File, l.Line = section, file, first
		if all = append(all, l); len(all) > maxLines {
			break
		}
	}
	return all
}

func (d *Dialect) comment(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return line != "" && strings.IndexByte(d.Comment, line[0]) >= 0
}

func (d *Dialect) fold(s string) string {
	if d.Lower {
		return strings.ToLower(s)
	}
	return s
}

// line divides one line, which is not empty.
func (d *Dialect) line(raw string) Line {
	l := Line{Raw: raw}
	text := d.strip(raw)
	ends := d.Assign
	if !d.Blanks {
		ends += " \t"
	}
	i := strings.IndexAny(text, ends)
	if i < 0 {
		l.Key = d.fold(strings.TrimSpace(text))
		return l
	}
	l.Key = d.fold(strings.TrimSpace(text[:i]))
	if d.Blanks {
		l.Key = strings.Join(strings.Fields(l.Key), " ")
	}
	l.Value = strings.TrimSpace(text[i:])
	if l.Value != "" && d.Assign != "" && strings.IndexByte(d.Assign, l.Value[0]) >= 0 {
		l.Value = strings.TrimSpace(l.Value[1:])
	}
	l.Args = Words(l.Value)
	return l
}

// strip removes a comment from the end of a line.
func (d *Dialect) strip(s string) string {
	if d.Inline == "" {
		return s
	}
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.IndexByte(d.Inline, c) >= 0 && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t'):
			return s[:i]
		}
	}
	return s
}

// Words divides a text at blanks. Quotes hold words together and are removed; in
// double quotes a backslash keeps the next character.
func Words(s string) []string {
	var words []string
	var word strings.Builder
	quote, inside := byte(0), false
	for i := 0; i < len(s) && len(words) < maxWords; i++ {
		switch c := s[i]; {
		case quote == '"' && c == '\\' && i+1 < len(s):
			i++
			word.WriteByte(s[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, inside = c, true
		case c == ' ' || c == '\t':
			if inside {
				words = append(words, word.String())
			}
			word.Reset()
			inside = false
		default:
			word.WriteByte(c)
			inside = true
		}
	}
	if inside {
		words = append(words, word.String())
	}
	return words
}
