package sudoers

import (
	"errors"
	"fmt"
	"strings"
)

// defaults reads a Defaults line after its first word.
func (p *parser) defaults() error {
	d := Default{Place: p.place}
	var err error
	if c := p.peek(); strings.IndexByte("@:!>", c) >= 0 {
		d.Scope = c
		p.pos++
		if c == '!' {
			d.Commands, err = p.scopeCommands()
		} else {
			d.Members, err = p.members()
		}
		if err != nil {
			return err
		}
	}
	for {
		if err := p.setting(d); err != nil {
			return err
		}
		if !p.take(',') {
			return p.finish()
		}
	}
}

// scopeCommands reads the commands of a scope: paths without arguments.
func (p *parser) scopeCommands() (list []Command, err error) {
	for {
		var c Command
		for p.take('!') {
			c.Not = !c.Not
		}
		p.skip()
		word, ok := p.word(blanks + ",:=()")
		switch {
		case !ok:
			return nil, errors.New("a command is missing")
		case word == "ALL":
			c.All = true
		case aliasName(word):
			c.Alias = word
		default:
			c.Path = word
		}
		list = append(list, c)
		if !p.take(',') {
			return list, nil
		}
	}
}

// setting reads one setting.
func (p *parser) setting(d Default) error {
	for p.take('!') {
		d.Not = !d.Not
	}
	p.skip()
	rest := p.text[p.pos:]
	n := len(rest) - len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz_0123456789"))
	if n == 0 {
		return fmt.Errorf("a setting is missing at %q", clip(rest))
	}
	d.Name = rest[:n]
	p.pos += n
	p.skip()
	for _, op := range []string{"+=", "-=", "="} {
		if strings.HasPrefix(p.text[p.pos:], op) {
			d.Op = op
			p.pos += len(op)
			break
		}
	}
	if d.Op != "" {
		if d.Not {
			return fmt.Errorf(`"!" and a value of %s exclude each other`, d.Name)
		}
		p.skip()
		value, ok := p.word(blanks + ",=")
		if !ok {
			return fmt.Errorf("%s has no value", d.Name)
		}
		d.Value = value
	}
	p.config.Defaults = append(p.config.Defaults, d)
	return nil
}
