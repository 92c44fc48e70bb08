// Package pin chooses among versions of a package as apt does: by the priorities
// of archives, apt's preferences (apt_preferences(5)) and the installed version.
//
// Pins by release, origin and version are known, for all packages or for names,
// globs and regular expressions, with an architecture or without; not those by
// source package ("src:"). Dependencies are not resolved: a candidate is what
// apt-cache policy shows.
package pin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"seawall/pkg/apt"
	"seawall/pkg/deb822"
)

// Never is the priority of versions that apt does not install at all.
const Never = -32768

// Pin is one entry of apt's preferences (apt_preferences(5)).
type Pin struct {
	// Packages are names, globs or /regular expressions/, each with ":arch" behind
	// it or not. "*" alone makes the pin a default for whole archives.
	Packages []string
	Kind     string // release, origin or version
	Data     string
	Priority int
	File     string
	Line     int
}

// Parse parses one file of preferences. What apt would refuse is a
// *apt.ConfigError.
func Parse(file string, text []byte) ([]Pin, error) {
	d := deb822.NewReader(bytes.NewReader(text), len(text)+1)
	var pins []Pin
	for {
		s, err := d.Next()
		if errors.Is(err, io.EOF) {
			return pins, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		p := Pin{File: file, Line: s.Line}
		var priority string
		fields := 0
		err = s.Each(func(f deb822.Field) {
			fields++
			switch {
			case f.Is("Package"):
				p.Packages = append(p.Packages, strings.Fields(string(f.Value))...)
			case f.Is("Pin"):
				p.Kind, p.Data, _ = strings.Cut(string(f.Value), " ")
				p.Kind, p.Data = strings.ToLower(p.Kind), strings.TrimSpace(p.Data)
				p.Line = f.Line
			case f.Is("Pin-Priority"):
				priority = string(f.Value)
			}
		})
		var syntax *deb822.SyntaxError
		if errors.As(err, &syntax) {
			return nil, &apt.ConfigError{File: file, Line: syntax.Line, Text: syntax.Text}
		}
		if fields == 0 {
			continue
		}
		if p.Priority, err = p.check(priority); err != nil {
			return nil, &apt.ConfigError{File: file, Line: s.Line, Text: err.Error()}
		}
		pins = append(pins, p)
	}
}

func (p *Pin) check(priority string) (int, error) {
	switch {
	case len(p.Packages) == 0:
		return 0, errors.New("record without Package")
	case p.Kind != "release" && p.Kind != "origin" && p.Kind != "version":
		return 0, fmt.Errorf("pin type %q is not known", clip(p.Kind))
	case priority == "never" && !p.general():
		return 0, errors.New("priority never is for Package: * only")
	case priority == "never":
		return Never, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(priority), 10, 16)
	if err != nil {
		return 0, fmt.Errorf("priority %q is no number from -32768 to 32767", clip(priority))
	}
	return int(n), nil
}

// general reports whether the pin is a default for archives.
func (p *Pin) general() bool { return slices.Equal(p.Packages, []string{"*"}) }

// names reports whether the pin is for this package. Without ":arch" it is for
// the native architecture only.
func (p *Pin) names(name, arch string, native bool) bool {
	for _, pattern := range p.Packages {
		want, a, hasArch := strings.Cut(pattern, ":")
		switch {
		case !hasArch && !native, hasArch && a != arch && a != "any" && (a != "native" || !native):
		case expression(want, name):
			return true
		}
	}
	return false
}

// Archive is where a package list comes from, as pins see it.
type Archive struct {
	Release   *apt.Release
	Site      string
	Component string
	Arch      string
}

// String is the archive in the words of apt's output: label and suite.
func (a *Archive) String() string { return a.Release.Label + "/" + a.Release.Suite }

// matches reports whether the pin is for all that the archive holds.
func (p *Pin) matches(a *Archive) bool {
	switch p.Kind {
	case "origin":
		site := strings.Trim(p.Data, `"`)
		if site == "" {
			return a.Site == ""
		}
		return expression(site, a.Site)
	case "release":
		return a.released(p.Data)
	}
	return false
}

// released compares with the data of a release pin: "a=…,n=…", a suite or a
// version.
func (a *Archive) released(data string) bool {
	r := a.Release
	if !strings.Contains(data, "=") {
		if data != "" && data[0] >= '0' && data[0] <= '9' {
			return expression(data, r.Version)
		}
		return expression(data, r.Suite) || expression(data, r.Codename)
	}
	for _, part := range strings.Split(data, ",") {
		key, want, _ := strings.Cut(strings.TrimSpace(part), "=")
		have, ok := map[string]string{"a": r.Suite, "n": r.Codename, "o": r.Origin, "l": r.Label,
			"v": r.Version, "c": a.Component, "b": a.Arch}[key]
		if ok && !expression(strings.Trim(want, `"`), have) {
			return false
		}
	}
	return true
}

// expression compares exactly, by glob, or by /regular expression/.
func expression(pattern, s string) bool {
	if pattern == s {
		return true
	}
	if n := len(pattern); n > 1 && pattern[0] == '/' && pattern[n-1] == '/' {
		re, err := regexp.Compile("(?i)" + pattern[1:n-1])
		return err == nil && re.MatchString(s)
	}
	if !strings.ContainsAny(pattern, "*?[") {
		return false
	}
	// path.Match stops at slashes where fnmatch without flags does not.
	const other = "\x01"
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", other), strings.ReplaceAll(s, "/", other))
	return err == nil && ok
}

// clip bounds foreign text within an error message.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
