package expr

import (
	"fmt"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
)

// Text is literal text with ${CEL} in it. The zero Text is empty.
type Text struct {
	parts []part
}

// part is a piece of a text: literal, or an expression at an offset in it.
type part struct {
	literal string
	expr    *Expr
	offset  int
}

// Text splits text. An expression that does not end is a problem.
func (s *Scope) Text(text string) (Text, *Problem) {
	var t Text
	for pos := 0; ; {
		i := strings.Index(text[pos:], "${")
		literal, end := text[pos:], -1
		if i >= 0 {
			literal = text[pos : pos+i]
			if end = closing(text, pos+i+2); end < 0 {
				return Text{}, &Problem{pos + i, "${ without its }"}
			}
		}
		if literal != "" {
			t.parts = append(t.parts, part{literal: literal})
		}
		if i < 0 {
			return t, nil
		}
		start := pos + i + 2
		t.parts = append(t.parts, part{offset: start, expr: s.Expr(text[start:end],
			cel.StringType, cel.IntType, cel.BoolType, cel.ListType(cel.StringType))})
		pos = end + 1
	}
}

// closing finds the brace that ends the expression at start: braces nest, and
// do not count inside quotes.
func closing(text string, start int) int {
	depth := 0
	var quote byte
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}':
			return i
		}
	}
	return -1
}

// Literal returns the text where it has no expression.
func (t *Text) Literal() (string, bool) {
	if len(t.parts) == 1 && t.parts[0].expr == nil {
		return t.parts[0].literal, true
	}
	return "", len(t.parts) == 0
}

// Compile says what is wrong with the expressions, at offsets in the text.
func (t *Text) Compile() []*Problem {
	var all []*Problem
	for _, p := range t.parts {
		if p.expr == nil {
			continue
		}
		if bad := p.expr.Compile(); bad != nil {
			all = append(all, &Problem{p.offset + bad.Offset, bad.Message})
		}
	}
	return all
}

// Render puts the text together.
func (t *Text) Render(vars map[string]any) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.literal)
			continue
		}
		v, err := p.expr.Eval(vars)
		if err != nil {
			return "", err
		}
		if err := write(&b, v); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func write(b *strings.Builder, v ref.Val) error {
	switch x := v.Value().(type) {
	case string:
		b.WriteString(x)
		return nil
	case int64:
		b.WriteString(strconv.FormatInt(x, 10))
		return nil
	case bool:
		b.WriteString(strconv.FormatBool(x))
		return nil
	}
	list, more, err := Elements(v)
	if err != nil {
		return err
	}
	for i, item := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := write(b, item); err != nil {
			return err
		}
	}
	if more > 0 {
		fmt.Fprintf(b, " and %d more", more)
	}
	return nil
}
