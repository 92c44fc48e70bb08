package apt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"seawall/pkg/deb822"
)

// Source is one suite of one binary archive, as configured.
type Source struct {
	URI        string // with a slash at its end
	Suite      string // one that ends in "/" is a flat archive, a path and no suite
	Components []string
	// Architectures are those named in the source; empty means those of the host.
	Architectures []string
	Add, Remove   []string // architectures to add to, and take from, those
	File          string   // where it is configured
	Line          int
}

// ConfigError is a configuration that apt refuses.
type ConfigError struct {
	File string
	Line int
	Text string
}

// Error says file, line and what is wrong there.
func (e *ConfigError) Error() string { return fmt.Sprintf("%s line %d: %s", e.File, e.Line, e.Text) }

// ParseSources parses one file of sources: deb822 if its name ends in ".sources",
// else one line for each. Sources of source packages and disabled ones are left
// out. What apt would refuse is a *ConfigError.
func ParseSources(file string, text []byte) ([]Source, error) {
	if strings.HasSuffix(file, ".sources") {
		return parseDeb822(file, text)
	}
	var all []Source
	for i, line := range strings.Split(string(text), "\n") {
		s, err := parseLine(stripComment(line))
		if err != nil {
			return nil, &ConfigError{file, i + 1, err.Error()}
		}
		if s != nil {
			s.File, s.Line = file, i+1
			all = append(all, *s)
		}
	}
	return all, nil
}

// stripComment cuts from "#" on, but not within brackets.
func stripComment(line string) string {
	depth, last := false, strings.LastIndexByte(line, ']')
	for i := range len(line) {
		switch line[i] {
		case '[':
			depth = i < last
		case ']':
			depth = false
		case '#':
			if !depth {
				return line[:i]
			}
		}
	}
	return line
}

func parseLine(line string) (*Source, error) {
	kind, rest := word(line)
	switch kind {
	case "":
		return nil, nil
	case "deb-src":
		return nil, nil
	case "deb":
	default:
		return nil, fmt.Errorf("type %q is not known", clip(kind))
	}
	var s Source
	if strings.HasPrefix(rest, "[") {
		options, after, ok := strings.Cut(rest[1:], "]")
		if !ok {
			return nil, errors.New("options without ]")
		}
		rest = strings.TrimLeft(after, " \t")
		for _, o := range strings.Fields(options) {
			if err := s.option(o); err != nil {
				return nil, err
			}
		}
	}
	s.URI, rest = word(rest)
	s.Suite, rest = word(rest)
	for {
		var c string
		if c, rest = word(rest); c == "" {
			break
		}
		s.Components = append(s.Components, c)
	}
	return &s, s.finish()
}

// option takes one "name=value" of a one-line source, with += and -=.
func (s *Source) option(o string) error {
	name, value, ok := strings.Cut(o, "=")
	if !ok {
		return fmt.Errorf("option %q has no value", clip(o))
	}
	values := list(strings.Trim(value, `"`))
	switch strings.ToLower(name) {
	case "arch":
		s.Architectures = values
	case "arch+":
		s.Add = values
	case "arch-":
		s.Remove = values
	}
	return nil
}

// finish checks what apt checks and puts the slash behind the URI.
func (s *Source) finish() error {
	flat := strings.HasSuffix(s.Suite, "/")
	switch {
	case !strings.Contains(s.URI, ":"):
		return fmt.Errorf("%q is no URI", clip(s.URI))
	case s.Suite == "":
		return errors.New("no suite")
	case flat && len(s.Components) > 0:
		return errors.New("a suite that is a path has no components")
	case !flat && len(s.Components) == 0:
		return errors.New("no component")
	}
	if !strings.HasSuffix(s.URI, "/") {
		s.URI += "/"
	}
	return nil
}

// word cuts the first word: quotes and brackets hold it together, %xx is decoded.
func word(s string) (w, rest string) {
	const blank = " \t\r"
	s = strings.TrimLeft(s, blank)
	var out []byte
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			quoted = !quoted
			continue
		case quoted:
		case strings.IndexByte(blank, c) >= 0:
			return string(out), strings.TrimLeft(s[i:], blank)
		case c == '[' && i > 0: // not decoded up to its end
			if end := strings.IndexByte(s[i:], ']'); end > 0 {
				out = append(out, s[i:i+end+1]...)
				i += end
				continue
			}
		}
		if n := escape(s[i:]); n >= 0 {
			c = byte(n)
			i += 2
		}
		out = append(out, c)
	}
	return string(out), ""
}

// escape is the byte that s begins with as %xx, or -1.
func escape(s string) int {
	if len(s) < 3 || s[0] != '%' {
		return -1
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	if err != nil {
		return -1
	}
	return int(n)
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

func parseDeb822(file string, text []byte) ([]Source, error) {
	d := deb822.NewReader(bytes.NewReader(text), len(text)+1)
	var all []Source
	for {
		s, err := d.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		fields := map[string]string{}
		err = s.Each(func(f deb822.Field) {
			name := strings.ToLower(string(f.Name))
			fields[name] += " " + string(f.Value)
		})
		var syntax *deb822.SyntaxError
		if errors.As(err, &syntax) {
			return nil, &ConfigError{file, syntax.Line, syntax.Text}
		}
		if len(fields) == 0 || off(fields["enabled"]) {
			continue
		}
		sources, err := expand(fields)
		if err != nil {
			return nil, &ConfigError{file, s.Line, err.Error()}
		}
		for i := range sources {
			sources[i].File, sources[i].Line = file, s.Line
		}
		all = append(all, sources...)
	}
}

// expand makes one source for each URI and suite of a stanza.
func expand(fields map[string]string) ([]Source, error) {
	types := list(fields["types"])
	for _, t := range types {
		if t != "deb" && t != "deb-src" {
			return nil, fmt.Errorf("type %q is not known", clip(t))
		}
	}
	uris, suites := list(fields["uris"]), list(fields["suites"])
	switch {
	case len(types) == 0:
		return nil, errors.New("stanza without Types")
	case len(uris) == 0:
		return nil, errors.New("stanza without URIs")
	case len(suites) == 0:
		return nil, errors.New("stanza without Suites")
	case !slices.Contains(types, "deb"):
		return nil, nil
	}
	var all []Source
	for _, u := range uris {
		for _, suite := range suites {
			s := Source{
				URI: u, Suite: suite, Components: list(fields["components"]),
				Architectures: list(fields["architectures"]),
				Add:           list(fields["architectures-add"]),
				Remove:        list(fields["architectures-remove"]),
			}
			if err := s.finish(); err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// off is apt's StringToBool where it says no.
func off(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "no", "false", "without", "off", "disable":
		return true
	}
	s = strings.TrimSpace(s)
	return s != "" && strings.Trim(s, "0") == ""
}

// ReleaseFiles are the names of the source's Release file in apt's list
// directory, the preferred one first.
func (s *Source) ReleaseFiles(native string) []string {
	base := s.base(native)
	return []string{FileName(base + "InRelease"), FileName(base + "Release")}
}

// List is where apt keeps one package list, without the compression's extension.
type List struct {
	File      string
	Path      string // below the Release file, as that names it
	Component string // "" in a flat archive
	Arch      string // "" in a flat archive
}

// Lists are the package lists of the source on a host with these architectures,
// the native one first. Not all of them need to be there: an archive may have no
// packages for an architecture, and few have a list for "all".
func (s *Source) Lists(host []string) []List {
	if len(host) == 0 {
		return nil
	}
	base := s.base(host[0])
	if strings.HasSuffix(s.Suite, "/") {
		return []List{{File: FileName(base + "Packages"), Path: "Packages"}}
	}
	archs := slices.Clone(host)
	if len(s.Architectures) > 0 {
		archs = slices.Clone(s.Architectures)
	}
	archs = append(archs, s.Add...)
	archs = append(archs, "all")
	var all []List
	for _, c := range s.Components {
		seen := map[string]bool{}
		for _, a := range archs {
			if seen[a] || slices.Contains(s.Remove, a) || a != "all" && !slices.Contains(host, a) {
				continue
			}
			seen[a] = true
			path := c + "/binary-" + a + "/Packages"
			all = append(all, List{FileName(base + path), path, c, a})
		}
	}
	return all
}

// Site is the host name of the source's URI, which pins call the origin.
func (s *Source) Site() string {
	_, rest, ok := strings.Cut(s.URI, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(withoutUser(rest), "/")
	if h, _, ok := strings.Cut(host, ":"); ok && !strings.HasPrefix(host, "[") {
		return h
	}
	return host
}

func (s *Source) base(native string) string {
	uri := strings.ReplaceAll(s.URI, "$(ARCH)", native)
	suite := strings.ReplaceAll(s.Suite, "$(ARCH)", native)
	switch {
	case suite == "/":
		return uri
	case strings.HasSuffix(suite, "/"):
		return uri + suite
	}
	return uri + "dists/" + suite + "/"
}

// PublicURI is the URI without user and password.
func (s *Source) PublicURI() string {
	scheme, rest, ok := strings.Cut(s.URI, "://")
	if !ok {
		return s.URI
	}
	return scheme + "://" + withoutUser(rest)
}
