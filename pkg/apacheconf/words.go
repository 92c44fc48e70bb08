package apacheconf

import (
	"path"
	"strconv"
	"strings"
)

// getWord takes the first word of a line, as ap_getword_conf does.
func getWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t\r\v\f")
	if s == "" {
		return "", ""
	}
	if quote := s[0]; quote == '"' || quote == '\'' {
		var b strings.Builder
		i := 1
		for ; i < len(s) && s[i] != quote; i++ {
			if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == quote) {
				i++
			}
			b.WriteByte(s[i])
		}
		return b.String(), strings.TrimLeft(s[min(i+1, len(s)):], " \t\r\v\f")
	}
	i := strings.IndexAny(s, " \t\r\v\f")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t\r\v\f")
}

// words divides a directive's arguments, variables resolved in each.
func (l *loader) words(s string) []string {
	out := []string{}
	for s != "" {
		var word string
		word, s = getWord(s)
		out = append(out, l.resolve(word))
	}
	return out
}

// resolve replaces each ${NAME} that is known. What it is replaced by is not
// looked at again.
func (l *loader) resolve(s string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "${")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, rest, closed := strings.Cut(after, "}")
		value, known := l.variables[name]
		if closed && known && b.Len()+len(value) <= maxWord {
			b.WriteString(value)
			s = rest
			continue
		}
		b.WriteString("${")
		s = after
	}
}

// maxWord bounds what variables may make of a word, since each can hold others.
const maxWord = 64 << 10

// builtin are the modules that are there without LoadModule: httpd's own, and those
// that Debian and Ubuntu build in.
func builtin() map[string]bool {
	m := map[string]bool{}
	for _, name := range []string{"core_module", "core.c", "http_module", "http_core.c", "so_module", "mod_so.c", "watchdog_module", "mod_watchdog.c",
		"log_config_module", "mod_log_config.c", "logio_module", "mod_logio.c", "version_module", "mod_version.c", "unixd_module", "mod_unixd.c"} {
		m[name] = true
	}
	return m
}

// loadModule notes a module under its name and its source's.
func (l *loader) loadModule(args []string) {
	if len(args) != 2 {
		return
	}
	l.modules[args[0]] = true
	source := strings.TrimSuffix(path.Base(args[1]), ".so")
	l.modules[source+".c"] = true
	if short, ok := strings.CutPrefix(source, "mod_mpm_"); ok {
		l.modules[short+".c"] = true
	}
}

// holds decides a condition.
func (l *loader) holds(kind, args string) bool {
	word, rest := getWord(args)
	word, not := strings.CutPrefix(word, "!")
	if kind == "ifversion" {
		return ifVersion(word, rest) != not
	}
	switch kind {
	case "ifmodule":
		return l.modules[word] != not
	case "ifdefine":
		return l.defined[word] != not
	case "iffile":
		if !strings.HasPrefix(word, "/") {
			word = path.Join(l.dir, word)
		}
		l.watch(path.Clean(word))
		_, err := l.root.Stat(word)
		return (err == nil) != not
	}
	return true
}

// ifVersion compares as mod_version does; a regular expression holds.
func ifVersion(op, version string) bool {
	if version == "" {
		op, version = "=", op
	}
	c := compareVersions([3]int{2, 4, 66}, strings.TrimSpace(version))
	switch op {
	case "=", "==":
		return c == 0 || strings.HasPrefix(version, "/")
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	}
	return true
}

// compareVersions compares as many parts as want has.
func compareVersions(have [3]int, want string) int {
	for i, part := range strings.SplitN(want, ".", 3) {
		n, err := strconv.Atoi(part)
		switch {
		case err != nil:
			return 0
		case have[i] != n:
			return have[i] - n
		}
	}
	return 0
}
