package sshdconf

import "strings"

const blanks = " \t\r\n"

// logical is one line as sshd sees it.
type logical struct {
	number int // of the physical line where it begins
	text   string
	raw    string // that physical line
}

// logicalLines cuts a file into lines: leading blanks off, and a line with a NUL
// in it ends there and goes on with the next one.
func logicalLines(data string) []logical {
	out := make([]logical, 0, strings.Count(data, "\n")+1)
	open := false
	number := 0
	for raw := range strings.SplitSeq(data, "\n") {
		number++
		text := strings.TrimLeft(raw, " \t\r")
		text, _, cut := strings.Cut(text, "\x00")
		if open {
			out[len(out)-1].text += text
		} else {
			out = append(out, logical{number: number, text: text, raw: raw})
		}
		open = cut
	}
	return out
}

// strdelim takes the next token of *s: up to a blank, a quote or one "=". A token
// in double quotes ends with the quote. ok is false at the end of the text and
// for an open quote.
func strdelim(s *string, done *bool) (token string, ok bool) {
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

// keyword takes the keyword off a line. No keyword is a line that says nothing.
func keyword(line string) (word, rest string) {
	if line == "" {
		return "", ""
	}
	// As in sshd, the first byte stays whatever it is.
	line = line[:1] + strings.TrimRight(line[1:], blanks+"\f")
	done := false
	word, _ = strdelim(&line, &done)
	if word == "" {
		word, _ = strdelim(&line, &done)
	}
	if strings.HasPrefix(word, "#") {
		return "", ""
	}
	return word, line
}

// split cuts the rest of a line into arguments, up to a comment. ok is false for
// a quote that is not closed.
func split(s string) (args []string, ok bool) {
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
