package rsyslogconf

import (
	"strings"
)

// Kind is what an item is.
type Kind string

// The kinds of items.
const (
	KindDirective Kind = "directive" // $Name Value
	KindObject    Kind = "object"    // name(param="value")
	KindRule      Kind = "rule"      // a filter and an action, or an action alone
	KindUnknown   Kind = "unknown"   // something that is not known here
)

// Item is one thing that a configuration says.
type Item struct {
	Kind    Kind
	Name    string            // of a directive or an object, in lower case
	Value   string            // a directive's value, a rule's action, why something is not known
	Filter  string            // of a rule: the selector
	Params  map[string]string // of an object, by names in lower case; arrays joined by a space
	Ruleset string            // the ruleset it is in, "" for the default one
	File    string
	Line    int
	Raw     string // the line on which it begins
}

const (
	maxItems  = 20_000
	maxParams = 200
	maxDepth  = 100 // of blocks
	maxRaw    = 512
)

// Parse reads one file's text. It follows no include.
func Parse(file string, text []byte) []Item {
	p := &parser{file: file, s: string(text), line: 1}
	for p.i < len(p.s) && len(p.items) < maxItems {
		p.statement()
	}
	return p.items
}

type parser struct {
	file   string
	s      string
	i      int
	line   int
	blocks []string // the ruleset of each open block
	items  []Item
	next   string // the ruleset whose block comes next
	named  bool
}

// statement reads one statement, or passes over what is none.
func (p *parser) statement() {
	c := p.s[p.i]
	switch {
	case c == '\n':
		p.line++
		p.i++
	case c == ' ' || c == '\t' || c == '\r' || c == ';' || c == 0:
		p.i++
	case c == '#':
		p.restOfLine(false)
	case strings.HasPrefix(p.s[p.i:], "/*"):
		p.skipComment()
	case c == '{':
		p.open()
	case c == '}':
		p.i++
		if len(p.blocks) > 0 {
			p.blocks = p.blocks[:len(p.blocks)-1]
		}
	case c == '$':
		p.directive()
	default:
		p.word()
	}
}

func (p *parser) open() {
	p.i++
	name := p.ruleset()
	if p.named {
		name = p.next
	}
	p.named, p.next = false, ""
	if len(p.blocks) < maxDepth {
		p.blocks = append(p.blocks, name)
	}
}

func (p *parser) ruleset() string {
	if len(p.blocks) == 0 {
		return ""
	}
	return p.blocks[len(p.blocks)-1]
}

func (p *parser) item(kind Kind) Item {
	start := max(0, p.i-maxRaw)
	start += strings.LastIndexByte(p.s[start:p.i], '\n') + 1
	raw, _, _ := strings.Cut(p.s[start:min(start+maxRaw, len(p.s))], "\n")
	return Item{Kind: kind, Ruleset: p.ruleset(), File: p.file, Line: p.line, Raw: strings.TrimSpace(raw)}
}

// restOfLine takes the rest of the line; a backslash at its end goes on where that
// counts.
func (p *parser) restOfLine(joins bool) string {
	var out strings.Builder
	for {
		line, _, more := strings.Cut(p.s[p.i:], "\n")
		p.i += len(line)
		if more {
			p.i++
			p.line++
		}
		line = strings.TrimRight(line, "\r")
		before, joined := strings.CutSuffix(line, `\`)
		if !joins || !joined || !more {
			out.WriteString(line)
			return out.String()
		}
		out.WriteString(before)
		p.i += len(p.s[p.i:]) - len(strings.TrimLeft(p.s[p.i:], " \t"))
	}
}

func (p *parser) skipComment() {
	end := strings.Index(p.s[p.i+2:], "*/")
	if end < 0 {
		p.i = len(p.s)
		return
	}
	p.skip(end + 4)
}

// skip moves on and counts lines.
func (p *parser) skip(n int) {
	p.line += strings.Count(p.s[p.i:p.i+n], "\n")
	p.i += n
}

func (p *parser) directive() {
	it := p.item(KindDirective)
	text := p.restOfLine(false)
	if i := strings.IndexByte(text, '#'); i > 0 && !strings.Contains(text[:i], `"`) {
		text = text[:i]
	}
	name, value, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(text, "$")), " ")
	if n, v, ok := strings.Cut(name, "\t"); ok {
		name, value = n, v+" "+value
	}
	it.Name, it.Value = strings.ToLower(name), strings.TrimSpace(value)
	p.items = append(p.items, it)
}

// word reads what begins with a word: an object, a keyword of the script language,
// a selector, or an action.
func (p *parser) word() {
	name := p.identifier(p.i)
	after := p.i + len(name)
	for after < len(p.s) && (p.s[after] == ' ' || p.s[after] == '\t') {
		after++
	}
	lower := strings.ToLower(name)
	if name != "" && lower != "if" && after < len(p.s) && p.s[after] == '(' {
		p.object(lower, after)
		return
	}
	switch lower {
	case "if", "foreach":
		p.condition()
	case "set", "unset", "reset":
		p.toSemicolon()
	case "then", "else", "do", "stop", "continue":
		p.i += len(name)
	case "call", "call_indirect":
		p.restOfWords()
	default:
		p.rule()
	}
}

func (p *parser) identifier(at int) string {
	end := at
	for end < len(p.s) && (p.s[end] == '_' || p.s[end] >= 'a' && p.s[end] <= 'z' || p.s[end] >= 'A' && p.s[end] <= 'Z' || end > at && p.s[end] >= '0' && p.s[end] <= '9') {
		end++
	}
	return p.s[at:end]
}

// condition passes over an expression up to "then" (or "do").
func (p *parser) condition() {
	p.i += len(p.identifier(p.i))
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"' || c == '\'':
			p.quoted()
		case c == '#':
			p.restOfLine(false)
		case strings.HasPrefix(p.s[p.i:], "/*"):
			p.skipComment()
		case c == '{' || c == '}':
			return // no "then": take what is in the block all the same
		default:
			word := p.identifier(p.i)
			if word == "" {
				p.skip(1)
				continue
			}
			p.i += len(word)
			if word == "then" || word == "do" {
				return
			}
		}
	}
}

func (p *parser) toSemicolon() {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case '"', '\'':
			p.quoted()
		case ';':
			p.i++
			return
		default:
			p.skip(1)
		}
	}
}

func (p *parser) restOfWords() {
	for p.i < len(p.s) && !strings.ContainsRune("\n};", rune(p.s[p.i])) {
		p.i++
	}
}

// quoted reads a string in quotes; a backslash takes what follows it.
func (p *parser) quoted() string {
	quote := p.s[p.i]
	p.i++
	var out strings.Builder
	for p.i < len(p.s) && p.s[p.i] != quote {
		if p.s[p.i] == '\\' && p.i+1 < len(p.s) {
			p.skip(1)
		}
		out.WriteByte(p.s[p.i])
		p.skip(1)
	}
	p.i = min(p.i+1, len(p.s))
	return out.String()
}

// object reads name(param="value" …); paren is where its parenthesis is.
func (p *parser) object(name string, paren int) {
	it := p.item(KindObject)
	it.Name, it.Params = name, map[string]string{}
	p.skip(paren + 1 - p.i)
	for p.i < len(p.s) && p.s[p.i] != ')' {
		p.param(it.Params)
	}
	p.i = min(p.i+1, len(p.s))
	if name == "ruleset" {
		p.next, p.named = it.Params["name"], true
	}
	p.items = append(p.items, it)
	if len(it.Params) > maxParams {
		it.Kind, it.Value = KindUnknown, "an object has more parameters than are read"
		p.items = append(p.items, it)
	}
}

func (p *parser) param(params map[string]string) {
	if p.s[p.i] == '#' {
		p.restOfLine(false)
		return
	}
	if strings.HasPrefix(p.s[p.i:], "/*") {
		p.skipComment()
		return
	}
	end := p.i
	for end < len(p.s) && !strings.ContainsRune(" \t\r\n=,()\"'[]{}", rune(p.s[end])) {
		end++
	}
	name := strings.ToLower(p.s[p.i:end])
	if name == "" {
		p.skip(1)
		return
	}
	p.i = end
	p.blank()
	if p.i >= len(p.s) || p.s[p.i] != '=' {
		return
	}
	p.i++
	p.blank()
	if value, ok := p.value(); ok && len(params) <= maxParams {
		params[name] = value
	}
}

// value reads a string or an array of strings.
func (p *parser) value() (string, bool) {
	if p.i >= len(p.s) {
		return "", false
	}
	switch p.s[p.i] {
	case '"', '\'':
		return p.quoted(), true
	case '`':
		return "`" + p.quoted() + "`", true
	case '[':
		p.i++
		var all []string
		for p.i < len(p.s) && p.s[p.i] != ']' && p.s[p.i] != ')' {
			if p.s[p.i] == '"' || p.s[p.i] == '\'' {
				all = append(all, p.quoted())
				continue
			}
			p.skip(1)
		}
		if p.i < len(p.s) && p.s[p.i] == ']' {
			p.i++
		}
		return strings.Join(all, " "), true
	}
	end := p.i
	for end < len(p.s) && !strings.ContainsRune(" \t\r\n,()", rune(p.s[end])) {
		end++
	}
	word := p.s[p.i:end]
	p.i = end
	return word, word != ""
}

func (p *parser) blank() {
	for p.i < len(p.s) && strings.ContainsRune(" \t\r\n", rune(p.s[p.i])) {
		p.skip(1)
	}
}

// rule reads a selector with its action, or an action alone, to the end of the line.
func (p *parser) rule() {
	it := p.item(KindRule)
	if p.s[p.i] == '&' {
		p.i++
		it.Filter = "&"
		p.blank()
		p.action(it)
		return
	}
	if p.s[p.i] == ':' && p.propertyFilter(&it) {
		p.action(it)
		return
	}
	end := p.i
	for end < len(p.s) && !strings.ContainsRune(" \t\r\n", rune(p.s[end])) {
		end++
	}
	if word := p.s[p.i:end]; selector(word) {
		it.Filter = word
		p.i = end
		for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t') {
			p.i++
		}
	}
	p.action(it)
}

// propertyFilter reads ":property, operation, "value"".
func (p *parser) propertyFilter(it *Item) bool {
	line, _, _ := strings.Cut(p.s[p.i:], "\n")
	open := strings.IndexByte(line, '"')
	if open < 0 || !strings.Contains(line[:open], ",") {
		return false
	}
	start := p.i
	p.i += open
	p.quoted()
	it.Filter = p.s[start:p.i]
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t') {
		p.i++
	}
	return true
}

// selector reports whether a word is "facility.priority" and no action.
func selector(word string) bool {
	dot := strings.IndexByte(word, '.')
	if dot <= 0 || strings.ContainsAny(word[:1], "/-@:~|?^&") {
		return false
	}
	for _, c := range word {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("*,.;=!_", c)) {
			return false
		}
	}
	return true
}

// action takes what is left of the line as a rule's action, unless it is an object
// or a block.
func (p *parser) action(it Item) {
	name := p.identifier(p.i)
	if after := p.i + len(name); name != "" && after < len(p.s) && p.s[after] == '(' || p.i < len(p.s) && p.s[p.i] == '{' {
		return
	}
	it.Value = strings.TrimSpace(p.restOfLine(true))
	if i := strings.Index(it.Value, " #"); i >= 0 {
		it.Value = strings.TrimSpace(it.Value[:i])
	}
	it.Value = strings.TrimSpace(strings.TrimRight(it.Value, "}"))
	if it.Value != "" {
		p.items = append(p.items, it)
	}
}
