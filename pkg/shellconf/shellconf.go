// Package shellconf reads files of shell assignments, such as those of
// /etc/default, as far as that needs no shell: NAME=value, perhaps with quotes or
// "export" before it. Variables, commands and lines that go on are not
// understood, and stand in the value as they are.
package shellconf

import (
	"strings"

	"seawall/pkg/text"
)

const maxValue = 512 // bytes that are kept

// Setting is a value and where it stands.
type Setting struct {
	Value string
	Set   bool
	File  string
	Line  int
	Raw   string
}

// Last returns the last assignment of a name.
func Last(file string, b []byte, name string) (s Setting) {
	number := 0
	for line := range strings.SplitSeq(string(b), "\n") {
		number++
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(strings.TrimPrefix(key, "export ")) != name {
			continue
		}
		s = Setting{Value: text.Clean(unquote(strings.TrimSpace(value)), maxValue), Set: true, File: file, Line: number, Raw: text.Clean(line, maxValue)}
	}
	return s
}

// unquote takes a value out of its quotes, and a comment off it.
func unquote(s string) string {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if end := strings.IndexByte(s[1:], s[0]); end >= 0 {
			return s[1 : 1+end]
		}
	}
	if i := strings.Index(s, " #"); i >= 0 {
		s = s[:i]
	}
	return strings.Trim(strings.TrimSpace(s), `"'`)
}
