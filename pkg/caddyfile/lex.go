package caddyfile

import "strings"

// lexer divides a Caddyfile into the words of its lines.
type lexer struct {
	text string
	at   int
	line int
}

// words returns those of the next line that has any, and where it begins; false at
// the end.
func (l *lexer) words() (words []string, line int, more bool) {
	for l.at < len(l.text) {
		c := l.text[l.at]
		switch {
		case c == '\n':
			l.line++
			l.at++
			if len(words) > 0 {
				return words, line, true
			}
		case c == ' ' || c == '\t' || c == '\r':
			l.at++
		case c == '\\' && strings.HasPrefix(strings.TrimPrefix(l.text[l.at+1:], "\r"), "\n"):
			l.at += strings.IndexByte(l.text[l.at:], '\n') + 1
			l.line++
		case c == '#':
			n := strings.IndexByte(l.text[l.at:], '\n')
			if n < 0 {
				n = len(l.text) - l.at
			}
			l.at += n
		default:
			if len(words) == 0 {
				line = l.line
			}
			words = append(words, variables(l.word(c)))
		}
	}
	return words, max(line, 1), len(words) > 0
}

// word reads one word, which begins with c.
func (l *lexer) word(c byte) string {
	if c == '"' || c == '`' {
		return l.quoted(c)
	}
	start := l.at
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.at]) < 0 {
		l.at++
	}
	word := l.text[start:l.at]
	if mark, ok := strings.CutPrefix(word, "<<"); ok && mark != "" {
		return l.heredoc(mark)
	}
	return word
}

func (l *lexer) quoted(quote byte) string {
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		c := l.text[l.at]
		switch {
		case c == quote:
			l.at++
			return b.String()
		case c == '\\' && quote == '"' && l.at+1 < len(l.text) && l.text[l.at+1] == '"':
			l.at++
			c = '"'
		case c == '\n':
			l.line++
		}
		b.WriteByte(c)
	}
	return b.String()
}

// heredoc reads to the line that holds the mark alone.
func (l *lexer) heredoc(mark string) string {
	var b strings.Builder
	for l.at < len(l.text) {
		text, _, more := strings.Cut(l.text[l.at:], "\n")
		if strings.TrimSpace(text) == mark {
			l.at += len(text)
			break
		}
		b.WriteString(text)
		l.at += len(text)
		if more {
			l.at++
			l.line++
		}
	}
	return strings.TrimSpace(b.String())
}

// variables replaces those of the environment by their defaults.
func variables(word string) string {
	for range 16 {
		before, rest, ok := strings.Cut(word, "{$")
		inner, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			break
		}
		_, fallback, _ := strings.Cut(inner, ":")
		word = before + fallback + after
	}
	return word
}
