package sysctlconf

import (
	"bytes"
	"path"
	"strings"

	"seawall/pkg/text"
)

// Setting is one line of a file.
type Setting struct {
	Key    string // as /proc/sys has it: "net/ipv4/ip_forward"; of a pattern the pattern
	Value  string
	Except bool // "-key" without a value: patterns leave it alone
	File   string
	Line   int
	Raw    string // the whole line, cleaned
}

const maxSettings = 20000 // of all files

// Parse reads the text of one file. What is no assignment is passed over, as
// systemd does after a message. Of a file with more than maxSettings it returns one
// more than these, so that [Config.Add] can tell.
func Parse(file string, b []byte) []Setting {
	var all []Setting
	number := 1
	for len(b) > 0 && len(all) <= maxSettings {
		line, rest := cut(b)
		if s, ok := parseLine(line); ok {
			s.File, s.Line, s.Raw = file, number, text.Clean(bytes.TrimSpace(line), text.Limit)
			all = append(all, s)
		}
		number += bytes.Count(b[:len(b)-len(rest)], []byte{'\n'})
		b = rest
	}
	return all
}

// cut splits off the first line. Its end is a newline, a carriage return, a zero,
// or several of them, each once, a zero last: read_line of systemd.
func cut(b []byte) (line, rest []byte) {
	end := bytes.IndexAny(b, "\n\r\x00")
	if end < 0 {
		return b, nil
	}
	seen, i := "", end
	for i < len(b) && strings.IndexByte("\n\r\x00", b[i]) >= 0 && strings.IndexByte(seen, b[i]) < 0 && !strings.Contains(seen, "\x00") {
		seen += string(b[i])
		i++
	}
	return b[:end], b[i:]
}

const blank = " \t\n\r"

func parseLine(b []byte) (s Setting, ok bool) {
	line := strings.Trim(string(b), blank)
	if line == "" || line[0] == '#' || line[0] == ';' {
		return s, false
	}
	key, value, assigned := strings.Cut(line, "=")
	key, minus := strings.CutPrefix(key, "-")
	if !assigned && !minus {
		return s, false
	}
	return Setting{Key: Normalize(strings.Trim(key, blank)), Value: strings.Trim(value, blank), Except: !assigned}, true
}

// Normalize returns a key as /proc/sys has it: "net/ipv4/ip_forward" of
// "net.ipv4.ip_forward" and of "/net//ipv4/ip_forward/".
func Normalize(key string) string {
	if i := strings.IndexAny(key, "/."); i >= 0 && key[i] == '.' {
		key = strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, key)
	}
	// Empty and "." parts go, ".." stays (and is refused by the kernel's side).
	parts := strings.Split(key, "/")
	kept := parts[:0]
	for _, p := range parts {
		if p != "" && p != "." {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "/")
}

// pattern reports whether a key stands for several.
func pattern(key string) bool { return strings.ContainsAny(key, "*?[") }

// match reports whether a pattern stands for key.
func match(pat, key string) bool {
	if plain := pat[:strings.IndexAny(pat+"*", "*?[{\\")]; !strings.HasPrefix(key, plain) {
		return false // which most are
	}
	for _, p := range braces(pat) {
		if ok, err := path.Match(bracket(p), key); err == nil && ok {
			return true
		}
	}
	return false
}

// bracket turns a negation as glob(7) writes it into path.Match's.
func bracket(p string) string { return strings.ReplaceAll(p, "[!", "[^") }

const maxBraces = 256

// braces expands {a,b} as glob(3) does with GLOB_BRACE. A brace that is not
// closed, and "{}", stand for themselves.
func braces(pat string) []string {
	list := []string{pat}
	for i := 0; i < len(list) && len(list) < maxBraces; {
		open, parts, end := alternatives(list[i])
		if parts == nil {
			i++
			continue
		}
		var more []string
		for _, p := range parts {
			more = append(more, list[i][:open]+p+list[i][end:])
		}
		list = append(append(list[:i:i], more...), list[i+1:]...)
	}
	return list[:min(len(list), maxBraces)]
}

// alternatives finds the first brace of s that has alternatives: where it opens,
// what is in it, and where it ends.
func alternatives(s string) (open int, parts []string, end int) {
	for open = 0; open < len(s); open++ {
		if s[open] != '{' || strings.HasPrefix(s[open:], "{}") {
			continue
		}
		depth, from := 0, open+1
		parts = nil
		for i := open + 1; i < len(s); i++ {
			switch {
			case s[i] == '{':
				depth++
			case s[i] == '}' && depth > 0:
				depth--
			case s[i] == '}':
				return open, append(parts, s[from:i]), i + 1
			case s[i] == ',' && depth == 0:
				parts, from = append(parts, s[from:i]), i+1
			}
		}
		return 0, nil, 0 // not closed
	}
	return 0, nil, 0
}
