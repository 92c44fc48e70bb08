package pattern

import (
	"slices"
	"strings"
)

// Known reports whether each name of a list is known; with wildcards, a pattern
// that some known name matches will do.
func Known(names string, known []string, wildcards bool) bool {
	if names == "" {
		return false
	}
	for name := range strings.SplitSeq(names, ",") {
		if name == "" {
			break // sshd looks no further
		}
		ok := slices.Contains(known, name)
		if !ok && wildcards {
			ok = slices.ContainsFunc(known, func(k string) bool { return List(k, name) != None })
		}
		if !ok {
			return false
		}
	}
	return true
}

// Select makes the list of algorithms that holds of what is configured: the list
// itself, or with "+" added to the default, with "-" taken from it, with "^" put
// before it. Patterns stand for the known names that they match. ok is false
// where nothing is left, and where a pattern is negated.
func Select(arg string, def, known []string) (list []string, ok bool) {
	if arg == "" {
		return def, true
	}
	var patterns []string
	switch rest := arg[1:]; arg[0] {
	case '-':
		return slices.DeleteFunc(def, func(name string) bool { return List(name, rest) == Matched }), true
	case '+':
		patterns = union(def, strings.Split(rest, ","))
	case '^':
		patterns = union(strings.Split(rest, ","), def)
	default:
		patterns = strings.Split(arg, ",")
	}
	var out []string
	for _, p := range patterns {
		if strings.HasPrefix(p, "!") {
			return nil, false
		}
		for _, name := range known {
			if List(name, p) == Matched {
				out = union(out, []string{name})
			}
		}
	}
	return out, len(out) > 0
}

// union appends to a what it has not, up to the first empty name of b.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, name := range b {
		if name == "" {
			break
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
