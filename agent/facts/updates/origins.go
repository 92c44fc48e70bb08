package updates

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"seawall/pkg/apt"
	"seawall/pkg/apt/conf"
	"seawall/pkg/text"
)

const (
	sourcesList = "/etc/apt/sources.list"
	listsDir    = "/var/lib/apt/lists/"
	lsbRelease  = "/etc/lsb-release"
)

// pocket is one component of a security pocket as unattended-upgrade sees it. What
// is not known is missing: a pattern that asks for it cannot be judged.
type pocket map[string]string

func (p pocket) String() string {
	words := p["origin"] + " " + p["label"]
	if p["archive"] != "" {
		words = p["origin"] + " " + p["archive"]
	}
	return strings.TrimSpace(words + " " + p["component"])
}

// origins asks whether unattended-upgrade may install what the security pockets
// offer.
func (r *reader) origins(tree *conf.Tree) {
	p := &r.f.Configured
	patterns, bad := r.patterns(tree)
	if bad != nil {
		p.see(bad.File, bad.Line, bad.String())
		p.answer(true, false, "unattended-upgrade cannot read %s", bad)
		return
	}
	pockets, err := r.pockets()
	if err != nil {
		p.answer(false, false, "%v", err)
		return
	}
	if len(pockets) == 0 {
		p.answer(false, false, "no security pocket is known for this host")
		return
	}
	for _, pocket := range pockets {
		known, covered := true, false
		for _, pattern := range patterns {
			switch ok, sure := pattern.matches(pocket); {
			case ok && !covered:
				covered = true
				p.see(pattern.File, pattern.Line, pattern.String()+" covers "+pocket.String())
			case !sure:
				known = false
			}
		}
		if !covered {
			p.answer(known, false, "no origin that unattended-upgrade may install from covers %s", pocket)
			return
		}
	}
	if p.Answer.Reason == "" {
		p.answer(true, true, "unattended-upgrade may install from every security pocket")
	}
}

// pattern is an allowed origin, its variables expanded.
type pattern struct {
	Setting
	fields [][2]string // name and pattern
}

// patterns reads Allowed-Origins and Origins-Pattern, or returns the one on which
// unattended-upgrade would end.
func (r *reader) patterns(tree *conf.Tree) (all []pattern, bad *Setting) {
	id, codename := r.distribution()
	for _, v := range tree.List(upgrade + "Allowed-Origins") {
		s := Setting{upgrade + "Allowed-Origins", v.Text, true, v.File, v.Line}
		r.setting(s)
		fields, ok := legacy(v.Text, id, codename)
		if !ok {
			return nil, &s
		}
		all = append(all, pattern{s, fields})
	}
	for _, v := range tree.List(upgrade + "Origins-Pattern") {
		s := Setting{upgrade + "Origins-Pattern", v.Text, true, v.File, v.Line}
		r.setting(s)
		fields, ok := tokens(v.Text, id, codename)
		if !ok {
			return nil, &s
		}
		all = append(all, pattern{s, fields})
	}
	return all, nil
}

// legacy reads "id:archive" or "id archive", where "\:" is a colon.
func legacy(s, id, codename string) ([][2]string, bool) {
	const colon = "\x00"
	s = strings.ReplaceAll(s, `\:`, colon)
	parts := strings.Split(s, ":")
	if len(parts) == 1 {
		parts = strings.Fields(s)
	}
	if len(parts) != 2 {
		return nil, false
	}
	var fields [][2]string
	for i, name := range []string{"origin", "archive"} {
		value, ok := substitute(strings.ReplaceAll(parts[i], colon, ":"), id, codename)
		if !ok {
			return nil, false
		}
		fields = append(fields, [2]string{name, strings.TrimSpace(value)})
	}
	return fields, true
}

// tokens reads "name=pattern,…", where "\," is a comma. An empty one matches
// nothing.
func tokens(s, id, codename string) (fields [][2]string, ok bool) {
	const comma = "\x00"
	if s, ok = substitute(s, id, codename); !ok {
		return nil, false
	}
	if s = strings.TrimSpace(s); s == "" {
		return nil, true
	}
	names := map[string]string{"o": "origin", "origin": "origin", "l": "label", "label": "label", "a": "archive", "suite": "archive",
		"archive": "archive", "c": "component", "component": "component", "site": "site", "n": "codename", "codename": "codename"}
	for token := range strings.SplitSeq(strings.ReplaceAll(s, `\,`, comma), ",") {
		parts := strings.Split(token, "=")
		if len(parts) != 2 || names[strings.TrimSpace(parts[0])] == "" {
			return nil, false
		}
		value := strings.ReplaceAll(strings.TrimSpace(parts[1]), comma, ",")
		fields = append(fields, [2]string{names[strings.TrimSpace(parts[0])], value})
	}
	return fields, true
}

// variable is what Python's string.Template takes for one.
func variable() *regexp.Regexp {
	return regexp.MustCompile(`\$(?:(\$)|([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)\}|)`)
}

// substitute expands ${distro_id} and ${distro_codename}. An unknown variable or a
// stray dollar stops unattended-upgrade.
func substitute(s, id, codename string) (string, bool) {
	if !strings.Contains(s, "$") {
		return s, true
	}
	ok := true
	v := variable()
	s = v.ReplaceAllStringFunc(s, func(match string) string {
		m := v.FindStringSubmatch(match)
		switch m[2] + m[3] {
		case "distro_id":
			return id
		case "distro_codename":
			return codename
		}
		ok = ok && m[1] != ""
		return m[1]
	})
	return s, ok
}

// matches compares as fnmatch does. sure is false where the pocket lacks what the
// pattern asks for.
func (p *pattern) matches(of pocket) (ok, sure bool) {
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

// distribution is what lsb_release says: its own file, or os-release with the id's
// first letter made a capital.
func (r *reader) distribution() (id, codename string) {
	id, codename = r.os.ID, r.os.Codename
	if id != "" {
		id = strings.ToUpper(id[:1]) + id[1:]
	}
	b, err := r.root.ReadFile(lsbRelease, 0)
	if err != nil {
		return id, codename
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch name {
		case "DISTRIB_ID":
			id = value
		case "DISTRIB_CODENAME":
			codename = value
		}
	}
	return id, codename
}

// pockets are the security pockets among the host's sources, each component by
// itself, or the vendor's where no list of one is on disk.
func (r *reader) pockets() ([]pocket, error) {
	names, err := r.sourceFiles()
	if err != nil {
		return nil, err
	}
	var all []pocket
	for _, name := range names {
		b, err := r.root.ReadFile(name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read apt's sources: %w", err)
		}
		sources, err := apt.ParseSources(name, b)
		if err != nil {
			return nil, fmt.Errorf("read apt's sources: %w", err)
		}
		for i := range sources {
			all = append(all, r.pocketsOf(&sources[i])...)
		}
	}
	if len(all) == 0 {
		return r.vendors(), nil
	}
	return all, nil
}

func (r *reader) sourceFiles() ([]string, error) {
	const dir = sourcesList + ".d"
	files := []string{sourcesList}
	names, err := r.root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read apt's sources: %w", err)
	}
	for _, n := range names {
		if apt.ConfigName(n, "list", "sources") {
			files = append(files, dir+"/"+n)
		}
	}
	return files, nil
}

func (r *reader) pocketsOf(s *apt.Source) []pocket {
	for _, name := range s.ReleaseFiles("amd64") {
		f, _, err := r.root.OpenFile(listsDir + name)
		if err != nil {
			continue
		}
		release, err := apt.ParseRelease(f)
		f.Close()
		if err != nil || !release.Security() {
			return nil
		}
		var all []pocket
		for _, component := range s.Components {
			all = append(all, pocket{"origin": clean(release.Origin), "label": clean(release.Label), "archive": clean(release.Suite),
				"codename": clean(release.Codename), "site": clean(s.Site()), "component": clean(component)})
		}
		return all
	}
	return nil
}

func clean(s string) string { return text.Clean(s, maxWord) }

// vendors is what the vendor writes into its security pocket's Release file. The
// suite of Debian's changes with the years, the site is the host's choice.
func (r *reader) vendors() []pocket {
	if r.os.Codename == "" {
		return nil
	}
	switch r.os.ID {
	case "debian":
		return []pocket{{"origin": "Debian", "label": "Debian-Security", "codename": r.os.Codename + "-security", "component": "main"}}
	case "ubuntu":
		return []pocket{{"origin": "Ubuntu", "label": "Ubuntu", "archive": r.os.Codename + "-security", "codename": r.os.Codename, "component": "main"}}
	}
	return nil
}
