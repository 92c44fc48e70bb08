package containers

import (
	"strings"

	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// flag is one of a program's flags and where it stands.
type flag struct {
	name, value string
	file        string
	line        int
	raw         string
}

// flagList is what a unit starts a program with.
type flagList struct {
	unit  string // the unit's fragment, "" where there is none
	flags []flag
}

// last returns the last flag of a name.
func (l flagList) last(name string) (found flag, ok bool) {
	for _, f := range l.flags {
		if f.name == name {
			found, ok = f, true
		}
	}
	return found, ok
}

// unitFlags reads the flags that a unit gives to a program, variables of its
// environment put in.
func (r *reader) unitFlags(unit, program string) flagList {
	for _, dir := range unitfile.Directories()[:1] {
		r.f.Meta.Depend(dir+"/"+unit, dir+"/"+unit+".d/")
	}
	u, err := unitfile.Load(r.root, unit)
	if err != nil || u.Masked {
		return flagList{}
	}
	out := flagList{unit: clean(u.Fragment)}
	env := r.environment(u)
	for _, s := range u.Values("Service", "ExecStart") {
		words := expand(split(s.Value), env)
		if len(words) > 0 && strings.HasSuffix(words[0], program) {
			out.flags = append(out.flags, parseFlags(words[1:], clean(s.File), s.Line)...)
		}
	}
	return out
}

// environment reads Environment= and EnvironmentFile= of a unit.
func (r *reader) environment(u *unitfile.Unit) map[string]string {
	env := map[string]string{}
	set := func(word string) {
		if name, value, ok := strings.Cut(word, "="); ok && len(env) < maxList {
			env[name] = value
		}
	}
	for _, s := range u.Values("Service", "Environment") {
		for _, word := range split(s.Value) {
			set(word)
		}
	}
	for _, s := range u.Values("Service", "EnvironmentFile") {
		name := strings.TrimPrefix(s.Value, "-")
		if !strings.HasPrefix(name, "/") {
			continue
		}
		r.f.Meta.Depend(clean(name))
		b, err := r.root.ReadFile(name, 0)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' || line[0] == ';' {
				continue
			}
			if name, value, ok := strings.Cut(line, "="); ok {
				set(name + "=" + unquote(value))
			}
		}
	}
	return env
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// split splits a command line at blanks, quotes kept together (systemd.service(5)).
func split(line string) []string {
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

// expand puts variables in: "$NAME" as a word of its own becomes several, "${NAME}"
// stays within one.
func expand(words []string, env map[string]string) []string {
	var out []string
	for _, w := range words {
		name, ok := strings.CutPrefix(w, "$")
		if ok && !strings.HasPrefix(name, "{") && !strings.HasPrefix(name, "$") {
			out = append(out, split(env[name])...)
			continue
		}
		for i := 0; i < maxList; i++ {
			before, rest, ok := strings.Cut(w, "${")
			name, after, closed := strings.Cut(rest, "}")
			if !ok || !closed {
				break
			}
			w = before + env[name] + after
		}
		out = append(out, w)
	}
	return out
}

// parseFlags reads flags as pflag does: "--name=value", "--name value", "-H value",
// "-Hvalue". A flag that is followed by another, or by nothing, has no value.
func parseFlags(words []string, file string, line int) []flag {
	var all []flag
	for i := 0; i < len(words) && len(all) < maxList; i++ {
		w := words[i]
		if len(w) < 2 || w[0] != '-' {
			continue
		}
		f := flag{file: file, line: line, raw: text.Clean(w, maxName)}
		long, isLong := strings.CutPrefix(w, "--")
		var given bool
		switch {
		case isLong:
			f.name, f.value, given = strings.Cut(long, "=")
		default:
			f.name, f.value = w[1:2], strings.TrimPrefix(w[2:], "=")
			given = len(w) > 2
		}
		if !given && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") && !strings.Contains(booleans, " "+f.name+" ") {
			i++
			f.value = words[i]
			f.raw = text.Clean(w+" "+f.value, maxName)
		}
		all = append(all, f)
	}
	return all
}
