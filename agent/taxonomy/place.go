package taxonomy

import (
	"bytes"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
)

// named appends the name of path i, and whether it is absolute. found says that it is by
// the inode of its directory, or by its own, and not as the process called it.
func (r *Reader) named(dst []byte, e *audit.Event, i int) (name []byte, absolute, found bool) {
	from := len(dst)
	dst, absolute = effect.AppendName(dst, e, i)
	if r.Place == nil || len(dst) == from {
		return dst, absolute, false
	}
	said := len(dst)
	dst = r.place(dst, e, i, !absolute)
	placed := dst[said:]
	if len(placed) == 0 || bytes.Equal(placed, dst[from:said]) {
		return dst[:said], absolute, false
	}
	return append(dst[:from], placed...), true, true
}

// place appends the name of path i by inode, or nothing where that is not known.
func (r *Reader) place(dst []byte, e *audit.Event, i int, needed bool) []byte {
	p := &e.Paths[i]
	if dir := directory(e, i); dir != nil {
		name := bytes.TrimRight(p.Name, "/")
		name = name[bytes.LastIndexByte(name, '/')+1:]
		if place := r.Place(dir.Dev, dir.Inode, needed); place != "" && len(name) > 0 && string(name) != "." && string(name) != ".." {
			return append(append(append(dst, place...), '/'), name...)
		}
	}
	return append(dst, r.Place(p.Dev, p.Inode, needed)...)
}

// directory returns the record of the directory that path i is in, or nil. The kernel
// writes directories first, in the order of the names; those of the file systems that one
// of layers lies on come after, and have no name.
func directory(e *audit.Event, i int) *audit.Path {
	var dir *audit.Path
	for j := range e.Paths {
		q := &e.Paths[j]
		if q.Nametype != audit.NametypeParent || len(q.Name) == 0 {
			continue
		}
		if dir != nil && e.Paths[i].Nametype != audit.NametypeCreate {
			break // the first is that of what is removed
		}
		dir = q
	}
	return dir
}
