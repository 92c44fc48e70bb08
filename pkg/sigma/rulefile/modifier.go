package rulefile

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/pattern"
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
		if len(m.around) > 0 && name != "windash" {
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

// fail notes a fault of the key, and returns false for those who report whether all is well.
func (m *modifiers) fail(format string, args ...any) bool {
	m.r.fail(m.at, "%s: %s", m.what, fmt.Sprintf(format, args...))
	return false
}

// fit reports whether the modifiers go together.
func (m *modifiers) fit() bool {
	text := m.kind == "" || m.kind == "fieldref"
	switch {
	case len(m.around) > 1:
		return m.fail("modifiers %s and %s exclude each other", m.around[0], m.around[1])
	case !text && len(m.around) > 0:
		return m.fail("modifiers %s and %s exclude each other", m.kind, m.around[0])
	case !text && m.cased:
		return m.fail("modifier cased is for text, not for %s", m.kind)
	case m.kind != "" && len(m.encode) > 0:
		return m.fail("modifiers %s and %s exclude each other", m.kind, m.encode[0])
	}
	if last := len(m.encode) - 1; last >= 0 && (strings.HasPrefix(m.encode[last], "utf16") || m.encode[last] == "wide") {
		return m.fail("%s goes before base64 or base64offset, as in %s|base64offset|contains; no field holds UTF-16 itself", m.encode[last], m.encode[last])
	}
	return m.field != "" || m.fitKeywords()
}

// fitKeywords reports whether the modifiers go with keywords, which have no field and
// are found anywhere.
func (m *modifiers) fitKeywords() bool {
	switch {
	case m.kind != "" && m.kind != "re":
		return m.fail("modifier %s needs a field before it", m.kind)
	case m.neq || len(m.around) > 0 && m.around[0] != "contains":
		return m.fail("keywords are found anywhere in the event; only contains, all, cased, re and encodings fit them")
	}
	return true
}

// head and tail report whether other text may go before and after a value.
func (m *modifiers) head() bool {
	return m.field == "" || slices.Contains(m.around, "contains") || slices.Contains(m.around, "endswith")
}

func (m *modifiers) tail() bool {
	return m.field == "" || slices.Contains(m.around, "contains") || slices.Contains(m.around, "startswith")
}

// value makes the tests of a value, of which one must pass. Faults are told.
func (m *modifiers) value(n *yaml.Node) []sigma.Expr {
	var tests []sigma.Expr
	var err error
	switch {
	case n.Kind != yaml.ScalarNode:
		err = fmt.Errorf("a value must be text, a number, true, false or null")
	case len(n.Value) > maxValue:
		err = fmt.Errorf("a value is longer than %d bytes", maxValue)
	case n.Tag == "!!null":
		tests, err = m.null(n)
	case m.kind == "":
		tests, err = m.like(n)
	default:
		e := sigma.Expr{Field: m.field, Line: n.Line, Cased: m.cased}
		err = m.typed(&e, n.Value)
		tests = []sigma.Expr{e}
	}
	if err != nil {
		m.r.fail(n, "%s: %v", m.what, err)
		return nil
	}
	return tests
}

// null makes the test of a field that is not there.
func (m *modifiers) null(n *yaml.Node) ([]sigma.Expr, error) {
	if m.field == "" || m.kind != "" || len(m.around) > 0 || len(m.encode) > 0 {
		return nil, fmt.Errorf("null is a field that is not there, and goes with no keyword and no modifier of values")
	}
	return []sigma.Expr{{Op: sigma.Absent, Field: m.field, Line: n.Line}}, nil
}

// typed makes the test of what is no text.
func (m *modifiers) typed(e *sigma.Expr, text string) (err error) {
	switch m.kind {
	case "exists":
		switch text {
		case "true":
			e.Op = sigma.Exists
		case "false":
			e.Op = sigma.Absent
		default:
			err = fmt.Errorf("exists takes true or false, not %q", text)
		}
	case "re":
		e.Op = sigma.Regexp
		e.Regexp, err = expression(text, m.flags)
	case "cidr":
		e.Op = sigma.Within
		e.Network, err = network(text)
	case "fieldref":
		e.Op, e.Other, e.Head, e.Tail = sigma.SameAs, text, m.head(), m.tail()
		if text == "" {
			err = fmt.Errorf("fieldref takes the name of a field")
		}
	default:
		e.Op = sigma.Compare
		e.Sign = map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[m.kind]
		e.Number, err = number(text)
	}
	return err
}

// like makes the tests of a text: one for each form that its encodings give it.
func (m *modifiers) like(n *yaml.Node) ([]sigma.Expr, error) {
	text, err := scalar(n)
	if err != nil {
		return nil, err
	}
	forms := [][]pattern.Piece{pattern.Split(text)}
	for _, name := range m.encode {
		if forms, err = pattern.Encode(name, forms); err != nil {
			return nil, err
		}
	}
	var tests []sigma.Expr
	for _, form := range forms {
		if m.head() {
			form = append([]pattern.Piece{{Wild: '*'}}, form...)
		}
		if m.tail() {
			form = append(form, pattern.Piece{Wild: '*'})
		}
		tests = append(tests, sigma.Expr{Op: sigma.Like, Field: m.field, Line: n.Line, Cased: m.cased, Pattern: pattern.Join(form)})
	}
	return tests, nil
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

// network reads "10.0.0.0/8"; an address alone is a network of one. Bits behind the
// prefix are cleared, as other engines do.
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
