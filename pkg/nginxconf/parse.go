package nginxconf

import (
	"fmt"
	"strings"
)

// parser reads the directives of one file.
type parser struct {
	lex   lexer
	file  string
	load  *loader
	depth int // of includes
}

func (p *parser) refuse(line int, format string, args ...any) error {
	return &Error{File: p.file, Line: line, Message: fmt.Sprintf(format, args...)}
}

// block reads directives to the end of a block, or to the end of the file where
// nesting is 0.
func (p *parser) block(nesting int) ([]Directive, error) {
	if nesting > maxNesting {
		return nil, fmt.Errorf("%s:%d: %w", p.file, p.lex.line, ErrLimit)
	}
	list := []Directive{}
	for {
		words, end, line, err := p.statement()
		if err != nil {
			return nil, err
		}
		if end == '}' || end == 0 {
			if err := p.ends(end, nesting, line); err != nil {
				return nil, err
			}
			return list, nil
		}
		d := Directive{Name: words[0], Args: words[1:], File: p.file, Line: line}
		if p.load.directives++; p.load.directives > maxDirectives {
			return nil, fmt.Errorf("%s:%d: %w", p.file, line, ErrLimit)
		}
		switch {
		case end == '{' && strings.HasSuffix(d.Name, "_by_lua_block"):
			d.Block = []Directive{}
			if !p.lex.skipLua() {
				return nil, p.refuse(line, `unexpected end of file, expecting "}"`)
			}
		case end == '{':
			if d.Block, err = p.block(nesting + 1); err != nil {
				return nil, err
			}
		case d.Name == "include":
			more, err := p.load.include(&d, p.depth)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
			continue
		}
		list = append(list, d)
	}
}

// ends says whether a block, or the file, may end by what it ends by.
func (p *parser) ends(end byte, nesting, line int) error {
	switch {
	case end == '}' && nesting == 0:
		return p.refuse(line, `unexpected "}"`)
	case end == 0 && nesting > 0:
		return p.refuse(p.lex.line, `unexpected end of file, expecting "}"`)
	}
	return nil
}

// statement reads the words of one directive and what ends it: ';', '{', or, alone,
// '}' and 0 for the end of the file.
func (p *parser) statement() (words []string, end byte, line int, err error) {
	for {
		t, bad := p.lex.next()
		if bad != "" {
			return nil, 0, 0, p.refuse(p.lex.line, "%s", bad)
		}
		if len(words) == 0 {
			line = t.line
		}
		switch {
		case !t.end:
			words = append(words, t.text)
			continue
		case t.mark == 0 && len(words) > 0:
			return nil, 0, 0, p.refuse(p.lex.line, `unexpected end of file, expecting ";" or "}"`)
		case t.mark == '}' && len(words) > 0:
			return nil, 0, 0, p.refuse(t.line, `unexpected "}"`)
		case (t.mark == ';' || t.mark == '{') && len(words) == 0:
			return nil, 0, 0, p.refuse(t.line, `unexpected "%c"`, t.mark)
		}
		return words, t.mark, line, nil
	}
}
