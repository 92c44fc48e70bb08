package apparmor

import (
	"slices"
	"strings"
)

// maxSteps bounds how long a pattern may be looked at.
const maxSteps = 1 << 16

// Match reports whether a pattern of AppArmor (apparmor.d(5), "Globbing") stands
// for a path: "*" and "?" for what is no "/", "**" for anything, "[…]" for one
// character, "{a,b}" for either. A pattern that takes too long matches nothing.
func Match(pattern, name string) bool {
	steps := maxSteps
	return match(pattern, name, &steps)
}

func match(p, s string, steps *int) bool {
	for p != "" {
		if *steps--; *steps < 0 {
			return false
		}
		switch p[0] {
		case '*':
			return star(p, s, steps)
		case '{':
			return either(p, s, steps)
		case '[':
			end := strings.IndexByte(p, ']')
			if end < 0 || s == "" || !class(p[1:end], s[0]) {
				return false
			}
			p, s = p[end+1:], s[1:]
			continue
		case '?':
			if s == "" || s[0] == '/' {
				return false
			}
		case '\\':
			if p = p[1:]; p == "" {
				return false
			}
			fallthrough
		default:
			if s == "" || p[0] != s[0] {
				return false
			}
		}
		p, s = p[1:], s[1:]
	}
	return s == ""
}

// either matches a pattern that begins with alternatives.
func either(p, s string, steps *int) bool {
	parts, rest, ok := alternatives(p)
	return ok && slices.ContainsFunc(parts, func(part string) bool { return match(part+rest, s, steps) })
}

// star matches a pattern that begins with "*" or "**".
func star(p, s string, steps *int) bool {
	rest := strings.TrimLeft(p, "*")
	deep := len(p)-len(rest) > 1
	for i := 0; ; i++ {
		if match(rest, s[i:], steps) {
			return true
		}
		if i == len(s) || s[i] == '/' && !deep {
			return false
		}
	}
}

// alternatives splits "{a,{b,c}}rest".
func alternatives(p string) (parts []string, rest string, ok bool) {
	depth, from := 0, 1
	for i := 1; i < len(p); i++ {
		switch {
		case p[i] == '\\':
			i++
		case p[i] == '{':
			depth++
		case p[i] == '}' && depth > 0:
			depth--
		case p[i] == '}':
			return append(parts, p[from:i]), p[i+1:], true
		case p[i] == ',' && depth == 0:
			parts, from = append(parts, p[from:i]), i+1
		}
	}
	return nil, "", false
}

// class reports whether a character is one of "a-z_" or, with "^", is none.
func class(set string, c byte) bool {
	set, not := strings.CutPrefix(set, "^")
	in := false
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			in = in || set[i] <= c && c <= set[i+2]
			i += 2
			continue
		}
		in = in || set[i] == c
	}
	return in != not
}
