package accounts

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/passwd"
	"seawall/pkg/text"
)

// home looks at a home directory. What the user's own group may do, own says, is as
// good as the user's doing.
func (r *reader) home(u passwd.User, own bool) Home {
	h := Home{Read: true, Mode: -1, UID: -1, GID: -1, Dot: []DotFile{}}
	if !path.IsAbs(u.Home) {
		h.Error = "the home is no absolute name"
		return h
	}
	fi, err := r.root.Stat(u.Home)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return h
	case err != nil:
		h.Error = text.Clean(err.Error(), text.Limit)
		return h
	case !fi.IsDir():
		h.Error = "the home is no directory"
		return h
	}
	h.Exists, h.Mode = true, int(fi.Mode().Perm())
	h.UID, h.GID = owners(fi)
	if path.Clean(u.Home) == "/" {
		return h
	}
	if len(r.Meta.Depends) < 400 {
		r.Meta.Depend(u.Home)
	}
	names, err := r.root.ReadDir(u.Home)
	if err != nil {
		h.Error = text.Clean(err.Error(), text.Limit)
		return h
	}
	private := -1
	if own {
		private = u.GID
	}
	r.names += len(names)
	for _, name := range names {
		switch {
		case name[0] != '.':
		case len(h.Dot) == 50:
			r.Meta.Leave("users", u.Home+" has more dot files than are listed")
			return h
		default:
			r.dotFile(&h, path.Join(u.Home, name), private)
		}
	}
	return h
}

// dotFile adds a dot file that others get in by, or that others may write.
func (r *reader) dotFile(h *Home, name string, private int) {
	kinds := map[string]string{".netrc": "netrc", ".rhosts": "rhosts", ".shosts": "shosts", ".forward": "forward"}
	kind := kinds[path.Base(name)]
	fi, err := r.root.Lstat(name)
	if err != nil || fi.Mode()&fs.ModeSymlink != 0 && kind == "" {
		return
	}
	if !fi.Mode().IsRegular() && !fi.IsDir() {
		if target, err := r.root.Stat(name); err == nil && hostfs.Null(target) {
			return // so that nobody puts another there
		}
	}
	d := DotFile{Path: text.Clean(name, text.Limit), Kind: kind, Mode: int(fi.Mode().Perm())}
	d.UID, d.GID = owners(fi)
	if kind == "" && d.open(fi, private) {
		d.Kind = "writable"
	}
	if d.Kind == "" {
		return
	}
	if kind == "rhosts" || kind == "shosts" {
		d.Plus = r.trustsAll(name)
	}
	h.Dot = append(h.Dot, d)
}

// open reports whether somebody else may write a file or a directory, private being the
// group that is the owner's alone.
func (d *DotFile) open(fi fs.FileInfo, private int) bool {
	if !fi.Mode().IsRegular() && !fi.IsDir() || fi.IsDir() && fi.Mode()&fs.ModeSticky != 0 {
		return false
	}
	return d.Mode&0o002 != 0 || d.Mode&0o020 != 0 && d.GID != private && d.GID != 0
}

// trustsAll reports whether a file of trusted hosts has a line for everybody.
func (r *reader) trustsAll(name string) bool {
	data, err := r.root.ReadFile(name, 0)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == "+" {
			return true
		}
	}
	return false
}

// trust looks for the files by which the host trusts others.
func (r *reader) trust() {
	r.Trust = []DotFile{}
	for _, name := range []string{"/etc/hosts.equiv", "/etc/ssh/shosts.equiv"} {
		r.Meta.Depend(name)
		fi, err := r.root.Stat(name)
		if err != nil || hostfs.Null(fi) {
			continue
		}
		d := DotFile{Path: name, Kind: "equiv", Mode: int(fi.Mode().Perm()), Plus: r.trustsAll(name)}
		d.UID, d.GID = owners(fi)
		r.Trust = append(r.Trust, d)
	}
}
