// Package text makes foreign bytes safe to keep and safe to print.
//
// What comes from a host (argv, file names, configuration values, messages of
// other programs) can hold newlines, terminal escapes, bidirectional overrides,
// invalid UTF-8 and megabytes. [Clean] bounds it and makes it valid UTF-8 once,
// where it enters a finding; [Terminal] escapes it each time it is printed to a
// terminal or a log. Pages are escaped by html/template, JSON by encoding/json.
package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limit is the longest text of one field of a finding, in bytes.
const Limit = 4096

// Clean returns b as valid UTF-8 of at most limit bytes: each invalid byte
// becomes \xNN, and what is cut is marked by "…" within the limit.
func Clean[T string | []byte](b T, limit int) string {
	const more = "…"
	if limit < len(more) {
		limit = len(more)
	}
	var out strings.Builder
	room := 0 // what of out leaves room for the mark
	for i := 0; i < len(b); {
		r, n := decode(b, i)
		piece := string(b[i : i+n])
		if r == utf8.RuneError && n == 1 {
			piece = `\x` + hex(b[i])
		}
		if out.Len()+len(piece) > limit {
			return out.String()[:room] + more
		}
		out.WriteString(piece)
		if out.Len() <= limit-len(more) {
			room = out.Len()
		}
		i += n
	}
	return out.String()
}

func decode[T string | []byte](b T, i int) (rune, int) {
	end := min(i+utf8.UTFMax, len(b))
	return utf8.DecodeRuneInString(string(b[i:end]))
}

func hex(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// Code is Terminal for a line of a script: tabs are four blanks, so that it can be pasted.
func Code(line string) string { return Terminal(strings.ReplaceAll(line, "\t", "    ")) }

// Terminal returns s with everything escaped that could steer a terminal, forge
// a line, reorder text or hide in it: controls (C0, C1, DEL), format characters
// (bidirectional controls, zero-width characters, tags), line and paragraph
// separators, and invalid UTF-8. Escapes are Go's.
func Terminal(s string) string {
	clean := true
	for i, r := range s {
		if unsafe(r) || r == utf8.RuneError && invalidAt(s, i) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var out strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && invalidAt(s, i):
			out.WriteString(`\x` + hex(s[i]))
		case unsafe(r):
			q := strconv.QuoteRuneToASCII(r)
			out.WriteString(q[1 : len(q)-1])
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func invalidAt(s string, i int) bool {
	_, n := utf8.DecodeRuneInString(s[i:])
	return n == 1
}

func unsafe(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
