package conf

import (
	"errors"
	"strconv"
	"strings"
)

// Parse adds the settings of one file. What apt would refuse is a *SyntaxError.
func (t *Tree) Parse(file string, text []byte) error {
	p := parser{tree: t, file: file}
	for i, line := range strings.Split(string(text), "\n") {
		p.line = i + 1
		fragment := p.uncomment(strings.TrimSpace(strings.ReplaceAll(line, "\t", "        ")))
		if err := p.fragment(fragment); err != nil {
			return err
		}
	}
	if p.buffer != "" {
		return p.refuse("junk at the end of the file")
	}
	return nil
}

// parser is the state between two lines.
type parser struct {
	tree    *Tree
	file    string
	line    int
	comment bool     // within /* */
	buffer  string   // of a statement that goes on
	parents []string // of the blocks around
}

func (p *parser) refuse(text string) error { return &SyntaxError{p.file, p.line, text} }

// uncomment takes comments out of a line.
func (p *parser) uncomment(line string) string {
	if p.comment {
		_, after, ok := strings.Cut(line, "*/")
		if !ok {
			return ""
		}
		line, p.comment = after, false
	}
	var kept strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		rest := line[i:]
		switch {
		case rest[0] == '"':
			quoted = !quoted
		case quoted:
		case strings.HasPrefix(rest, "//"), rest[0] == '#' && !directive(rest[1:]):
			return kept.String()
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				p.comment = true
				return kept.String()
			}
			i += end + 3
			continue
		}
		kept.WriteByte(rest[0])
	}
	return kept.String()
}

func directive(s string) bool {
	return strings.HasPrefix(s, "clear") || strings.HasPrefix(s, "include") || strings.HasPrefix(s, "x-apt-configure-index")
}

// fragment takes the statements of one line; what is left goes on in the next.
func (p *parser) fragment(s string) error {
	quoted, start := false, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == ';' || c == '}':
			err := p.join(s[start:i])
			start = i + 1
			if err == nil {
				err = p.statement(c)
			}
			if err != nil {
				return err
			}
		}
	}
	return p.join(s[start:])
}

func (p *parser) join(s string) error {
	s = strings.TrimSpace(s)
	if p.buffer != "" && s != "" {
		p.buffer += " "
	}
	if p.buffer += s; len(p.buffer) > maxStatement {
		return p.refuse("statement is too long")
	}
	return nil
}

func (p *parser) parent() string {
	if len(p.parents) == 0 {
		return ""
	}
	return p.parents[len(p.parents)-1]
}

func (p *parser) leave() {
	if len(p.parents) > 0 {
		p.parents = p.parents[:len(p.parents)-1]
	}
}

// statement takes what is in the buffer, which end closed.
func (p *parser) statement(end byte) error {
	s := p.buffer
	p.buffer = ""
	if s == "" {
		switch end {
		case '{':
			return p.refuse("a block without a name")
		case '}':
			p.leave()
		}
		return nil
	}
	tag, rest, ok := quoteWord(s)
	if !ok {
		return p.refuse("malformed name")
	}
	word, rest, valued := value(rest)
	if rest != "" {
		return p.refuse("junk behind the value")
	}
	if !valued && end != '{' {
		tag, word, valued = "", tag, true
	}
	name := tag
	if parent := p.parent(); parent != "" {
		name = parent + "::" + tag
	}
	if len(name) > maxName {
		return p.refuse("name is too long")
	}
	err := p.act(tag, name, word, valued, end)
	if err == nil && end == '}' {
		p.leave()
	}
	return err
}

func (p *parser) act(tag, name, word string, valued bool, end byte) error {
	if end == '{' {
		p.parents = append(p.parents, name)
	}
	if strings.HasPrefix(tag, "#") {
		if p.parent() != "" {
			return p.refuse("directive within a block")
		}
		return p.directive(tag[1:], word)
	}
	switch {
	case !valued:
		return nil
	case tag == "" && word == "#clear":
		return p.refuse("#clear without a name")
	}
	if err := p.tree.set(name, Value{word, p.file, p.line}); err != nil {
		return p.refuse(err.Error())
	}
	return nil
}

func (p *parser) directive(name, word string) error {
	switch name {
	case "clear":
		p.tree.clear(word)
	case "include":
		if p.tree.depth >= maxDepth {
			return p.refuse("too many nested includes")
		}
		if p.tree.Include == nil {
			return nil
		}
		text, err := p.tree.Include(word)
		if err != nil {
			return errors.Join(p.refuse("#include"), err)
		}
		p.tree.depth++
		defer func() { p.tree.depth-- }()
		return p.tree.Parse(word, text)
	case "x-apt-configure-index":
	default:
		return p.refuse("directive is not known")
	}
	return nil
}

// quoteWord cuts the first word: quotes and brackets hold it together and %xx is
// decoded.
func quoteWord(s string) (word, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	if s == "" {
		return "", "", false
	}
	i := 0
	for ; i < len(s) && !space(s[i]); i++ {
		closing := map[byte]byte{'"': '"', '[': ']'}[s[i]]
		if closing == 0 {
			continue
		}
		n := strings.IndexByte(s[i+1:], closing)
		if n < 0 {
			return "", "", false
		}
		i += n + 1
	}
	var out strings.Builder
	for j := 0; j < i; j++ {
		if s[j] == '%' && j+2 < i {
			if n, err := strconv.ParseUint(s[j+1:j+3], 16, 8); err == nil {
				out.WriteByte(byte(n))
				j += 2
				continue
			}
		}
		if s[j] != '"' {
			out.WriteByte(s[j])
		}
	}
	return out.String(), strings.TrimLeft(s[i:], " \t\r\v\f"), true
}

// value takes a value: quoted strings one behind the other as C has them, or one
// word.
func value(s string) (word, rest string, ok bool) {
	if w, whole := cWord(s); whole {
		return w, "", true
	}
	if w, r, ok := quoteWord(s); ok {
		return w, r, true
	}
	return "", s, false
}

func cWord(s string) (string, bool) {
	s = strings.TrimLeft(s, " ")
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			n := strings.IndexByte(s[i+1:], '"')
			if n < 0 {
				return "", false
			}
			out.WriteString(s[i+1 : i+1+n])
			i += n + 1
		case !space(s[i]):
			return "", false
		case i == 0 || !space(s[i-1]):
			out.WriteByte(' ')
		}
	}
	return out.String(), s != ""
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
