package bootcfg

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// grub reads GRUB's generated configuration where Debian and Red Hat keep it.
func (r *reader) grub() {
	for _, dir := range []string{"/boot/grub", "/boot/grub2"} {
		b := r.read(dir + "/grub.cfg")
		if b == nil {
			continue
		}
		r.found = append(r.found, dir+"/grub.cfg")
		r.grubs++
		r.env = environment(r.read(dir + "/grubenv"))
		r.script(dir+"/grub.cfg", string(b))
	}
}

// environment reads a GRUB environment block: 1024 bytes of name=value lines,
// filled up with "#".
func environment(b []byte) map[string]string {
	env := map[string]string{}
	for line := range bytes.Lines(b) {
		name, value, ok := strings.Cut(strings.TrimRight(string(line), "\n"), "=")
		if ok && !strings.HasPrefix(name, "#") {
			env[name] = strings.ReplaceAll(value, `\\`, `\`)
		}
	}
	return env
}

// block is an open "{" of a script.
type block struct {
	title string
	entry bool
}

// script goes through a grub.cfg. Conditions are not evaluated: every linux
// command in a menu entry counts, since any could be booted.
func (r *reader) script(file, text string) {
	var blocks []block
	number := 0
	for raw := range strings.SplitSeq(text, "\n") {
		number++
		line := strings.TrimSpace(raw)
		if line == "" || line[0] == '#' {
			continue
		}
		w := r.lex(line)
		if len(w) == 0 {
			continue
		}
		switch w[0] {
		case "menuentry", "submenu":
			title := ""
			if len(w) > 1 {
				title = w[1]
			}
			blocks = append(blocks, block{title, w[0] == "menuentry"})
			continue
		case "set":
			if len(w) > 1 {
				// Of kernelopts the script has a fallback only.
				if name, value, ok := strings.Cut(w[1], "="); ok && (name != "kernelopts" || r.env[name] == "") {
					r.env[name] = value
				}
			}
		case "blscfg":
			r.wants = true
		case "linux", "linux16", "linuxefi", "module", "module2":
			r.linux(file, number, strings.TrimSpace(raw), w, blocks)
		}
		blocks = nest(blocks, w)
	}
}

// nest opens and closes blocks for the braces that stand alone in a line.
func nest(blocks []block, w []string) []block {
	for i, word := range w {
		switch {
		case word == "}" && len(blocks) > 0:
			blocks = blocks[:len(blocks)-1]
		case word == "{" && i > 0:
			blocks = append(blocks, block{})
		}
	}
	return blocks
}

func (r *reader) linux(file string, number int, raw string, w []string, blocks []block) {
	if len(w) < 2 {
		return
	}
	kernel := path.Base(w[1])
	if strings.HasPrefix(kernel, "memtest") || strings.HasPrefix(w[0], "module") && !strings.HasPrefix(kernel, "vmlinu") {
		return
	}
	var titles []string
	for _, b := range blocks {
		if b.title != "" {
			titles = append(titles, b.title)
		}
	}
	title := strings.Join(titles, " > ")
	args := slices.Clone(w[2:])
	for i, a := range args {
		if strings.Contains(a, " ") {
			args[i] = `"` + a + `"` // as GRUB hands it over
		}
	}
	l := Line{Title: title, File: file, Line: number, Raw: raw}
	l.Recovery = strings.Contains(strings.ToLower(title), "recovery") || strings.Contains(strings.ToLower(title), "rescue")
	for _, word := range w[2:] {
		l.Recovery = l.Recovery || word == "single" || word == "recovery"
	}
	r.add(l, strings.Join(args, " "))
}

// lex splits a line of a GRUB script into words, with quotes removed and
// variables replaced. An unquoted variable splits at its white space, as GRUB
// does it. A trailing "{" is a word of its own; comments end the line.
func (r *reader) lex(line string) []string {
	var out []string
	var word strings.Builder
	open := false
	flush := func() {
		if open {
			out = append(out, word.String())
		}
		word.Reset()
		open = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == ';' || c == '\r':
			flush()
		case c == '#' && !open:
			return out
		case c == '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				end = len(line) - i - 1
			}
			word.WriteString(line[i+1 : i+1+end])
			open, i = true, i+1+end
		case c == '"':
			text, n := r.double(line[i+1:])
			word.WriteString(text)
			open, i = true, i+n
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			open = true
		case c == '$':
			value, n := r.variable(line[i+1:])
			i += n
			for j, part := range strings.Fields(value) {
				if j > 0 {
					flush()
				}
				word.WriteString(part)
				open = true
			}
		default:
			word.WriteByte(c)
			open = true
		}
	}
	flush()
	return out
}

// double reads what stands in double quotes and returns it with its length, the
// closing quote included.
func (r *reader) double(s string) (string, int) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return out.String(), i + 1
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`"\$`, s[i+1]) >= 0:
			i++
			out.WriteByte(s[i])
		case c == '$':
			value, n := r.variable(s[i+1:])
			out.WriteString(value)
			i += n
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), len(s)
}

// variable returns the value of the variable that s begins with, the "$" already
// taken, and the length of its name in s.
func (r *reader) variable(s string) (value string, n int) {
	if strings.HasPrefix(s, "{") {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return "", len(s)
		}
		return r.value(s[1:end]), end + 1
	}
	for n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	return r.value(s[:n]), n
}

// Limits of what variables may stand for: a few lines that double one another would
// fill the memory.
const (
	maxValue = 16 << 10 // a kernel takes no command line of this length
	maxSpent = 16 << 20 // of all
)

// value returns the value of a variable, cut where it is longer than anything could
// use.
func (r *reader) value(name string) string {
	value := r.env[name]
	value = value[:min(len(value), maxValue, max(maxSpent-r.spent, 0))]
	r.spent += len(value)
	if len(value) < len(r.env[name]) && !slices.Contains(r.notes, tooLong) {
		r.notes = append(r.notes, tooLong)
	}
	return value
}

const tooLong = "variables stand for more than is read"
