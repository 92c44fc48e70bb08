package bindconf

import (
	"bytes"
	"strings"
)

// parser reads one file.
type parser struct {
	*loader
	lexer
	chain []string
}

// statements reads up to the end of a block, or of the file where depth is 0.
func (p *parser) statements(depth int) ([]Statement, error) {
	if depth > maxBlocks {
		return nil, ErrLimit
	}
	var all []Statement
	for {
		s, end, err := p.statement(depth)
		if err != nil || end {
			return all, err
		}
		if s.Name() == "include" && len(s.Words) == 2 && len(s.Blocks) == 0 {
			in, err := p.included(s.Words[1], p.chain)
			if err != nil {
				return nil, err
			}
			all = append(all, in...)
			continue
		}
		if len(s.Words) > 0 || len(s.Blocks) > 0 {
			all = append(all, s)
		}
	}
}

// statement reads one; end says that there was none.
func (p *parser) statement(depth int) (s Statement, end bool, err error) {
	for {
		t, err := p.next()
		if err != nil {
			return s, false, err
		}
		empty := len(s.Words) == 0 && len(s.Blocks) == 0
		if empty {
			s.File, s.Line = p.lexer.file, t.line
		}
		switch t.kind {
		case word:
			if len(s.Words) == maxWords {
				return s, false, ErrLimit
			}
			s.Words = append(s.Words, t.word(empty))
		case semicolon:
			if p.loader.statements++; p.loader.statements > maxStatements {
				return s, false, ErrLimit
			}
			return s, false, nil
		case open:
			block, err := p.statements(depth + 1)
			if err != nil {
				return s, false, err
			}
			if s.Blocks = append(s.Blocks, block); len(s.Blocks) > maxWords {
				return s, false, ErrLimit
			}
		case closed, ended:
			err := p.ends(t.kind, depth, empty)
			return s, err == nil, err
		}
	}
}

// ends says whether a block, or the file, may end where it does: not within a
// statement.
func (p *parser) ends(by kind, depth int, empty bool) error {
	switch {
	case by == closed && depth == 0:
		return p.error("unexpected token near '}'")
	case by == closed && !empty:
		return p.error("missing ';' before '}'")
	case by == ended && (depth > 0 || !empty):
		return p.error("unexpected end of input")
	}
	return nil
}

type kind int

const (
	word kind = iota
	semicolon
	open
	closed
	ended
)

type token struct {
	kind   kind
	text   string
	quoted bool
	line   int
}

// word is the token as a word: the first one of a statement is its keyword, in small
// letters.
func (t *token) word(first bool) string {
	if first && !t.quoted {
		return strings.ToLower(t.text)
	}
	return t.text
}

// lexer divides a text into tokens.
type lexer struct {
	text []byte
	pos  int
	file string
	line int
}

func (x *lexer) error(message string) error {
	return &Error{File: x.file, Line: x.line, Message: message}
}

func (x *lexer) next() (token, error) {
	if err := x.blanks(); err != nil {
		return token{}, err
	}
	t := token{line: x.line}
	if x.pos == len(x.text) {
		t.kind = ended
		return t, nil
	}
	switch x.text[x.pos] {
	case ';':
		t.kind = semicolon
	case '{':
		t.kind = open
	case '}':
		t.kind = closed
	case '"':
		t.quoted = true
		var err error
		t.text, err = x.quoted()
		return t, err
	case '!': // of an address match list, with or without blanks after it
		t.text = "!"
	default:
		t.text = x.bare()
		return t, nil
	}
	x.pos++
	return t, nil
}

// bare reads a word without quotes.
func (x *lexer) bare() string {
	start := x.pos
	for x.pos < len(x.text) && !strings.ContainsRune(" \t\r\n;{}\"", rune(x.text[x.pos])) && !x.at("/*") && !x.at("//") {
		x.pos++
	}
	return string(x.text[start:x.pos])
}

// quoted reads a word in quotes, which may go over lines.
func (x *lexer) quoted() (string, error) {
	var b strings.Builder
	for x.pos++; x.pos < len(x.text); x.pos++ {
		switch c := x.text[x.pos]; {
		case c == '"':
			x.pos++
			return b.String(), nil
		case c == '\\' && x.pos+1 < len(x.text):
			x.pos++
			b.WriteByte(x.text[x.pos])
		default:
			b.WriteByte(c)
		}
		if x.text[x.pos] == '\n' {
			x.line++
		}
	}
	return "", x.error("unbalanced quotes")
}

func (x *lexer) at(s string) bool {
	return bytes.HasPrefix(x.text[x.pos:], []byte(s))
}

// blanks skips blanks and comments.
func (x *lexer) blanks() error {
	for x.pos < len(x.text) {
		switch c := x.text[x.pos]; {
		case c == '\n':
			x.line++
			x.pos++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			x.pos++
		case c == '#' || x.at("//"):
			for x.pos < len(x.text) && x.text[x.pos] != '\n' {
				x.pos++
			}
		case x.at("/*"):
			end := bytes.Index(x.text[x.pos+2:], []byte("*/"))
			if end < 0 {
				return x.error("unterminated comment")
			}
			x.line += bytes.Count(x.text[x.pos:x.pos+2+end], []byte("\n"))
			x.pos += end + 4
		default:
			return nil
		}
	}
	return nil
}
