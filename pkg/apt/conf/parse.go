package conf

import (
	"errors"
	"strconv"
	"strings"
)

// Parse adds the settings of one file. What apt would refuse is a *SyntaxError;
// what stands before it is set, as it is for apt.
func (t *Tree) Parse(file string, text []byte) error {
	p := parser{tree: t, file: file}
	for line := range strings.Lines(string(text)) {
		p.line++
		line = strings.TrimFunc(strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", "        "), isSpace)
		if line = p.uncomment(line); line == "" {
			continue
		}
		if err := p.statements(line); err != nil {
			return err
		}
	}
	if len(p.buffer) != 0 {
		return p.refuse("junk at the end of the file")
	}
	return nil
}

// parser is the state of one file between two lines.
type parser struct {
	tree    *Tree
	file    string
	line    int
	comment bool     // within /* */
	buffer  []byte   // the statement so far
	parent  string   // the full name of the block
	scopes  []string // the parents of the blocks around it
}

func (p *parser) refuse(text string) error { return &SyntaxError{p.file, p.line, text} }

// uncomment takes the comments out of a line.
func (p *parser) uncomment(line string) string {
	if p.comment {
		_, rest, ends := strings.Cut(line, "*/")
		if !ends {
			return ""
		}
		line, p.comment = rest, false
	}
	line = cutOutside(line, "//", func(string) bool { return true })
	line = cutOutside(line, "#", func(rest string) bool {
		return !strings.HasPrefix(rest, "#clear") && !strings.HasPrefix(rest, "#include") &&
			!strings.HasPrefix(rest, "#x-apt-configure-index")
	})
	var out strings.Builder
	for {
		start := outside(line, "/*", 0)
		if start < 0 {
			out.WriteString(line)
			return out.String()
		}
		out.WriteString(line[:start])
		_, rest, ends := strings.Cut(line[start+2:], "*/")
		if !ends {
			p.comment = true
			return out.String()
		}
		line = rest
	}
}

// outside finds mark outside of quotes, from an index on. The quotes are counted
// from the start of the line.
func outside(line, mark string, from int) int {
	quoted := strings.Count(line[:from], `"`)%2 != 0
	for i := from; i < len(line); i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(line[i:], mark):
			return i
		}
	}
	return -1
}

// cutOutside ends the line where mark stands outside of quotes and is a comment.
func cutOutside(line, mark string, comment func(rest string) bool) string {
	for i := outside(line, mark, 0); i >= 0; i = outside(line, mark, i+1) {
		if comment(line[i:]) {
			return line[:i]
		}
	}
	return line
}

// statements takes apart what one line has of them; the rest waits for the next.
func (p *parser) statements(line string) error {
	quoted, start := false, 0
	for i := range len(line) {
		b := line[i]
		if b == '"' {
			quoted = !quoted
		}
		if quoted || b != '{' && b != ';' && b != '}' {
			continue
		}
		p.join(line[start:i])
		start = i + 1
		if err := p.statement(b); err != nil {
			return err
		}
	}
	p.join(line[start:])
	if len(p.buffer) > maxStatement {
		return p.refuse("a statement is too long")
	}
	return nil
}

func (p *parser) join(piece string) {
	piece = strings.TrimFunc(piece, isSpace)
	if len(p.buffer) != 0 && piece != "" {
		p.buffer = append(p.buffer, ' ')
	}
	p.buffer = append(p.buffer, piece...)
}

// statement does what the buffer says; term is what ended it.
func (p *parser) statement(term byte) error {
	switch {
	case len(p.buffer) == 0 && term == '{':
		return p.refuse("block starts with no name")
	case len(p.buffer) == 0 && term == '}':
		p.leave()
		return nil
	case len(p.buffer) == 0:
		return nil
	}
	rest := string(p.buffer)
	p.buffer = p.buffer[:0]
	tag, ok := quoteWord(&rest)
	if !ok {
		return p.refuse("malformed tag")
	}
	word, hasWord := cWord(&rest)
	if !hasWord {
		word, hasWord = quoteWord(&rest)
	}
	if !hasWord && term != '{' {
		tag, word, hasWord = "", tag, true
	}
	if rest != "" {
		return p.refuse("extra junk after value")
	}
	block := term == '{'
	if block {
		if err := p.enter(tag); err != nil {
			return err
		}
		tag = ""
	}
	if err := p.assign(tag, word, hasWord, block); err != nil {
		return err
	}
	if term == '}' {
		p.leave()
	}
	return nil
}

// enter goes into a block.
func (p *parser) enter(tag string) error {
	p.scopes = append(p.scopes, p.parent)
	if p.parent != "" {
		tag = p.parent + "::" + tag
	}
	if len(tag) > maxName {
		return p.refuse("blocks are nested too deeply")
	}
	p.parent = tag
	return nil
}

// leave goes out of a block. One brace too many leads to the top.
func (p *parser) leave() {
	if len(p.scopes) == 0 {
		p.parent = ""
		return
	}
	last := len(p.scopes) - 1
	p.parent, p.scopes = p.scopes[last], p.scopes[:last]
}

func (p *parser) assign(tag, word string, hasWord, block bool) error {
	if directive, ok := strings.CutPrefix(tag, "#"); ok {
		return p.direct(directive, word)
	}
	if tag == "" && word == "#clear" && hasWord {
		return p.refuse("#clear without a name")
	}
	if !hasWord {
		return nil
	}
	name := tag
	switch {
	case p.parent != "" && block:
		name = p.parent
	case p.parent != "":
		name = p.parent + "::" + tag
	}
	if err := p.tree.set(name, Value{Text: word, File: p.file, Line: p.line}); err != nil {
		return p.refuse(err.Error())
	}
	return nil
}

// direct follows a directive.
func (p *parser) direct(directive, word string) error {
	switch {
	case p.parent != "":
		return p.refuse("directive within a block")
	case directive == "clear":
		p.tree.clear(word)
	case directive == "x-apt-configure-index": // warns of unknown names, changes nothing
	case directive != "include":
		return p.refuse("directive is not known")
	case p.tree.depth >= maxDepth:
		return p.refuse("too many nested includes")
	case p.tree.Include != nil:
		return p.include(word)
	}
	return nil
}

// include reads a file or, where the name ends in "/", what a directory has.
func (p *parser) include(name string) error {
	names := []string{name}
	if strings.HasSuffix(name, "/") && p.tree.IncludeDir != nil {
		var err error
		if names, err = p.tree.IncludeDir(name); err != nil {
			return errors.Join(p.refuse("#include"), err)
		}
	}
	p.tree.depth++
	defer func() { p.tree.depth-- }()
	for _, name := range names {
		if p.tree.files++; p.tree.files > maxFiles {
			return p.refuse("too many included files")
		}
		text, err := p.tree.Include(name)
		if err != nil {
			return errors.Join(p.refuse("#include"), err)
		}
		if err := p.tree.Parse(name, text); err != nil {
			return err
		}
	}
	return nil
}

func isSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

// quoteWord takes a word off s: quotes are dropped, brackets keep spaces, %xx is
// decoded.
func quoteWord(s *string) (word string, ok bool) {
	text := strings.TrimLeft(*s, " ")
	if text == "" {
		return "", false
	}
	end := 0
	for ; end < len(text) && !isSpace(rune(text[end])); end++ {
		for _, pair := range []string{`""`, "[]"} {
			if end < len(text) && text[end] == pair[0] {
				n := strings.IndexByte(text[end+1:], pair[1])
				if n < 0 {
					return "", false
				}
				end += n + 1
			}
		}
	}
	var out strings.Builder
	// What stands before the word is taken, too: only the search for its end skips
	// leading blanks.
	raw := (*s)[:len(*s)-len(text)+end]
	for i := 0; i < len(raw); i++ {
		if raw[i] == '%' && i+2 < len(raw) {
			if b, err := strconv.ParseUint(raw[i+1:i+3], 16, 8); err == nil {
				out.WriteByte(byte(b))
				i += 2
				continue
			}
		}
		if raw[i] != '"' {
			out.WriteByte(raw[i])
		}
	}
	*s = strings.TrimLeftFunc(text[end:], isSpace)
	return out.String(), true
}

// cWord takes all of s if it is made of quoted strings; they become one.
func cWord(s *string) (word string, ok bool) {
	const most = 1024
	text := strings.TrimLeft(*s, " ")
	if text == "" || len(*s) >= most {
		return "", false
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '"':
			n := strings.IndexByte(text[i+1:], '"')
			if n < 0 {
				return "", false
			}
			out.WriteString(text[i+1 : i+1+n])
			i += n + 1
		case !isSpace(rune(b)):
			return "", false
		case i > 0 && isSpace(rune(text[i-1])):
		default:
			out.WriteByte(' ')
		}
	}
	*s = ""
	return out.String(), true
}
