package apacheconf

import (
	"fmt"
	"strings"
)

// section collects the directives of one section. A condition that is dissolved
// collects for the section around it.
type section struct {
	list []Directive
}

// parser reads the lines of one file.
type parser struct {
	rest    string
	number  int // of the line that was read last, its first where lines were joined
	next    int // the lines read so far
	file    string
	load    *loader
	depth   int // of includes
	nesting int
}

func (p *parser) refuse(line int, format string, args ...any) error {
	return &Error{File: p.file, Line: line, Message: fmt.Sprintf(format, args...)}
}

// line returns the next line, joined where a backslash ends it, and trimmed.
func (p *parser) line() (string, bool) {
	if p.rest == "" {
		return "", false
	}
	p.number = p.next + 1
	var joined strings.Builder
	for p.rest != "" {
		text, rest, _ := strings.Cut(p.rest, "\n")
		p.rest = rest
		p.next++
		text = strings.TrimSuffix(text, "\r")
		more, ok := strings.CutSuffix(text, `\`)
		joined.WriteString(more)
		if !ok {
			break
		}
	}
	return strings.Trim(joined.String(), " \t\r\v\f"), true
}

// lines reads the whole file into a section.
func (p *parser) lines(into *section) error {
	closed, err := p.until("", into, true)
	if err == nil && closed != "" {
		err = p.refuse(p.number, "%s> without matching <%s> section", closed, closed[2:])
	}
	return err
}

// until reads to the end of the section name, or, where that is "", to the end of
// the file. What does not count is read over. It returns the "</name" that ended
// it.
func (p *parser) until(name string, into *section, counts bool) (closed string, err error) {
	opened := p.number
	if p.nesting++; p.nesting > maxNesting {
		return "", fmt.Errorf("%s:%d: %w", p.file, opened, ErrLimit)
	}
	defer func() { p.nesting-- }()
	for {
		text, ok := p.line()
		switch {
		case !ok && name != "":
			return "", p.refuse(opened, "<%s> was not closed.", name)
		case !ok:
			return "", nil
		case text == "" || text[0] == '#':
			continue
		}
		word, args := getWord(text)
		if word = strings.ToLower(word); word == "" {
			continue // a name of nothing but quotes, as ap_build_config_sub() has it
		}
		if strings.HasPrefix(word, "</") {
			closed := strings.TrimSuffix(word, ">")
			if name != "" && closed != "</"+name {
				return "", p.refuse(p.number, "Expected </%s> but saw %s>", name, closed)
			}
			return closed, nil
		}
		if err := p.directive(word, args, into, counts); err != nil {
			return "", err
		}
	}
}

// directive takes one directive, or a section with all that is in it.
func (p *parser) directive(word, args string, into *section, counts bool) error {
	if p.load.directives++; p.load.directives > maxDirectives {
		return fmt.Errorf("%s:%d: %w", p.file, p.number, ErrLimit)
	}
	d := Directive{Name: word, File: p.file, Line: p.number}
	if word[0] != '<' {
		if !counts {
			return nil
		}
		d.Args = p.load.words(args)
		return p.simple(&d, into)
	}
	var ok bool
	if d.Name, args, ok = opening(word, args); !ok {
		return p.refuse(d.Line, "%s> directive missing closing '>'", word)
	}
	switch d.Name {
	case "macro":
		return p.skipMacro(d.Line)
	case "ifmodule", "ifdefine", "ifversion", "iffile", "ifdirective", "ifsection":
		holds := counts && p.load.holds(d.Name, p.load.resolve(args))
		_, err := p.until(d.Name, into, holds)
		return err
	}
	inner := &section{list: []Directive{}}
	d.Args = p.load.words(args)
	if _, err := p.until(d.Name, inner, counts); err != nil || !counts {
		return err
	}
	d.Block = inner.list
	into.list = append(into.list, d)
	return nil
}

// opening divides the beginning of a section into its name and its arguments, the
// closing bracket taken off.
func opening(word, args string) (name, rest string, ok bool) {
	name = word[1:]
	if args == "" {
		name, ok = strings.CutSuffix(name, ">")
		return name, "", ok
	}
	i := strings.LastIndexByte(args, '>')
	if i < 0 {
		return name, args, false
	}
	return name, args[:i], true
}

// simple takes a directive that stands alone, and does what httpd does while it
// reads.
func (p *parser) simple(d *Directive, into *section) error {
	l := p.load
	switch d.Name {
	case "include", "includeoptional":
		return l.include(d, p.depth, into)
	case "use":
		l.tree.Uses = append(l.tree.Uses, *d)
	case "serverroot":
		if len(d.Args) == 1 && strings.HasPrefix(d.Args[0], "/") {
			l.dir = d.Args[0]
		}
	case "define":
		if len(d.Args) > 0 {
			l.defined[d.Args[0]] = true
			if len(d.Args) > 1 {
				l.variables[d.Args[0]] = d.Args[1]
			}
		}
	case "undefine":
		if len(d.Args) == 1 {
			delete(l.defined, d.Args[0])
			delete(l.variables, d.Args[0])
		}
	case "loadmodule":
		l.loadModule(d.Args)
	}
	into.list = append(into.list, *d)
	return nil
}

// skipMacro passes over a macro's lines, in which nothing is meant yet.
func (p *parser) skipMacro(opened int) error {
	for {
		text, ok := p.line()
		if !ok {
			return p.refuse(opened, "<macro> was not closed.")
		}
		if strings.HasPrefix(strings.ToLower(text), "</macro>") {
			return nil
		}
	}
}
