package pin

import (
	"regexp"
	"strings"
)

// maxPattern bounds a pattern, in bytes: names of packages, hosts and suites are
// much shorter.
const maxPattern = 1024

// expression is a pattern of apt's preferences: /a regular expression/, or a glob
// as fnmatch(3) has it, both without regard to case. The zero expression matches
// the empty string only.
type expression struct {
	literal string
	re      *regexp.Regexp
	never   bool // apt warns of a regular expression it cannot compile, and it matches nothing
}

func compile(pattern string) expression {
	var e expression
	n := len(pattern)
	switch {
	case n > maxPattern:
		e.never = true
	case n > 1 && pattern[0] == '/' && pattern[n-1] == '/':
		re, err := regexp.Compile("(?i)" + pattern[1:n-1])
		e.re, e.never = re, err != nil
	case strings.ContainsAny(pattern, `*?[\`):
		re, err := regexp.Compile("(?is)^" + fromGlob(pattern) + "$")
		e.re, e.never = re, err != nil
	default:
		e.literal = pattern
	}
	return e
}

// wild reports whether a name is a pattern rather than a name.
func wild(name string) bool {
	n := len(name)
	return n > 1 && name[0] == '/' && name[n-1] == '/' || strings.ContainsAny(name, "*?[")
}

func (e *expression) matches(s string) bool {
	switch {
	case e.never:
		return false
	case e.re != nil:
		return e.re.MatchString(s)
	}
	return strings.EqualFold(e.literal, s)
}

// fromGlob turns a glob into a regular expression.
func fromGlob(pattern string) string {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			out.WriteString(".*")
		case '?':
			out.WriteByte('.')
		case '\\':
			if i+1 < len(pattern) {
				i++
			}
			out.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case '[':
			class, n := bracket(pattern[i:])
			out.WriteString(class)
			i += n - 1
		default:
			out.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return out.String()
}

// bracket turns "[…]" at the start of s into a class, and says how long it was. One
// that is not closed stands for itself.
func bracket(s string) (class string, n int) {
	i := 1
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		i++
	}
	head := "["
	if i == 2 {
		head = "[^"
	}
	var body strings.Builder
	for first := true; i < len(s); first = false {
		switch rest := s[i:]; {
		case rest[0] == ']' && !first:
			return head + body.String() + "]", i + 1
		case strings.HasPrefix(rest, "[:") && strings.Contains(rest, ":]"):
			end := strings.Index(rest, ":]") + 2
			body.WriteString(rest[:end])
			i += end
			continue
		case rest[0] == '\\' && len(rest) > 1:
			i++
			body.WriteString(`\` + s[i:i+1])
		case strings.IndexByte(`[]\^&~`, rest[0]) >= 0:
			body.WriteString(`\` + rest[:1])
		default:
			body.WriteByte(rest[0])
		}
		i++
	}
	return `\[`, 1
}
