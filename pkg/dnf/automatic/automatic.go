// Package automatic reads automatic.conf, the configuration of dnf-automatic and of
// dnf5 automatic: an INI file with the options that decide in section "commands".
// Which files count and what is their default is the caller's matter.
package automatic

import "strings"

// Bool is what libdnf takes an option for, which is no boolean where ok is false.
func Bool(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "1", "yes", "true", "on":
		return true, true
	case "0", "no", "false", "off":
		return false, true
	}
	return false, false
}

// Option is one option and where it stands.
type Option struct {
	Section, Key, Value string
	Line                int
}

// Parse reads an INI file as libdnf's IniParser does: a line that begins with a
// blank goes on with the value before it, # and ; begin a comment at the start of
// a line alone.
func Parse(b []byte) []Option {
	var all []Option
	section, number := "", 0
	open := false // a value that may go on
	for line := range strings.Lines(string(b)) {
		number++
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case line == "":
			open = false
		case line[0] == '#' || line[0] == ';':
		case line[0] == ' ' || line[0] == '\t':
			if open {
				all[len(all)-1].Value += "\n" + strings.TrimSpace(line)
			}
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			section, open = name, false
		default:
			key, value, ok := strings.Cut(line, "=")
			if open = ok; ok {
				all = append(all, Option{section, strings.TrimSpace(key), strings.TrimSpace(value), number})
			}
		}
	}
	return all
}
