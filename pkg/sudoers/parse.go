package sudoers

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// parser reads one line into a Config.
type parser struct {
	scanner
	place  Place
	config *Config
}

func aliasKinds() map[string]AliasKind {
	return map[string]AliasKind{"User_Alias": UserAlias, "Runas_Alias": RunasAlias, "Host_Alias": HostAlias,
		"Cmnd_Alias": CommandAlias, "Cmd_Alias": CommandAlias}
}

func (p *parser) line() error {
	p.skip()
	if p.end() {
		return nil
	}
	rest := p.text[p.pos:]
	if after, ok := strings.CutPrefix(rest, "Defaults"); ok && after != "" && strings.IndexByte(blanks+"@:!>", after[0]) >= 0 {
		p.pos += len("Defaults")
		return p.defaults()
	}
	if i := strings.IndexAny(rest, blanks); i > 0 {
		if kind, ok := aliasKinds()[rest[:i]]; ok {
			p.pos += i
			return p.aliases(kind)
		}
	}
	return p.rules()
}

var errTooMany = errors.New("there is too much of it")

const wordEnd = blanks + `>!=:,()`

// member reads one element of a list.
func (p *parser) member() (m Member, err error) {
	for p.take('!') {
		m.Not = !m.Not
	}
	p.skip()
	if p.end() {
		return m, errors.New("a name is missing")
	}
	quoted := p.peek() == '"' // quotes go around the mark, too
	if quoted {
		p.pos++
	}
	var marked bool
	m.Kind, marked = p.mark()
	if !quoted && marked && p.peek() == '"' {
		return m, errors.New("quotes go around the whole name")
	}
	start, ok := p.pos, false
	if quoted {
		m.Name, ok = p.toQuote()
	} else {
		m.Name, ok = p.word(wordEnd)
	}
	if addr := ipv6(p.text[start:]); !quoted && !marked && addr != "" { // its colons need no backslash
		m.Name, ok = addr, true
		p.pos = start + len(addr)
	}
	if !ok {
		return m, fmt.Errorf("a name is missing at %q", clip(p.text[min(p.pos, len(p.text)):]))
	}
	if !marked && m.Name == "ALL" {
		m.Kind = All
	}
	return m, nil
}

// mark passes over what says what kind of name follows. "%:name" has a ":" in it.
func (p *parser) mark() (kind Kind, marked bool) {
	for _, known := range []struct {
		mark string
		kind Kind
	}{{"%:#", Foreign}, {"%:", Foreign}, {"%#", GroupID}, {"%", Group}, {"+", Netgroup}, {"#", ID}} {
		if strings.HasPrefix(p.text[p.pos:], known.mark) {
			p.pos += len(known.mark)
			return known.kind, true
		}
	}
	return Word, false
}

// ipv6 is the IPv6 address or network that s begins with.
func ipv6(s string) string {
	n := len(s) - len(strings.TrimLeft(s, "0123456789abcdefABCDEF:./"))
	addr, bits, _ := strings.Cut(s[:n], "/")
	if ip, err := netip.ParseAddr(addr); err != nil || !ip.Is6() || strings.Trim(bits, "0123456789") != "" {
		return ""
	}
	return s[:n]
}

func clip(s string) string { return s[:min(len(s), 32)] }

func (p *parser) members() (list []Member, err error) {
	for {
		m, err := p.member()
		if err != nil {
			return nil, err
		}
		if list = append(list, m); len(list) > maxExpanded {
			return nil, errTooMany
		}
		if !p.take(',') {
			return list, nil
		}
	}
}

// finish is the error of what should not follow.
func (p *parser) finish() error {
	if p.skip(); !p.end() {
		return fmt.Errorf("%q is not expected", clip(p.text[p.pos:]))
	}
	return nil
}

func (p *parser) aliases(kind AliasKind) error {
	for {
		p.skip()
		name, ok := p.word(wordEnd)
		if !ok || !aliasName(name) {
			return errors.New("an alias needs a name in capitals")
		}
		if name == "ALL" {
			return errors.New("ALL is no name for an alias")
		}
		if !p.take('=') {
			return fmt.Errorf("the alias %s has no value", name)
		}
		a := Alias{Place: p.place}
		var err error
		if kind == CommandAlias {
			a.Commands, err = p.commands()
		} else {
			a.Members, err = p.members()
		}
		if err != nil {
			return err
		}
		if _, twice := p.config.Aliases[AliasKey{kind, name}]; twice {
			return fmt.Errorf("the alias %s is there already", name)
		}
		p.config.Aliases[AliasKey{kind, name}] = a
		if !p.take(':') {
			return p.finish()
		}
	}
}

// aliasName reports whether a word can be an alias.
func aliasName(s string) bool {
	return s != "" && s[0] >= 'A' && s[0] <= 'Z' && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

func (p *parser) commands() (list []Command, err error) {
	for {
		c, err := p.command()
		if err != nil {
			return nil, err
		}
		if list = append(list, c); len(list) > maxExpanded {
			return nil, errTooMany
		}
		if !p.take(',') {
			return list, nil
		}
	}
}

// rules reads who may do what.
func (p *parser) rules() error {
	users, err := p.members()
	if err != nil {
		return err
	}
	for {
		hosts, err := p.members()
		if err != nil {
			return err
		}
		if !p.take('=') {
			return errors.New(`"=" is missing after the hosts`)
		}
		if err := p.specs(users, hosts); err != nil {
			return err
		}
		if !p.take(':') {
			return p.finish()
		}
	}
}

// specs reads commands with what comes before them. What holds for one holds for the
// next.
func (p *parser) specs(users, hosts []Member) error {
	r := Rule{Place: p.place, Users: users, Hosts: hosts}
	for {
		if p.take('(') {
			if err := p.runas(&r); err != nil {
				return err
			}
		}
		if err := p.prefixes(&r); err != nil {
			return err
		}
		var err error
		if r.Command, err = p.command(); err != nil {
			return err
		}
		if p.config.Rules = append(p.config.Rules, r); len(p.config.Rules) > maxRules {
			return errTooMany
		}
		if !p.take(',') {
			return nil
		}
	}
}

func (p *parser) runas(r *Rule) (err error) {
	r.RunUsers, r.RunGroups = nil, nil
	if p.skip(); p.peek() != ':' && p.peek() != ')' {
		if r.RunUsers, err = p.members(); err != nil {
			return err
		}
	}
	if p.take(':') {
		if p.skip(); p.peek() != ')' {
			if r.RunGroups, err = p.members(); err != nil {
				return err
			}
		}
	}
	if !p.take(')') {
		return errors.New(`")" is missing after whom to run as`)
	}
	if r.RunUsers == nil && r.RunGroups == nil {
		r.RunUsers = []Member{} // "()" and "(:)" are the user's own: not root
	}
	return nil
}

func tags() []string {
	return []string{"PASSWD", "NOPASSWD", "EXEC", "NOEXEC", "SETENV", "NOSETENV", "LOG_INPUT", "NOLOG_INPUT", "LOG_OUTPUT",
		"NOLOG_OUTPUT", "MAIL", "NOMAIL", "FOLLOW", "NOFOLLOW", "INTERCEPT", "NOINTERCEPT"}
}

func options() []string {
	return []string{"ROLE", "TYPE", "PRIVS", "LIMITPRIVS", "APPARMOR_PROFILE", "CWD", "CHROOT", "NOTBEFORE", "NOTAFTER", "TIMEOUT"}
}

// prefixes reads options and tags.
func (p *parser) prefixes(r *Rule) error {
	for {
		p.skip()
		rest := p.text[p.pos:]
		n := len(rest) - len(strings.TrimLeft(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
		name := rest[:n]
		after := strings.TrimLeft(rest[n:], blanks)
		switch {
		case strings.HasPrefix(after, ":") && slices.Contains(tags(), name):
			p.pos = len(p.text) - len(after) + 1
			r.Tags = with(r.Tags, name)
		case strings.HasPrefix(after, "=") && slices.Contains(options(), name):
			p.pos = len(p.text) - len(after) + 1
			p.skip()
			value, ok := p.word(blanks + ",:=()")
			if !ok {
				return fmt.Errorf("%s has no value", name)
			}
			r.Options = maps.Clone(r.Options)
			if r.Options == nil {
				r.Options = map[string]string{}
			}
			r.Options[name] = value
		default:
			return nil
		}
	}
}

// with returns the tags with one more, and without its opposite.
func with(t map[string]bool, name string) map[string]bool {
	out := maps.Clone(t)
	if out == nil {
		out = map[string]bool{}
	}
	if opposite, ok := strings.CutPrefix(name, "NO"); ok {
		delete(out, opposite)
	} else {
		delete(out, "NO"+name)
	}
	out[name] = true
	return out
}

// command reads a command with its arguments.
func (p *parser) command() (c Command, err error) {
	for p.take('!') {
		c.Not = !c.Not
	}
	for p.digest(&c) {
	}
	p.skip()
	rest := p.text[p.pos:]
	if strings.HasPrefix(rest, "^") {
		return c, p.regular(&c)
	}
	word := p.commandWord()
	switch {
	case word == "ALL":
		c.All = true
		return c, nil
	case aliasName(word):
		c.Alias = word
		return c, nil
	case !strings.HasPrefix(word, "/") && word != "sudoedit" && word != "list":
		return c, fmt.Errorf("%q is no command", clip(rest))
	}
	c.Path = plain(word)
	c.Args, err = p.args()
	if err == nil && c.Args != "" && strings.HasSuffix(c.Path, "/") {
		err = errors.New("a directory takes no arguments")
	}
	return c, err
}

// commandWord reads the command itself; a backslash keeps the character after it.
func (p *parser) commandWord() string {
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte(blanks+",:=", p.text[p.pos]) < 0 && !p.end() {
		if p.text[p.pos] == '\\' {
			p.pos++
		}
		if p.pos < len(p.text) {
			p.pos++
		}
	}
	return p.text[start:p.pos]
}

// plain takes backslashes away that keep sudo from reading a character as its own.
func plain(s string) string {
	return strings.NewReplacer(`\,`, ",", `\:`, ":", `\=`, "=", `\#`, "#", `\ `, " ").Replace(s)
}

// args reads up to what cannot be in arguments.
func (p *parser) args() (string, error) {
	p.skip()
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte(",:", p.text[p.pos]) < 0 && p.text[p.pos] != '#' {
		if p.text[p.pos] == '\\' {
			p.pos++
		}
		if p.pos < len(p.text) {
			p.pos++
		}
	}
	if p.pos < len(p.text) && p.text[p.pos] == '#' && !p.end() {
		return "", errors.New(`"#" in arguments needs a backslash`)
	}
	return plain(strings.Join(strings.Fields(p.text[start:p.pos]), " ")), nil
}

// digest passes over a digest before a command, if one is there.
func (p *parser) digest(c *Command) bool {
	p.skip()
	rest := p.text[p.pos:]
	for _, kind := range []string{"sha224", "sha256", "sha384", "sha512"} {
		after, ok := strings.CutPrefix(rest, kind)
		if after = strings.TrimLeft(after, blanks); !ok || !strings.HasPrefix(after, ":") {
			continue
		}
		after = strings.TrimLeft(after[1:], blanks)
		n := strings.IndexAny(after, blanks+",")
		if n <= 0 || !digestLength(kind, after[:n]) {
			return false
		}
		c.Digest = kind + ":" + after[:n]
		p.pos = len(p.text) - len(after) + n
		p.take(',')
		return true
	}
	return false
}

// digestLength reports whether a digest is as long as its kind, in hexadecimal or
// base64.
func digestLength(kind, digest string) bool {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/="
	if strings.Trim(digest, digits) != "" {
		return false
	}
	n := map[string]int{"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}[kind]
	bare := len(strings.TrimRight(digest, "="))
	return len(digest) == 2*n || len(digest) == (n+2)/3*4 || bare == (n*4+2)/3
}

// regular reads a command that is a regular expression, "^…$", with arguments that
// may be one too.
func (p *parser) regular(c *Command) error {
	for part := 0; part < 2; part++ {
		rest := p.text[p.pos:]
		if part == 1 && !strings.HasPrefix(rest, "^") {
			var err error
			c.Args, err = p.args()
			return err
		}
		n := 0
		for n = 1; n < len(rest) && (rest[n] != '#' || rest[n-1] == '\\'); n++ {
			if rest[n] == '$' && rest[n-1] != '\\' && (n+1 == len(rest) || strings.IndexByte(blanks+",:", rest[n+1]) >= 0) {
				break
			}
		}
		if n >= len(rest) || rest[n] == '#' {
			return errors.New("a regular expression has no end")
		}
		if part == 0 {
			c.Path = rest[:n+1]
		} else {
			c.Args = rest[:n+1]
		}
		p.pos += n + 1
		p.skip()
	}
	return nil
}
