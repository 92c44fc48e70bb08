// Package origin reads which archives unattended-upgrade may install from: its
// Allowed-Origins ("${distro_id}:${distro_codename}-security") and Origins-Pattern
// ("origin=Debian,label=Debian-Security"), as the program itself does.
//
// It follows get_allowed_origins_legacy, get_allowed_origins, substitute and
// match_whitelist_string of unattended-upgrade, Python's string.Template and its
// fnmatch. An entry that the program would end on (an unknown name or variable, a
// stray dollar) is no pattern at all.
package origin

import (
	"regexp"
	"slices"
	"strings"
)

// Archive is one component of an archive, by the names that patterns use: origin,
// label, archive, codename, component and site. What is not known of it is missing:
// a pattern that asks for it cannot be judged.
type Archive map[string]string

// String names the archive for people.
func (a Archive) String() string {
	words := a["origin"] + " " + a["label"]
	if a["archive"] != "" {
		words = a["origin"] + " " + a["archive"]
	}
	return strings.TrimSpace(words + " " + a["component"])
}

// Distribution is what lsb_release says; ${distro_id} and ${distro_codename} stand
// for it.
type Distribution struct{ ID, Codename string }

// LSB is the distribution by the text of /etc/lsb-release, which lsb_release prefers
// to os-release.
func (d Distribution) LSB(b []byte) Distribution {
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch name {
		case "DISTRIB_ID":
			d.ID = value
		case "DISTRIB_CODENAME":
			d.Codename = value
		}
	}
	return d
}

// maxEntry bounds an entry, which becomes a hundred times as large as an expression.
// A longer one is no pattern.
const maxEntry = 4 << 10

// Pattern is an allowed origin, its variables expanded.
type Pattern struct {
	fields [][2]string // name and glob
}

// Allowed reads an entry of Allowed-Origins: "id:archive" or "id archive", where "\:"
// is a colon. unattended-upgrade makes an entry of Origins-Pattern of it.
func Allowed(s string, d Distribution) (Pattern, bool) {
	if len(s) > maxEntry {
		return Pattern{}, false
	}
	const colon = "\x00"
	parts := strings.Split(strings.ReplaceAll(s, `\:`, colon), ":")
	if len(parts) == 1 {
		parts = strings.Fields(s)
	}
	if len(parts) != 2 {
		return Pattern{}, false
	}
	comma := regexp.MustCompile(`([^\\]),`)
	var words [2]string
	for i, escaped := range []string{":", `\:`} { // it takes "\:" for a colon in the id alone
		part := strings.ReplaceAll(strings.ReplaceAll(parts[i], `\:`, ":"), colon, escaped)
		part, ok := d.substitute(comma.ReplaceAllString(part, `$1\,`))
		if !ok {
			return Pattern{}, false
		}
		words[i] = part
	}
	return d.fields("o=" + words[0] + ",a=" + words[1])
}

// Parse reads an entry of Origins-Pattern: "name=glob,…", where "\," is a comma. An
// empty one matches nothing.
func Parse(s string, d Distribution) (Pattern, bool) {
	if len(s) > maxEntry {
		return Pattern{}, false
	}
	s, ok := d.substitute(s)
	if !ok {
		return Pattern{}, false
	}
	if s = strings.TrimSpace(s); s == "" {
		return Pattern{}, true
	}
	return d.fields(s)
}

// fields takes an entry apart. Variables are expanded in what is left, once more.
func (d Distribution) fields(s string) (p Pattern, ok bool) {
	const comma = "\x00"
	names := map[string]string{"o": "origin", "origin": "origin", "l": "label", "label": "label", "a": "archive", "suite": "archive",
		"archive": "archive", "c": "component", "component": "component", "site": "site", "n": "codename", "codename": "codename"}
	for token := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(s), `\,`, comma), ",") {
		parts := strings.Split(token, "=")
		if len(parts) != 2 || names[strings.TrimSpace(parts[0])] == "" {
			return Pattern{}, false
		}
		value, ok := d.substitute(strings.ReplaceAll(strings.TrimSpace(parts[1]), comma, ","))
		if !ok {
			return Pattern{}, false
		}
		p.fields = append(p.fields, [2]string{names[strings.TrimSpace(parts[0])], value})
	}
	return p, true
}

// variable is what Python's string.Template takes for one.
func variable() *regexp.Regexp {
	return regexp.MustCompile(`\$(?:(\$)|([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)\}|)`)
}

// substitute expands ${distro_id} and ${distro_codename}. An unknown variable or a
// stray dollar stops unattended-upgrade.
func (d Distribution) substitute(s string) (string, bool) {
	if !strings.Contains(s, "$") {
		return s, true
	}
	ok := true
	v := variable()
	s = v.ReplaceAllStringFunc(s, func(match string) string {
		m := v.FindStringSubmatch(match)
		switch m[2] + m[3] {
		case "distro_id":
			return d.ID
		case "distro_codename":
			return d.Codename
		}
		ok = ok && m[1] != ""
		return m[1]
	})
	return s, ok
}

// Matches compares as fnmatch does. sure is false where the archive lacks what the
// pattern asks for.
func (p Pattern) Matches(of Archive) (ok, sure bool) {
	sure = true
	for _, f := range p.fields {
		have, known := of[f[0]]
		switch {
		case !known:
			sure = sure && f[1] == "*"
		case !fnmatch(f[1], have):
			return false, true
		}
	}
	return sure && len(p.fields) > 0, sure
}

// fnmatch is Python's: *, ?, [seq] and [!seq] over the whole text, no escapes.
func fnmatch(glob, name string) bool {
	pattern := []rune(glob)
	var re strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			re.WriteString(`.*`)
		case '?':
			re.WriteString(`.`)
		case '[':
			end := slices.Index(pattern[min(i+2, len(pattern)):], ']')
			if end < 0 {
				re.WriteString(`\[`)
				continue
			}
			end += i + 2
			re.WriteString(class(string(pattern[i+1 : end])))
			i = end
		default:
			re.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	whole, err := regexp.Compile(`(?s)\A(?:` + re.String() + `)\z`)
	return err == nil && whole.MatchString(name)
}

// class makes the inner part of a [seq] one of a regular expression.
func class(set string) string {
	set, not := strings.CutPrefix(set, "!")
	set = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(set)
	if not {
		return "[^" + set + "]"
	}
	return "[" + set + "]"
}
