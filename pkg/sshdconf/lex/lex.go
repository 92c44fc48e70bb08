// Package lex cuts sshd_config(5) into lines, keywords and arguments exactly as
// OpenSSH's sshd does, oddities included.
package lex

import "strings"

const blanks = " \t\r\n"

// Line is one line as sshd sees it.
type Line struct {
	Number int // of the physical line where it begins
	Text   string
	Raw    string // that physical line
}

// Lines cuts a file into lines: leading blanks off, and a line with a NUL
// in it ends there and goes on with the next one.
func Lines(data string) []Line {
	out := make([]Line, 0, strings.Count(data, "\n")+1)
	open := false
	number := 0
	for raw := range strings.SplitSeq(data, "\n") {
		number++
		text := strings.TrimLeft(raw, " \t\r")
		text, _, cut := strings.Cut(text, "\x00")
		if open {
			out[len(out)-1].Text += text
		} else {
			out = append(out, Line{Number: number, Text: text, Raw: raw})
		}
		open = cut
	}
	return out
}

// Delim is OpenSSH's strdelim: it takes the next token of *s: up to a blank, a quote or one "=". A token
// in double quotes ends with the quote. ok is false at the end of the text, which
// *done then remembers, and for an open quote.
func Delim(s *string, done *bool) (token string, ok bool) {
	if *done {
		return "", false
	}
	text := *s
	i := strings.IndexAny(text, blanks+`"=`)
	if i < 0 {
		*s, *done = "", true
		return text, true
	}
	if text[i] == '"' {
		text = text[:i] + text[i+1:]
		end := strings.IndexByte(text, '"')
		if end < 0 {
			*s, *done = "", true
			return "", false
		}
		*s = strings.TrimLeft(text[end+1:], blanks)
		return text[:end], true
	}
	equals := text[i] == '='
	rest := strings.TrimLeft(text[i+1:], blanks)
	if !equals && strings.HasPrefix(rest, "=") {
		rest = strings.TrimLeft(rest[1:], blanks)
	}
	*s = rest
	return text[:i], true
}

// Keyword takes the keyword off a line. No keyword is a line that says nothing.
func Keyword(line string) (word, rest string) {
	if line == "" {
		return "", ""
	}
	// As in sshd, the first byte stays whatever it is.
	line = line[:1] + strings.TrimRight(line[1:], blanks+"\f")
	done := false
	word, _ = Delim(&line, &done)
	if word == "" {
		word, _ = Delim(&line, &done)
	}
	if strings.HasPrefix(word, "#") {
		return "", ""
	}
	return word, line
}

// Split cuts the rest of a line into arguments, up to a comment. ok is false for
// a quote that is not closed.
func Split(s string) (args []string, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' || s[i] == '\t' {
			continue
		}
		if s[i] == '#' {
			break
		}
		arg, next, closed := argument(s, i)
		if !closed {
			return nil, false
		}
		args = append(args, arg)
		i = next
	}
	return args, true
}

// argument reads the one that begins at i and returns where it ends. Quotes may
// stand anywhere in it.
func argument(s string, i int) (arg string, end int, closed bool) {
	var b strings.Builder
	var quote byte
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && escapable(s[i+1], quote):
			i++
			b.WriteByte(s[i])
		case c == '\\':
			b.WriteByte(c)
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), i, true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), i, quote == 0
}

func escapable(c, quote byte) bool {
	return c == '\'' || c == '"' || c == '\\' || quote == 0 && c == ' '
}
