package sigma

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// modifiers are those of one field, and make the tests of its values.
type modifiers struct {
	r     *reader
	at    *yaml.Node // the key
	what  string     // for errors
	field string

	all, neq, cased bool
	kind            string // re, cidr, lt, lte, gt, gte, exists, fieldref or ""
	flags           string // of re
	around          []string
	encode          []string // in order
}

// add takes the next modifier.
func (m *modifiers) add(name string) bool {
	switch name {
	case "all":
		m.all = true
	case "neq":
		m.neq = true
	case "cased":
		m.cased = true
	case "contains", "startswith", "endswith":
		m.around = append(m.around, name)
	case "re", "cidr", "lt", "lte", "gt", "gte", "exists", "fieldref":
		if m.kind != "" {
			return m.fail("modifiers %s and %s exclude each other", m.kind, name)
		}
		m.kind = name
	case "i", "m", "s":
		if m.kind != "re" {
			return m.fail("modifier %s goes after re only", name)
		}
		m.flags += name
	case "base64", "base64offset", "wide", "utf16le", "utf16be", "utf16", "windash":
		if len(m.around) > 0 {
			return m.fail("modifier %s goes before %s, as in %s|%s|%s", name, m.around[0], m.field, name, m.around[0])
		}
		m.encode = append(m.encode, name)
	case "expand":
		return m.fail("modifier expand: there is nothing here to fill placeholders such as %%servers%% from; write the values out")
	case "minute", "hour", "day", "week", "month", "year":
		return m.fail("modifier %s is not supported: events have no field of time here", name)
	default:
		return m.fail("modifier %q is not known; use contains, startswith, endswith, all, neq, cased, re (i, m, s), cidr, lt, lte, gt, gte, "+
			"exists, fieldref, base64, base64offset, wide, utf16le, utf16be, utf16 or windash", name)
	}
	return true
}

func (m *modifiers) fail(format string, args ...any) bool {
	m.r.fail(m.at, "%s: %s", m.what, fmt.Sprintf(format, args...))
	return false
}

// fit reports whether the modifiers go together.
func (m *modifiers) fit() bool {
	keyword := m.field == ""
	if last := len(m.encode) - 1; last >= 0 && (strings.HasPrefix(m.encode[last], "utf16") || m.encode[last] == "wide") {
		return m.fail("%s goes before base64 or base64offset, as in %s|base64offset|contains; no field holds UTF-16 itself", m.encode[last], m.encode[last])
	}
	switch {
	case len(m.around) > 1:
		return m.fail("modifiers %s and %s exclude each other", m.around[0], m.around[1])
	case m.kind != "" && m.kind != "fieldref" && len(m.around) > 0:
		return m.fail("modifiers %s and %s exclude each other", m.kind, m.around[0])
	case m.kind != "" && m.kind != "fieldref" && m.cased:
		return m.fail("modifier cased is for text, not for %s", m.kind)
	case m.kind != "" && len(m.encode) > 0:
		return m.fail("modifiers %s and %s exclude each other", m.kind, m.encode[0])
	case keyword && m.kind != "" && m.kind != "re":
		return m.fail("modifier %s needs a field before it", m.kind)
	case keyword && (m.neq || len(m.around) > 0 && m.around[0] != "contains"):
		return m.fail("keywords are found anywhere in the event; only contains, all, cased, re and encodings fit them")
	}
	return true
}

// value makes the tests of a value, of which one must pass. Faults are told.
func (m *modifiers) value(n *yaml.Node) []Expr {
	e := Expr{Field: m.field, Line: n.Line, Cased: m.cased}
	if n.Kind != yaml.ScalarNode {
		m.r.fail(n, "%s: a value must be text, a number, true, false or null", m.what)
		return nil
	}
	if len(n.Value) > maxValue {
		m.r.fail(n, "%s: a value is longer than %d bytes", m.what, maxValue)
		return nil
	}
	var err error
	switch m.kind {
	case "exists":
		switch n.Value {
		case "true":
			e.Op = Exists
		case "false":
			e.Op = Absent
		default:
			err = fmt.Errorf("exists takes true or false, not %q", n.Value)
		}
	case "re":
		e.Op = Regexp
		e.Regexp, err = expression(n.Value, m.flags)
	case "cidr":
		e.Op = Within
		e.Network, err = network(n.Value)
	case "lt", "lte", "gt", "gte":
		e.Op = Compare
		e.Sign = map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[m.kind]
		e.Number, err = number(n.Value)
	case "fieldref":
		e.Op, e.Other = SameAs, n.Value
		e.Head = slices.Contains(m.around, "contains") || slices.Contains(m.around, "endswith")
		e.Tail = slices.Contains(m.around, "contains") || slices.Contains(m.around, "startswith")
		if n.Value == "" {
			err = fmt.Errorf("fieldref takes the name of a field")
		}
	default:
		return m.like(e, n)
	}
	if err != nil {
		m.r.fail(n, "%s: %v", m.what, err)
		return nil
	}
	return []Expr{e}
}

// like makes the tests of a text.
func (m *modifiers) like(e Expr, n *yaml.Node) []Expr {
	if n.Tag == "!!null" {
		if m.field == "" || len(m.around) > 0 || len(m.encode) > 0 {
			m.r.fail(n, "%s: null is a field that is not there, and goes with no keyword and no modifier of text", m.what)
			return nil
		}
		e.Op, e.Cased = Absent, false
		return []Expr{e}
	}
	text, err := scalar(n)
	if err != nil {
		m.r.fail(n, "%s: %v", m.what, err)
		return nil
	}
	forms := [][]Piece{pieces(text)}
	for _, name := range m.encode {
		if forms, err = recode(name, forms); err != nil {
			m.r.fail(n, "%s: %v", m.what, err)
			return nil
		}
	}
	head := m.field == "" || slices.Contains(m.around, "contains") || slices.Contains(m.around, "endswith")
	tail := m.field == "" || slices.Contains(m.around, "contains") || slices.Contains(m.around, "startswith")
	var tests []Expr
	for _, form := range forms {
		if head {
			form = append([]Piece{{Wild: '*'}}, form...)
		}
		if tail {
			form = append(form, Piece{Wild: '*'})
		}
		e.Op, e.Pattern = Like, join(form)
		tests = append(tests, e)
	}
	return tests
}

// scalar returns a value as text. Numbers are compared as they are written, so those
// that YAML writes in several ways are refused.
func scalar(n *yaml.Node) (string, error) {
	plain := strings.Trim(n.Value, "0123456789")
	switch n.Tag {
	case "!!int":
		if d := strings.TrimPrefix(n.Value, "-"); plain != "" && plain != "-" || len(d) > 1 && d[0] == '0' {
			return "", fmt.Errorf("the number %s can be written in several ways; write it decimal, or in quotes to compare with this text", n.Value)
		}
	case "!!float":
		if plain != "." && plain != "-." && strings.Trim(strings.TrimPrefix(n.Value, "-"), "0123456789.") != "" {
			return "", fmt.Errorf("the number %s can be written in several ways; write it decimal, or in quotes to compare with this text", n.Value)
		}
	case "!!binary":
		return "", fmt.Errorf("!!binary is not supported; use base64")
	}
	return n.Value, nil
}

// pieces splits text at its wildcards.
func pieces(text string) []Piece {
	var list []Piece
	var lit strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			if i+1 < len(text) && strings.IndexByte(`\*?`, text[i+1]) >= 0 {
				i++
			}
			lit.WriteByte(text[i])
		case '*', '?':
			list = append(list, Piece{Text: lit.String()}, Piece{Wild: c})
			lit.Reset()
		default:
			lit.WriteByte(c)
		}
	}
	return join(append(list, Piece{Text: lit.String()}))
}

// join drops what is empty and stars that follow stars.
func join(list []Piece) []Piece {
	var out []Piece
	for _, p := range list {
		last := len(out) - 1
		switch {
		case p.Wild == 0 && p.Text == "":
		case p.Wild == '*' && last >= 0 && out[last].Wild == '*':
		case p.Wild == 0 && last >= 0 && out[last].Wild == 0:
			out[last].Text += p.Text
		default:
			out = append(out, p)
		}
	}
	return out
}

// recode applies an encoding to all forms of a value.
func recode(name string, forms [][]Piece) ([][]Piece, error) {
	var out [][]Piece
	for _, form := range forms {
		if name == "windash" {
			dashed, err := windash(form)
			if err != nil {
				return nil, err
			}
			out = append(out, dashed...)
			continue
		}
		if len(form) != 1 || form[0].Wild != 0 {
			return nil, fmt.Errorf("%s takes a text that is not empty and has no wildcards; write \\* for a star", name)
		}
		for _, text := range encode(name, form[0].Text) {
			if text == "" {
				return nil, fmt.Errorf("%s: the text is too short to leave anything that is always the same", name)
			}
			out = append(out, []Piece{{Text: text}})
		}
	}
	return out, nil
}

func encode(name, text string) []string {
	switch name {
	case "base64":
		return []string{base64.StdEncoding.EncodeToString([]byte(text))}
	case "base64offset":
		var forms []string
		for shift := range 3 {
			full := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + text))
			from := []int{0, 2, 3}[shift]
			to := len(full) - []int{0, 3, 2}[(len(text)+shift)%3]
			forms = append(forms, full[min(from, to):to])
		}
		return forms
	}
	var b []byte
	if name == "utf16" {
		b = append(b, 0xff, 0xfe)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		if name == "utf16be" {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return []string{string(b)}
}

// maxDashes bounds the forms of a text: 5 to the power of it.
const maxDashes = 3

// windash returns a text with each dash or slash that begins a word in all forms.
func windash(form []Piece) ([][]Piece, error) {
	forms, dashes := [][]Piece{nil}, 0
	each := func(p Piece) {
		for i := range forms {
			forms[i] = append(forms[i], p)
		}
	}
	for _, p := range form {
		if p.Wild != 0 {
			each(p)
			continue
		}
		from, before := 0, ' '
		for i, c := range p.Text {
			next, _ := utf8.DecodeRuneInString(p.Text[i+utf8.RuneLen(c):])
			if isDash(c) && !isWord(before) && i+utf8.RuneLen(c) < len(p.Text) && isWord(next) {
				if dashes++; dashes > maxDashes {
					return nil, fmt.Errorf("windash: more than %d dashes that begin a word; split the text into several with all", maxDashes)
				}
				each(Piece{Text: p.Text[from:i]})
				forms = cross(forms)
				from = i + utf8.RuneLen(c)
			}
			before = c
		}
		each(Piece{Text: p.Text[from:]})
	}
	for i := range forms {
		forms[i] = join(forms[i])
	}
	return forms, nil
}

// cross returns all forms with each of the dashes behind them.
func cross(forms [][]Piece) [][]Piece {
	var out [][]Piece
	for _, f := range forms {
		for _, dash := range []string{"-", "/", "–", "—", "―"} {
			out = append(out, append(slices.Clone(f), Piece{Text: dash}))
		}
	}
	return out
}

func isDash(c rune) bool { return strings.ContainsRune("-/–—―", c) }

func isWord(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 && !isDash(c)
}

// network reads "10.0.0.0/8"; an address alone is a network of one.
func network(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no network; write it as 10.0.0.0/8 or fe80::/10", text)
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no network; write it as 10.0.0.0/8 or fe80::/10", text)
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q: write the network of IPv4 as such, as 10.0.0.0/8", text)
	}
	return p.Masked(), nil
}

// number checks that a number is decimal, as those of events must be.
func number(text string) (string, error) {
	if !regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,9})?$`).MatchString(text) {
		return "", fmt.Errorf("%q is no decimal number of at most 18 digits, such as 10 or 2.5", text)
	}
	return text, nil
}
