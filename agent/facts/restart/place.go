package restart

import (
	"bytes"
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// packaged reports whether path lies where packages, or an administrator in their
// stead, put programs and libraries.
func packaged(path []byte) bool {
	first, _, ok := bytes.Cut(bytes.TrimPrefix(path, []byte("/")), []byte("/"))
	if !ok || path[0] != '/' {
		return false
	}
	switch string(first) {
	case "usr", "lib", "lib64", "lib32", "libx32", "bin", "sbin", "opt":
		return true
	}
	return false
}

// scratch reports whether a folder on the way to path is one for temporary files.
func scratch(path []byte) bool {
	for folder := range bytes.SplitSeq(path, []byte("/")) {
		switch string(folder) {
		case "tmp", "temp", "cache", ".tmp", ".cache":
			return true
		}
	}
	return false
}

// place is what a name stands for now.
type place struct {
	there      bool // there is a file
	gone       bool // there is none; where neither holds, it is not known
	dev, inode uint64
}

// lookup asks for what path stands for, without opening or mounting anything.
func lookup(path string) place {
	var st unix.Stat_t
	err := unix.Fstatat(unix.AT_FDCWD, path, &st, unix.AT_NO_AUTOMOUNT)
	switch {
	case err == nil:
		return place{there: true, dev: st.Dev, inode: st.Ino}
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return place{gone: true}
	}
	return place{}
}

// maxPlaces bounds the memory of one look; beyond it names are looked up again.
const maxPlaces = 16 << 10

// places remembers what names stand for during one look at all processes.
type places map[string]place

func (p places) lookup(path []byte) place {
	if at, ok := p[string(path)]; ok { // this does not allocate
		return at
	}
	name := string(path)
	at := lookup(name)
	if at.gone && strings.Contains(name, `\012`) { // how maps writes a newline
		at = lookup(strings.ReplaceAll(name, `\012`, "\n"))
	}
	if len(p) < maxPlaces {
		p[name] = at
	}
	return at
}

// standing says how a mapped file stands to its name.
type standing int

const (
	current  standing = iota
	replaced          // by the kernel's own mark
	other             // the name stands for another file, in the reader's view
)

var mark = []byte(" (deleted)")

// judge compares a mapping with what its name stands for now. name is the mapping's
// path without the mark.
func (p places) judge(m mapping) (s standing, name []byte) {
	name, marked := bytes.CutSuffix(m.path, mark)
	if !packaged(m.path) {
		return current, name
	}
	if marked {
		if as := p.lookup(m.path); as.there { // really called so
			return p.compare(m, as), m.path
		}
		now := p.lookup(name)
		if now.there && sameFile(m, now) || now.gone && scratch(name) {
			return current, name
		}
		return replaced, name
	}
	if unix.Major(m.dev) == 0 { // numbers that cannot be compared
		return current, name
	}
	return p.compare(m, p.lookup(name)), name
}

// compare judges a file that is not marked.
func (p places) compare(m mapping, now place) standing {
	if unix.Major(m.dev) != 0 && now.there && now.dev == m.dev && now.inode != m.inode {
		return other
	}
	return current
}

// sameFile reports whether now is the file of m: a name that was removed and made
// again, such as a package's that could not be installed.
func sameFile(m mapping, now place) bool {
	return now.inode == m.inode && (now.dev == m.dev || unix.Major(m.dev) == 0)
}
