package mounts

import (
	"bytes"
	"path"
	"strconv"
	"strings"
)

// Flags are what options of a mount say. The zero Flags are the defaults.
type Flags struct {
	Nodev, Nosuid, Noexec bool
	ReadOnly              bool
	NoAuto                bool // not mounted at boot
	NoFail                bool // the boot goes on without it
	Network               bool // waits for the network
}

// ParseOptions reads a list of options, the last of those that contradict each
// other counting. "defaults" takes nothing back (libmount passes over it).
func ParseOptions(list string) Flags {
	var f Flags
	for option := range strings.SplitSeq(list, ",") {
		switch option {
		case "nodev", "dev":
			f.Nodev = option == "nodev"
		case "nosuid", "suid":
			f.Nosuid = option == "nosuid"
		case "noexec", "exec":
			f.Noexec = option == "noexec"
		case "ro", "rw":
			f.ReadOnly = option == "ro"
		case "noauto", "auto":
			f.NoAuto = option == "noauto"
		case "user", "users":
			f.Nodev, f.Nosuid, f.Noexec = true, true, true
		case "owner", "group":
			f.Nodev, f.Nosuid = true, true
		case "nofail":
			f.NoFail = true
		case "_netdev":
			f.Network = true
		}
	}
	return f
}

// Entry is a line of fstab.
type Entry struct {
	Source, Path, Type string
	Options            string
	Flags              Flags
	Line               int
	Raw                string // the line as it stands
	Problem            string // why mount(8) would not take it, or ""
}

// Swap reports whether the entry is a swap area, which has no place.
func (e *Entry) Swap() bool { return e.Type == "swap" }

// Bounds of a table that is read: more lines, or longer ones, are no fstab.
const (
	maxLines = 10_000
	maxLine  = 16 << 10
)

// ParseTab reads the text of fstab. Lines that are wrong are entries with a
// Problem; libmount passes over them. So is a line that is too long to be read, and
// the first of those that are too many.
func ParseTab(text []byte) []Entry {
	var all []Entry
	for n, line := range tabLines(text) {
		fields := strings.FieldsFunc(line, blank)
		e := Entry{Line: n, Raw: line}
		if n > maxLines || len(line) > maxLine {
			e.Raw, e.Problem = line[:min(len(line), maxLine)], "it is not read: a table has at most "+strconv.Itoa(maxLines)+" lines of "+strconv.Itoa(maxLine)+" bytes here"
			all = append(all, e)
			continue
		}
		if len(fields) < 3 {
			e.Problem = "fewer than three fields"
			all = append(all, e)
			continue
		}
		e.Source, e.Path, e.Type, e.Options = unescape(fields[0]), place(unescape(fields[1])), unescape(fields[2]), "defaults"
		if len(fields) > 3 {
			e.Options = unescape(fields[3])
		}
		e.Flags = ParseOptions(e.Options)
		e.Problem = problem(&e, fields)
		all = append(all, e)
	}
	return all
}

// place is the path of an entry without what does not count in it.
func place(name string) string {
	if strings.HasPrefix(name, "/") {
		return path.Clean(name)
	}
	return name
}

func problem(e *Entry, fields []string) string {
	if !e.Swap() && e.Type != "ignore" && !strings.HasPrefix(e.Path, "/") && e.Path != "none" {
		return "the mount point " + strconv.QuoteToASCII(e.Path) + " is no absolute path"
	}
	if e.Path == "none" && !e.Swap() && e.Type != "ignore" {
		return "no mount point"
	}
	for i, name := range []string{"the fifth field (dump)", "the sixth field (pass)"} {
		if len(fields) > i+4 {
			if _, err := strconv.ParseInt(fields[i+4], 10, 32); err != nil {
				return name + " is no number"
			}
		}
	}
	return ""
}

// Crypt is a line of crypttab.
type Crypt struct {
	Name, Device string
	Key          string // file of the key; "" where it is asked for
	Options      string
	Line         int
	Raw          string
}

// ParseCrypttab reads the text of crypttab, lines that are wrong left out.
func ParseCrypttab(text []byte) []Crypt {
	var all []Crypt
	for n, line := range tabLines(text) {
		fields := strings.FieldsFunc(line, blank)
		if len(fields) < 2 || n > maxLines || len(line) > maxLine {
			continue
		}
		c := Crypt{Name: unescape(fields[0]), Device: unescape(fields[1]), Line: n, Raw: line}
		if len(fields) > 2 && fields[2] != "none" && fields[2] != "-" {
			c.Key = unescape(fields[2])
		}
		if len(fields) > 3 {
			c.Options = fields[3]
		}
		all = append(all, c)
	}
	return all
}

// tabLines yields the lines that are no comments, with their numbers, up to the one
// after maxLines. Of a line that is longer than maxLine it yields one byte more.
func tabLines(text []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range bytes.Lines(text) {
			if n++; n > maxLines+1 {
				return
			}
			s := strings.TrimFunc(string(line[:min(len(line), maxLine+1)]), func(r rune) bool { return blank(r) || r == '\n' || r == '\r' })
			if s == "" || s[0] == '#' {
				continue
			}
			if !yield(n, s) {
				return
			}
		}
	}
}

func blank(r rune) bool { return r == ' ' || r == '\t' }
