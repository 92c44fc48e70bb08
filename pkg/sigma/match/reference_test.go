package match

import (
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/pattern"
)

// fields is an event for the reference: values by the name of the field.
type fields map[string][]string

// reference evaluates a rule as plainly as can be, sharing nothing with the matcher.
func reference(rule *sigma.Rule, e fields) (verdict bool, selections uint64) {
	for i := range rule.Selections {
		if evaluate(rule, &rule.Selections[i].Expr, e) {
			selections |= 1 << i
		}
	}
	return evaluate(rule, &rule.Condition, e), selections
}

func evaluate(rule *sigma.Rule, x *sigma.Expr, e fields) bool {
	one := func(arg sigma.Expr) bool { return evaluate(rule, &arg, e) }
	switch x.Op {
	case sigma.Selected:
		return evaluate(rule, &rule.Selections[x.Selection].Expr, e)
	case sigma.And:
		return !slices.ContainsFunc(x.Args, func(arg sigma.Expr) bool { return !one(arg) })
	case sigma.Or:
		return slices.ContainsFunc(x.Args, one)
	case sigma.Not:
		return !one(x.Args[0])
	case sigma.Exists:
		return len(e[x.Field]) > 0
	case sigma.Absent:
		return len(e[x.Field]) == 0
	}
	values := e[x.Field]
	if x.Field == "" {
		for _, more := range e {
			values = append(values, more...)
		}
	}
	return slices.ContainsFunc(values, func(v string) bool { return passes(x, v, e) })
}

func passes(x *sigma.Expr, v string, e fields) bool {
	switch x.Op {
	case sigma.Like:
		return like(x.Pattern, v, x.Cased)
	case sigma.Regexp:
		return regexp.MustCompile(x.Regexp).MatchString(v[:min(len(v), 32<<10)])
	case sigma.Within:
		v, _, _ = strings.Cut(v, "%")
		addr, err := netip.ParseAddr(v)
		return err == nil && x.Network.Contains(addr.Unmap())
	case sigma.Compare:
		if !regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,9})?$`).MatchString(v) {
			return false
		}
		a, _ := new(big.Rat).SetString(v)
		b, _ := new(big.Rat).SetString(x.Number)
		order := a.Cmp(b)
		return map[string]bool{"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[x.Sign]
	}
	return slices.ContainsFunc(e[x.Other], func(w string) bool {
		p := []pattern.Piece{{Text: w}}
		if x.Head {
			p = append([]pattern.Piece{{Wild: '*'}}, p...)
		}
		if x.Tail {
			p = append(p, pattern.Piece{Wild: '*'})
		}
		return like(p, v, x.Cased)
	})
}

// characters splits text into characters and bytes that are none.
func characters(text string) []string {
	var list []string
	for text != "" {
		_, size := utf8.DecodeRuneInString(text)
		list = append(list, text[:size])
		text = text[size:]
	}
	return list
}

// like fills the table of which beginnings of the pattern match which of the text.
func like(pattern []pattern.Piece, text string, cased bool) bool {
	var tokens []string // "" is a star, "\x00?" a single character
	for _, p := range pattern {
		switch p.Wild {
		case '*':
			tokens = append(tokens, "")
		case '?':
			tokens = append(tokens, "\x00?")
		default:
			tokens = append(tokens, characters(p.Text)...)
		}
	}
	chars := characters(text)
	row := make([]bool, len(chars)+1)
	row[0] = true
	for _, token := range tokens {
		next := make([]bool, len(row))
		for i := range next {
			switch {
			case token == "":
				next[i] = row[i] || i > 0 && next[i-1]
			case i > 0:
				next[i] = row[i-1] && (token == "\x00?" || equal(token, chars[i-1], cased))
			}
		}
		row = next
	}
	return row[len(chars)]
}

func equal(a, b string, cased bool) bool {
	return a == b || !cased && utf8.ValidString(a) && utf8.ValidString(b) && strings.EqualFold(a, b)
}
