package effect

import (
	"path"

	"seawall/pkg/audit"
)

// The operations of a Change.
const (
	Write      = "write"
	Create     = "create"
	Rename     = "rename"
	Delete     = "delete"
	Attributes = "attributes"
	Link       = "link"
	Mount      = "mount"
)

// Change is one file that an event changed.
type Change struct {
	// Path is absolute and clean, unless Relative is set. Links in it are not
	// resolved: the process may have come by another name than the one watched.
	Path      string
	Operation string
	// Relative says that Path is relative to a directory that the kernel did not
	// name (a descriptor of it was given), or empty where the file itself was
	// given by descriptor. Inode, or Dir for the directory, tell which it is.
	Relative bool
	// Inode and Dev are the file's; Dir and DirDev its directory's, 0 when the
	// kernel did not say.
	Inode, Dir  uint64
	Dev, DirDev [2]uint32
}

// maxChanges bounds what one event can name: a rename has six paths at most.
const maxChanges = 16

// Changes returns the files that a successful event changed, the ones it
// created and removed included. An event that only read has none.
func Changes(e *audit.Event) []Change {
	if !e.HasSyscall || !e.Success || len(e.Paths) == 0 {
		return nil
	}
	call := Call(e)
	kind := effectOf(call)
	if !opensForWriting(e, call) {
		kind.op = "" // it still creates what was not there
	}
	var changes []Change
	var parent *audit.Path
	for i := range e.Paths {
		p := &e.Paths[i]
		op := kind.operation(p.Nametype)
		if p.Nametype == audit.NametypeParent {
			parent = p
		}
		if op == "" || len(changes) == maxChanges {
			continue
		}
		c := change(e, p, kind, parentOf(e, p))
		c.Operation = op
		changes = add(changes, c)
	}
	if len(changes) == 0 && e.Partial && parent != nil {
		// The record of the file itself was lost: its directory is what we know.
		c := change(e, parent, kind, nil)
		c.Operation = Write
		changes = append(changes, c)
	}
	return changes
}

// add appends c, joining it with an equal path: a rename over a file names it
// twice.
func add(changes []Change, c Change) []Change {
	for i := range changes {
		have := &changes[i]
		if c.Path != "" && have.Path == c.Path && have.Relative == c.Relative {
			have.Inode, have.Dev = c.Inode, c.Dev
			return changes
		}
	}
	return append(changes, c)
}

// change makes the Change of p; dir is its PARENT record or nil.
func change(e *audit.Event, p *audit.Path, kind effect, dir *audit.Path) Change {
	c := Change{Inode: p.Inode, Dev: p.Dev}
	if dir != nil {
		c.Dir, c.DirDev = dir.Inode, dir.Dev
	}
	name := string(p.Name)
	arg := kind.dirOld
	if p.Nametype == audit.NametypeCreate {
		arg = kind.dirNew
	}
	switch {
	case name == "":
		c.Relative = true
	case name[0] == '/':
		c.Path = path.Clean(name)
	case len(e.CWD) > 0 && e.CWD[0] == '/' && !e.Uring && (arg < 0 || atCWD(e.Args[arg])):
		c.Path = path.Clean(string(e.CWD) + "/" + name)
	default:
		c.Path, c.Relative = path.Clean(name), true
	}
	return c
}

// atCWD reports whether a directory argument is AT_FDCWD, an int of -100.
func atCWD(arg uint64) bool { return uint32(arg) == 0xffffff9c }

// parentOf returns the PARENT record that belongs to p: the kernel writes the
// directories first and in the order of the names, except that a rename over a
// file has one name more.
func parentOf(e *audit.Event, p *audit.Path) *audit.Path {
	var first, last *audit.Path
	for i := range e.Paths {
		if q := &e.Paths[i]; q.Nametype == audit.NametypeParent {
			if first == nil {
				first = q
			}
			last = q
		}
	}
	if p.Nametype == audit.NametypeCreate || p.Nametype == audit.NametypeParent {
		return last
	}
	return first
}
