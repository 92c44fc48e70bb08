package bootcfg

import (
	"strings"
)

// bls reads Boot Loader Specification entries: type 1, drop-in files. They count
// when GRUB's configuration calls blscfg, or when there is no GRUB and so the
// loader is systemd-boot.
func (r *reader) bls() {
	for _, top := range []string{"/boot", "/efi", "/boot/efi"} {
		names := r.list(top+"/loader/entries", ".conf")
		if len(names) == 0 || r.grubs > 0 && !r.wants {
			continue
		}
		r.found = append(r.found, top+"/loader/entries")
		if r.env == nil {
			r.env = map[string]string{}
		}
		for _, name := range names {
			if b := r.read(name); b != nil {
				r.entry(name, string(b))
			}
		}
	}
}

// entry reads one entry. Options may stand in several lines, which are joined.
func (r *reader) entry(file, text string) {
	l := Line{File: file}
	var options, raw []string
	number, linux := 0, false
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value := line, ""
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			key, value = line[:i], strings.TrimSpace(line[i:])
		}
		switch key {
		case "title":
			l.Title = value
		case "linux":
			linux = true
		case "options":
			if l.Line == 0 {
				l.Line = number
			}
			raw = append(raw, line)
			options = append(options, strings.Join(r.expand(value), " "))
		}
	}
	if !linux {
		return // an EFI program, not a kernel
	}
	l.Raw = strings.Join(raw, "\n")
	l.Recovery = strings.Contains(strings.ToLower(l.Title), "rescue") || strings.Contains(file, "rescue")
	r.add(l, strings.Join(options, " "))
}

// expand replaces GRUB's variables in options, "$kernelopts" above all. Nothing
// else of a script has a meaning there.
func (r *reader) expand(s string) []string {
	var out []string
	for word := range strings.FieldsSeq(s) {
		if name, ok := strings.CutPrefix(word, "$"); ok {
			out = append(out, strings.Fields(r.value(strings.Trim(name, "{}")))...)
			continue
		}
		out = append(out, word)
	}
	return out
}
