package pin

import (
	"strings"

	"seawall/pkg/apt"
)

// Archive is where a package list comes from, as pins see it.
type Archive struct {
	Release   *apt.Release
	Site      string
	Component string
	Arch      string
}

// String is the archive in the words of apt's output: label and suite.
func (a *Archive) String() string { return a.Release.Label + "/" + a.Release.Suite }

// status is dpkg's status file as pins see it: no release, and the name "now".
func status() *Archive { return &Archive{Component: "now"} }

// subject is what one word of Package names.
type subject struct {
	source bool
	name   string
	wild   expression // where name is ""
	arch   string     // "": the native one
}

func newSubject(word string) subject {
	var s subject
	s.name, s.source = strings.CutPrefix(word, "src:")
	if i := strings.LastIndexByte(s.name, ':'); i >= 0 {
		s.name, s.arch = s.name[:i], s.name[i+1:]
	}
	if wild(s.name) {
		s.wild, s.name = compile(s.name), ""
	} else if s.name == "" {
		s.wild.never = true
	}
	return s
}

func (s *subject) is(t *Target, v *Version) bool {
	name := t.Name
	if s.source {
		name = v.Source
	}
	switch {
	case s.name != "" && s.name != name, s.name == "" && !s.wild.matches(name):
		return false
	case s.arch == "":
		return t.Native
	}
	return s.arch == t.Arch || architecture(s.arch, t.Arch)
}

// architecture matches a wildcard such as "any" or "linux-any".
func architecture(pattern, arch string) bool {
	if os, cpu, ok := strings.Cut(pattern, "-"); ok {
		haveOS, have, ok := strings.Cut(arch, "-")
		if !ok {
			haveOS, have = "linux", arch
		}
		return (os == "any" || os == haveOS) && (cpu == "any" || cpu == have)
	}
	e := compile(pattern)
	return pattern == "any" || e.matches(arch)
}

// match is what follows "Pin:".
type match struct {
	kind   string
	all    bool // release *
	none   bool // too many parts: apt gives up on it
	prefix bool // the version goes on
	// Of a release pin; the version of a version pin, and the site of an origin pin.
	// nil where the pin does not name it.
	version, origin, archive, codename, label, either, component, arch, site *expression
	versionText                                                              string
}

func newMatch(kind, data string) match {
	m := match{kind: kind}
	switch kind {
	case "version":
		m.setVersion(data)
	case "origin":
		if n := len(data); n >= 2 && data[0] == '"' && data[n-1] == '"' {
			data = data[1 : n-1]
		}
		e := compile(data)
		m.site = &e
	case "release":
		m.release(data)
	}
	return m
}

func (m *match) setVersion(text string) {
	if m.versionText, m.prefix = strings.CutSuffix(text, "*"); m.versionText != "" {
		e := compile(m.versionText)
		m.version = &e
	}
}

func (m *match) release(data string) {
	switch {
	case data == "*":
		m.all = true
		return
	case data == "":
		return
	case !strings.Contains(data, "=") && data[0] >= '0' && data[0] <= '9':
		m.setVersion(data)
		return
	case !strings.Contains(data, "="):
		e := compile(data)
		m.either = &e
		return
	}
	m.properties(data)
}

// properties reads "o=Debian,n=bookworm".
func (m *match) properties(data string) {
	const maxParts = 20
	parts := strings.FieldsFunc(data, func(r rune) bool { return r == ',' })
	m.none = len(parts) >= maxParts
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if len(part) < 3 || part[1] != '=' {
			continue
		}
		e := compile(part[2:])
		switch part[0] | 0x20 {
		case 'v':
			m.setVersion(part[2:])
		case 'o':
			m.origin = &e
		case 'a':
			m.archive = &e
		case 'n':
			m.codename = &e
		case 'l':
			m.label = &e
		case 'c':
			m.component = &e
		case 'b':
			m.arch = &e
		}
	}
}

// matchVersion compares a version, of a package or of a release.
func (m *match) matchVersion(v string) bool {
	if len(v) >= len(m.versionText) && (m.prefix || len(v) == len(m.versionText)) &&
		strings.EqualFold(v[:len(m.versionText)], m.versionText) {
		return true
	}
	return m.version != nil && m.version.matches(v)
}

// archiveMatches reports whether the pin is for all that the archive holds.
func (m *match) archiveMatches(a *Archive) bool {
	switch {
	case m.kind == "origin":
		return a.Release != nil && m.site.matches(a.Site)
	case m.kind != "release" || m.none:
		return false
	case a.Release == nil:
		return m.statusMatches(a)
	case m.all:
		return true
	}
	r := a.Release
	if m.version != nil && (r.Version == "" || !m.matchVersion(r.Version)) {
		return false
	}
	named := m.version != nil
	for _, property := range []struct {
		want  *expression
		value string
	}{
		{m.origin, r.Origin}, {m.archive, r.Suite}, {m.codename, r.Codename}, {m.label, r.Label}, {m.component, a.Component}, {m.arch, a.Arch},
	} {
		named = named || property.want != nil
		if !optional(property.want, property.value) {
			return false
		}
	}
	if m.either != nil {
		return optional(m.either, r.Suite) || optional(m.either, r.Codename)
	}
	return named // a pin without any property is for nothing
}

// statusMatches is for dpkg's status file, of which only the name is known.
func (m *match) statusMatches(a *Archive) bool {
	if !optional(m.archive, a.Component) || !optional(m.either, a.Component) ||
		m.origin != nil || m.label != nil || m.version != nil || m.codename != nil {
		return false
	}
	return m.all || optional(m.component, a.Component) && m.arch == nil
}

// optional compares where the pin names the property. What a Release file does not
// say matches nothing, "*" included.
func optional(e *expression, s string) bool { return e == nil || s != "" && e.matches(s) }
