// Package dpkg reads dpkg's database of installed packages, /var/lib/dpkg/status and
// the journal beside it, without dpkg, its lock or its library.
//
// The file is read as a stream of stanzas; of each a few fields are kept. A file
// that breaks off or holds anything that dpkg would not have written is an error
// with its line: half a list of packages would look like a host without the other
// half. dpkg replaces the file as a whole, so a reader that opened it sees one
// state of it.
package dpkg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"seawall/pkg/deb822"
)

// Places of the database below a host's root.
const (
	StatusFile = "/var/lib/dpkg/status"
	ArchFile   = "/var/lib/dpkg/arch"
)

// MaxStatus bounds a status file, in bytes. The largest seen on real hosts (all
// of a desktop distribution) stay below 20 MB.
const MaxStatus = 64 << 20

// MaxPackages bounds the packages of a status file: thrice of what Debian has for
// one architecture.
const MaxPackages = 200_000

// ErrEmpty is returned for a status file that names no package at all.
var ErrEmpty = errors.New("no package in it")

// Package is what the database holds of one package and architecture. Want and
// State are the words of dpkg's Status field.
type Package struct {
	Name    string
	Arch    string
	Version string
	// Source and SourceVersion are those of the source package; dpkg leaves them
	// out where they equal Name and Version, here they are filled in.
	Source        string
	SourceVersion string
	Want          string // unknown, install, hold, deinstall, purge
	State         string // not-installed, config-files, half-installed, unpacked, …
}

// Installed reports whether files of the package are in place, which holds from
// the first unpacked file on. Configuration files that a removal left do not
// count, nor does a first installation that has no version yet.
func (p *Package) Installed() bool {
	return p.State != "not-installed" && p.State != "config-files" && !(p.State == "half-installed" && p.Version == "")
}

// Held reports whether the administrator put the package on hold.
func (p *Package) Held() bool { return p.Want == "hold" }

var (
	wants = []string{"unknown", "install", "hold", "deinstall", "purge"}
	flags = []string{"ok", "reinstreq", "hold", "hold-reinstreq"}
	// states in the order in which hosts have them.
	states = []string{"installed", "config-files", "not-installed", "half-installed", "unpacked",
		"half-configured", "triggers-awaited", "triggers-pending"}
)

// Read returns the packages of a status file in the file's order, those that are
// not installed included.
func Read(r io.Reader) ([]Package, error) {
	in := &io.LimitedReader{R: r, N: MaxStatus + 1}
	d := deb822.NewReader(in, 0)
	var all []Package
	for {
		s, err := d.Next()
		switch {
		case in.N == 0:
			return nil, fmt.Errorf("dpkg status: larger than %d bytes", MaxStatus)
		case errors.Is(err, io.EOF) && len(all) == 0:
			return nil, fmt.Errorf("dpkg status: %w", ErrEmpty)
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("dpkg status: %w", err)
		case d.Truncated:
			return nil, fmt.Errorf("dpkg status line %d: file ends within a line", s.Line+bytes.Count(s.Text, []byte{'\n'}))
		}
		if len(all) == MaxPackages {
			return nil, fmt.Errorf("dpkg status line %d: more than %d packages", s.Line, MaxPackages)
		}
		p, err := parse(s)
		if err != nil {
			return nil, fmt.Errorf("dpkg status: %w", err)
		}
		all = append(all, p)
	}
}

func parse(s deb822.Stanza) (Package, error) {
	var p Package
	var source, status []byte
	statusLine := s.Line
	err := s.Each(func(f deb822.Field) {
		switch {
		case f.Is("Package"):
			p.Name = string(f.Value)
		case f.Is("Architecture"):
			p.Arch = intern(f.Value)
		case f.Is("Version"):
			p.Version = string(f.Value)
		case f.Is("Source"):
			source = f.Value
		case f.Is("Status"):
			status, statusLine = f.Value, f.Line
		}
	})
	if err != nil {
		return p, err
	}
	var ok bool
	if p.Want, p.State, ok = parseStatus(status); !ok {
		return p, &deb822.SyntaxError{Line: statusLine, Text: fmt.Sprintf("package %q has no valid Status", clip(p.Name))}
	}
	switch {
	case p.Name == "":
		return p, &deb822.SyntaxError{Line: s.Line, Text: "stanza without Package"}
	case p.Installed() && (p.Version == "" || p.Arch == ""):
		return p, &deb822.SyntaxError{Line: s.Line, Text: fmt.Sprintf("package %q is installed and has no Version or no Architecture", clip(p.Name))}
	}
	p.Source, p.SourceVersion = SplitSource(source, p.Name, p.Version)
	return p, nil
}

// parseStatus reads "want flag state" into words that are not copied.
func parseStatus(v []byte) (want, state string, ok bool) {
	w, rest, _ := bytes.Cut(v, []byte{' '})
	f, s, _ := bytes.Cut(rest, []byte{' '})
	want, okWant := word(wants, w)
	_, okFlag := word(flags, f)
	state, okState := word(states, s)
	return want, state, okWant && okFlag && okState
}

func word(known []string, b []byte) (string, bool) {
	i := slices.IndexFunc(known, func(k string) bool { return k == string(b) })
	if i < 0 {
		return "", false
	}
	return known[i], true
}

// intern spares a copy of the architectures that nearly all packages have.
func intern(b []byte) string {
	switch string(b) {
	case "amd64":
		return "amd64"
	case "all":
		return "all"
	case "arm64":
		return "arm64"
	}
	return string(b)
}

// SplitSource splits a Source field, "name" or "name (version)", and fills in
// what it leaves out from the binary package.
func SplitSource(field []byte, name, version string) (source, sourceVersion string) {
	if len(field) == 0 {
		return name, version
	}
	source, rest, _ := strings.Cut(string(field), " ")
	if _, v, open := strings.Cut(rest, "("); open {
		if v, _, closed := strings.Cut(v, ")"); closed {
			return source, v
		}
	}
	return source, version
}

// ReadArchitectures parses /var/lib/dpkg/arch: the native architecture first,
// then the foreign ones.
func ReadArchitectures(text []byte) []string {
	var archs []string
	for line := range strings.FieldsSeq(string(text)) {
		archs = append(archs, line)
	}
	return archs
}

// clip bounds a foreign name within an error message.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
