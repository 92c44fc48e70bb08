package nevra

import "strings"

// Glob reports whether the pattern matches all of text: "*", "?", "[a-z]", "[!x]"
// and "\" in front of one of these. The time is bounded by the product of the
// lengths.
func Glob(pattern, text string) bool {
	if pattern == "*" || pattern == text && !strings.ContainsAny(pattern, `*?[\`) {
		return true
	}
	p, t := 0, 0
	star, from := -1, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			star, from = p, t
			p++
			continue
		}
		if n := one(pattern[p:], text[t]); n > 0 {
			p, t = p+n, t+1
			continue
		}
		if star < 0 {
			return false
		}
		from++
		p, t = star+1, from
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// one matches one byte and returns how much of the pattern that took, 0 when it
// does not match.
func one(pattern string, c byte) int {
	switch {
	case pattern == "":
		return 0
	case pattern[0] == '?':
		return 1
	case pattern[0] == '[':
		if n, ok := class(pattern, c); n > 0 {
			if ok {
				return n
			}
			return 0
		}
	case pattern[0] == '\\' && len(pattern) > 1:
		if pattern[1] == c {
			return 2
		}
		return 0
	}
	if pattern[0] == c {
		return 1
	}
	return 0
}

// class matches one byte with a "[...]" and returns its length, 0 when it is not
// closed and so no class.
func class(pattern string, c byte) (n int, ok bool) {
	i := 1
	not := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if not {
		i++
	}
	for first := i; i < len(pattern); i++ {
		if pattern[i] == ']' && i > first {
			return i + 1, ok != not
		}
		low := pattern[i]
		high := low
		if i+2 < len(pattern) && pattern[i+1] == '-' && pattern[i+2] != ']' {
			high = pattern[i+2]
			i += 2
		}
		ok = ok || low <= c && c <= high
	}
	return 0, false
}
