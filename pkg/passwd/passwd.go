package passwd

import (
	"errors"
	"math"
	"path"
	"strconv"
	"strings"
)

// Limit is how much of one file is worth reading: tens of thousands of users. Each
// line takes several times its length in memory.
const Limit = 2 << 20

// User is an entry of /etc/passwd.
type User struct {
	Name     string
	Password Password // Shadowed says that it stands elsewhere
	UID, GID int
	Home     string
	Shell    string // as written; empty is /bin/sh
	Line     int
}

// CanLogIn reports whether the shell is one.
func (u User) CanLogIn() bool {
	switch path.Base(u.Shell) {
	case "nologin", "false", "true", "sync", "shutdown", "halt":
		return false
	}
	return true
}

// Group is an entry of /etc/group.
type Group struct {
	Name     string
	Password Password
	GID      int
	Members  []string
	Line     int
}

// Shadow is an entry of /etc/shadow. Days count from 1970; a field that is not set
// is -1.
type Shadow struct {
	Name                   string
	Password               Password
	Changed, Min, Max      int
	Warn, Inactive, Expire int
	Line                   int
}

// Bad is a line that is passed over.
type Bad struct {
	Line   int
	Compat bool   // it is an entry for the service "compat"
	Name   string // its first field
	Why    string
}

// Users reads /etc/passwd.
func Users(data []byte) ([]User, []Bad) {
	return entries(data, func(f *fields) User {
		u := User{Name: f.text(), Password: Classify(f.text()), UID: f.number(), GID: f.number()}
		f.text() // the comment
		u.Home, u.Shell, u.Line = f.text(), f.rest, f.line
		return u
	})
}

// Groups reads /etc/group.
func Groups(data []byte) ([]Group, []Bad) {
	return entries(data, func(f *fields) Group {
		g := Group{Name: f.text(), Password: Classify(f.text()), GID: f.number(), Line: f.line}
		for m := range strings.SplitSeq(f.rest, ",") {
			if m = strings.TrimLeft(m, space); m != "" {
				g.Members = append(g.Members, m)
			}
		}
		return g
	})
}

// Shadows reads /etc/shadow.
func Shadows(data []byte) ([]Shadow, []Bad) {
	return entries(data, func(f *fields) Shadow {
		return Shadow{Name: f.text(), Password: Classify(f.text()), Changed: f.days(), Min: f.days(), Max: f.days(),
			Warn: f.days(), Inactive: f.days(), Expire: f.days(), Line: f.line}
	})
}

const space = " \t\v\f\r"

// entries calls parse for every line that is an entry.
func entries[E any](data []byte, parse func(*fields) E) (good []E, bad []Bad) {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), space)
		if i := strings.IndexByte(line, 0); i >= 0 {
			line = line[:i] // as C sees it
		}
		if line == "" || line[0] == '#' {
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		f := &fields{rest: line, line: n}
		e := parse(f)
		switch {
		case line[0] == '+' || line[0] == '-':
			bad = append(bad, Bad{Line: n, Compat: true, Name: name, Why: `it is an entry for the service "compat"`})
		case f.err != nil:
			bad = append(bad, Bad{Line: n, Name: name, Why: f.err.Error()})
		case name == "":
			bad = append(bad, Bad{Line: n, Why: "it has no name"})
		default:
			good = append(good, e)
		}
	}
	return good, bad
}

// fields takes a line apart.
type fields struct {
	rest string
	line int
	err  error
}

func (f *fields) text() string {
	var s string
	s, f.rest, _ = strings.Cut(f.rest, ":")
	return s
}

// number is a field that must be a number.
func (f *fields) number() int {
	s := f.text()
	n, err := unsigned(s)
	if err != nil && f.err == nil {
		f.err = err
	}
	return n
}

// days is a number that may be left out.
func (f *fields) days() int {
	if f.rest == "" || f.rest[0] == ':' {
		f.text()
		return -1
	}
	n := f.number()
	if n > math.MaxInt32 {
		return -1 // shadow(5): a negative number is no limit
	}
	return n
}

var errNumber = errors.New("a field that must be a number is none")

// unsigned is strtoul as glibc uses it here.
func unsigned(s string) (int, error) {
	s = strings.TrimLeft(s, space)
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, errNumber
	}
	n, err := strconv.ParseUint(s, 10, 32)
	switch {
	case err != nil, negative && n != 0:
		return math.MaxUint32, nil
	default:
		return int(n), nil
	}
}
