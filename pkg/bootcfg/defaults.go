package bootcfg

import (
	"strings"
)

// defaults reads what grub-mkconfig would make the next configuration of: the
// shell file /etc/default/grub and its drop-ins, in order. Only assignments are
// understood.
func (r *reader) defaults() {
	vars := map[string]string{}
	shell := &reader{env: vars}
	var at Line
	files := append([]string{"/etc/default/grub"}, r.list("/etc/default/grub.d", ".cfg")...)
	for _, file := range files {
		b := r.read(file)
		if b == nil {
			continue
		}
		number := 0
		for raw := range strings.SplitSeq(string(b), "\n") {
			number++
			name, value, ok := assignment(strings.TrimSpace(raw), shell)
			if !ok {
				continue
			}
			vars[name] = value
			if name != "GRUB_CMDLINE_LINUX" && name != "GRUB_CMDLINE_LINUX_DEFAULT" {
				continue
			}
			r.boot.DefaultsKnown = true
			// The place that sets an audit parameter, else the last there is.
			if strings.Contains(value, "audit") || !strings.Contains(at.Raw, "audit") {
				at = Line{File: file, Line: number, Raw: strings.TrimSpace(raw)}
			}
		}
	}
	if len(shell.notes) > 0 {
		r.boot.DefaultsKnown = false
	}
	if !r.boot.DefaultsKnown {
		return
	}
	text := strings.TrimSpace(vars["GRUB_CMDLINE_LINUX"] + " " + vars["GRUB_CMDLINE_LINUX_DEFAULT"])
	r.boot.Defaults = parseCommandLine(text)
	r.boot.Defaults.File, r.boot.Defaults.Line, r.boot.Defaults.Raw = at.File, at.Line, at.Raw
}

// assignment reads NAME=value or NAME+=value as a shell does, with the variables
// that r knows so far.
func assignment(line string, r *reader) (name, value string, ok bool) {
	line = strings.TrimPrefix(line, "export ")
	name, value, ok = strings.Cut(line, "=")
	if !ok || strings.HasPrefix(name, "#") || strings.ContainsAny(name, " \t'\"$`(){}") {
		return "", "", false
	}
	// A shell's quotes and variables are the same as GRUB's, except that an
	// assignment does not split.
	value = unquote(r, value)
	if plain, more := strings.CutSuffix(name, "+"); more {
		return plain, r.value(plain) + value, true
	}
	return name, value, true
}

func unquote(r *reader, s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return out.String() + s[i+1:]
			}
			out.WriteString(s[i+1 : i+1+end])
			i += 1 + end
		case c == '"':
			text, n := r.double(s[i+1:])
			out.WriteString(text)
			i += n
		case c == '$':
			value, n := r.variable(s[i+1:])
			out.WriteString(value)
			i += n
		case c == ' ' || c == '\t' || c == ';' || c == '#' && out.Len() == 0:
			return out.String()
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
