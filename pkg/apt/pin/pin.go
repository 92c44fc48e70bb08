// Package pin chooses among versions of a package as apt does: by the priorities
// of archives, apt's preferences (apt_preferences(5)) and the installed version.
//
// All pins that apt knows are: by release, origin and version; for all packages,
// for names, globs and regular expressions, for source packages ("src:"), with an
// architecture or without. What apt passes over (a kind it does not know) is passed
// over, what it refuses is an error. The rules are those of apt's policy.cc and
// versionmatch.cc. Dependencies are not resolved: a candidate is what apt-cache
// policy shows.
package pin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	// it or not, and "src:" before it or not. "*" alone makes the pin a default for
	// whole archives.
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
		r := record{Pin: Pin{File: file, Line: s.Line}}
		err = s.Each(r.field)
		var syntax *deb822.SyntaxError
		if errors.As(err, &syntax) {
			return nil, &apt.ConfigError{File: file, Line: syntax.Line, Text: syntax.Text}
		}
		if r.fields == 0 {
			continue
		}
		ok, err := r.check()
		if err != nil {
			return nil, &apt.ConfigError{File: file, Line: s.Line, Text: err.Error()}
		}
		if ok {
			pins = append(pins, r.Pin)
		}
	}
}

// record is one stanza of preferences.
type record struct {
	Pin
	fields   int
	pin      bool
	priority string
}

func (r *record) field(f deb822.Field) {
	r.fields++
	switch {
	case f.Is("Package"):
		r.Packages = append(r.Packages, strings.Fields(string(f.Value))...)
	case f.Is("Pin"):
		r.Kind, r.Data = string(f.Value), ""
		if i := strings.IndexAny(r.Kind, " \t\n\r\v\f"); i >= 0 {
			r.Kind, r.Data = r.Kind[:i], strings.TrimSpace(r.Kind[i:])
		}
		r.Kind = strings.ToLower(r.Kind)
		r.Line, r.pin = f.Line, true
	case f.Is("Pin-Priority"):
		r.priority = string(f.Value)
	}
}

// check does what apt does with a record: refuse it, or pass over it, or take it.
func (r *record) check() (ok bool, err error) {
	switch {
	case len(r.Packages) == 0:
		return false, errors.New("record without Package")
	case !r.pin:
		return false, nil
	case r.Kind != "release" && r.Kind != "origin" && (r.Kind != "version" || r.general()):
		return false, nil
	case r.priority == "never" && !r.general():
		return false, errors.New("priority never is for Package: * only")
	case r.priority == "never":
		r.Priority = Never
		return true, nil
	}
	n, err := strconv.ParseInt(number(r.priority), 10, 64)
	switch {
	case err != nil, n == 0:
		return false, fmt.Errorf("priority %q is no number other than 0", clip(r.priority))
	case n < Never, n > -Never-1:
		return false, fmt.Errorf("priority %q is not from -32768 to 32767", clip(r.priority))
	}
	r.Priority = max(int(n), Never+1)
	return true, nil
}

// number is the number that s begins with, as strtol(3) finds it.
func number(s string) string {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[end] == '-' || s[end] == '+')) {
		end++
	}
	return s[:end]
}

// general reports whether the pin is a default for archives.
func (p *Pin) general() bool { return len(p.Packages) == 1 && p.Packages[0] == "*" }

// clip bounds foreign text within an error message.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
