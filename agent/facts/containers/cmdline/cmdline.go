// Package cmdline takes command lines apart: words and variables as systemd does in
// ExecStart= (systemd.service(5)), and flags as Docker and Kubernetes do (pflag).
package cmdline

import (
	"strings"

	"seawall/pkg/text"
)

const (
	maxName  = 512 // bytes of a flag in a fact
	maxFlags = 200
)

// Flag is one of a program's flags.
type Flag struct {
	Name, Value string
	Raw         string // as it stands
}

// Unquote takes the quotes off a value.
func Unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// Split splits a command line at blanks, quotes kept together (systemd.service(5)).
func Split(line string) []string {
	var words []string
	var word strings.Builder
	quote, in := rune(0), false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, in = c, true
		case c == ' ' || c == '\t':
			if in || word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteRune(c)
		}
	}
	if in || word.Len() > 0 {
		words = append(words, word.String())
	}
	return words
}

// Expand puts variables in: "$NAME" as a word of its own becomes several, "${NAME}"
// stays within one. more says that a word has more variables than are put in.
func Expand(words []string, env map[string]string) (out []string, more bool) {
	for _, w := range words {
		name, ok := strings.CutPrefix(w, "$")
		if ok && !strings.HasPrefix(name, "{") && !strings.HasPrefix(name, "$") {
			out = append(out, Split(env[name])...)
			continue
		}
		for i := 0; ; i++ {
			before, rest, ok := strings.Cut(w, "${")
			name, after, closed := strings.Cut(rest, "}")
			if !ok || !closed {
				break
			}
			if i == maxFlags {
				more = true
				break
			}
			w = before + env[name] + after
		}
		out = append(out, w)
	}
	return out, more
}

// Parse reads flags as pflag does: "--name=value", "--name value", "-H value",
// "-Hvalue". Those in booleans, between blanks, have no value after a blank. A flag
// that is followed by another, or by nothing, has no value. more says that there are
// more than are read.
func Parse(words []string, booleans string) (all []Flag, more bool) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		if len(w) < 2 || w[0] != '-' {
			continue
		}
		if len(all) == maxFlags {
			return all, true
		}
		f := Flag{Raw: text.Clean(w, maxName)}
		long, isLong := strings.CutPrefix(w, "--")
		var given bool
		switch {
		case isLong:
			f.Name, f.Value, given = strings.Cut(long, "=")
		default:
			f.Name, f.Value = w[1:2], strings.TrimPrefix(w[2:], "=")
			given = len(w) > 2
		}
		if !given && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") && !strings.Contains(booleans, " "+f.Name+" ") {
			i++
			f.Value = words[i]
			f.Raw = text.Clean(w+" "+f.Value, maxName)
		}
		all = append(all, f)
	}
	return all, false
}
