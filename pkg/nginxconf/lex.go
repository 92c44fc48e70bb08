package nginxconf

import "strings"

// token is a word, or what ends words: ';', '{', '}', or 0 for the end of the file.
type token struct {
	text string
	mark byte
	end  bool
	line int
}

// lexer divides a file into words.
type lexer struct {
	text string
	at   int
	line int
}

// next returns the next token, or what nginx would say of it.
func (l *lexer) next() (t token, bad string) {
	l.blanks()
	t.line = l.line
	if l.at == len(l.text) {
		return token{end: true, line: l.line}, ""
	}
	switch c := l.text[l.at]; c {
	case ';', '{', '}':
		l.at++
		return token{mark: c, end: true, line: t.line}, ""
	case '"', '\'':
		t.text, bad = l.quoted(c)
	default:
		t.text, bad = l.bare()
	}
	return t, bad
}

// blanks passes over blanks and comments.
func (l *lexer) blanks() {
	for ; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '\n':
			l.line++
		case ' ', '\t', '\r':
		case '#':
			n := strings.IndexByte(l.text[l.at:], '\n')
			if n < 0 {
				l.at = len(l.text)
				return
			}
			l.at += n
			l.line++
		default:
			return
		}
	}
}

// quoted reads a word in quotes, after which a blank or an end has to come.
func (l *lexer) quoted(quote byte) (word, bad string) {
	start := l.at + 1
	for i := start; i < len(l.text); i++ {
		switch l.text[i] {
		case '\n':
			l.line++
		case '\\':
			if i++; i < len(l.text) && l.text[i] == '\n' {
				l.line++
			}
		case quote:
			l.at = i + 1
			if l.at < len(l.text) && !strings.ContainsRune(" \t\r\n;{)", rune(l.text[l.at])) {
				return "", `unexpected "` + l.text[l.at:l.at+1] + `"`
			}
			return unescape(l.text[start:i]), ""
		}
	}
	l.at = len(l.text)
	return "", `unexpected end of file, expecting ";" or "}"`
}

// bare reads a word without quotes.
func (l *lexer) bare() (word, bad string) {
	start, dollar := l.at, -2
	for ; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '$':
			dollar = l.at
		case ' ', '\t', '\r', '\n', ';':
			return unescape(l.text[start:l.at]), ""
		case '{':
			if dollar != l.at-1 {
				return unescape(l.text[start:l.at]), ""
			}
		case '\\':
			if l.at++; l.at < len(l.text) && l.text[l.at] == '\n' {
				l.line++
			}
		}
	}
	l.at = len(l.text)
	return "", `unexpected end of file, expecting ";" or "}"`
}

var escapes = strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`, `\t`, "\t", `\r`, "\r", `\n`, "\n")

// unescape takes out the backslashes that nginx takes out.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return escapes.Replace(s)
}

// skipLua passes over Lua code to the brace that closes it. Strings and comments
// of Lua may hold braces that do not count.
func (l *lexer) skipLua() bool {
	depth := 1
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		n := 1
		switch c := rest[0]; {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == '"' || c == '\'':
			n = luaString(rest)
		case strings.HasPrefix(rest, "--"):
			if n = 2 + luaLong(rest[2:]); n == 2 {
				n = indexEnd(rest, "\n", 0)
			}
		case c == '[':
			n = max(1, luaLong(rest))
		}
		l.line += strings.Count(rest[:n], "\n")
		l.at += n
		if depth == 0 {
			return true
		}
	}
	return false
}

// luaString is the length of the string that s begins with.
func luaString(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0], '\n':
			return i + 1
		}
	}
	return len(s)
}

// luaLong is the length of the long bracket ("[[…]]", "[==[…]==]") that s begins
// with, 0 where it begins with none.
func luaLong(s string) int {
	if !strings.HasPrefix(s, "[") {
		return 0
	}
	level := len(s[1:]) - len(strings.TrimLeft(s[1:], "="))
	if !strings.HasPrefix(s[1+level:], "[") {
		return 0
	}
	return indexEnd(s, "]"+strings.Repeat("=", level)+"]", level+2)
}

// indexEnd is where the first end in s from the given place on ends.
func indexEnd(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}
