package audit

import (
	"path"

	"seawall/pkg/syscallname"
)

// The operations of a Change.
const (
	OpWrite      = "write"
	OpCreate     = "create"
	OpRename     = "rename"
	OpDelete     = "delete"
	OpAttributes = "attributes"
	OpLink       = "link"
	OpMount      = "mount"
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

// ChangedPaths returns the files that a successful event changed, the ones it
// created and removed included. An event that only read has none.
func ChangedPaths(e *Event) []Change {
	if !e.HasSyscall || !e.Success || len(e.Paths) == 0 {
		return nil
	}
	call := SyscallName(e)
	kind := effectOf(call)
	if !opensForWriting(e, call) {
		kind.op = "" // it still creates what was not there
	}
	var changes []Change
	var parent *Path
	for i := range e.Paths {
		p := &e.Paths[i]
		op := kind.operation(p.Nametype)
		if p.Nametype == NametypeParent {
			parent = p
		}
		if op == "" || len(changes) == maxChanges {
			continue
		}
		c := e.change(p, kind, parentOf(e, p))
		c.Operation = op
		changes = add(changes, c)
	}
	if len(changes) == 0 && e.Partial && parent != nil {
		// The record of the file itself was lost: its directory is what we know.
		c := e.change(parent, kind, nil)
		c.Operation = OpWrite
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

// effect is what a system call does to the paths in its event.
type effect struct {
	op      string // to a path that was there; empty: nothing
	created string // to a path with nametype CREATE
	deleted string // to one with nametype DELETE
	// Which arguments hold the directories that names are relative to: of the
	// old and of the new name, or -1 where there is none.
	dirOld, dirNew int
}

func (k effect) operation(t Nametype) string {
	switch t {
	case NametypeCreate:
		return k.created
	case NametypeDelete:
		return k.deleted
	case NametypeNormal, NametypeUnknown:
		return k.op
	}
	return ""
}

// effectOf returns what a system call does to paths. The switch is a table: one
// case per kind of effect and place of the directory arguments.
func effectOf(call string) effect {
	k := effect{created: OpCreate, deleted: OpDelete, dirOld: -1, dirNew: -1}
	switch call {
	case "creat", "open", "uring_openat":
		k.op = OpWrite
	case "openat", "openat2":
		k.op, k.dirOld, k.dirNew = OpWrite, 0, 0
	case "truncate", "ftruncate", "truncate64", "ftruncate64", "fallocate", "uring_fallocate":
		k.op = OpWrite
	case "rename", "uring_renameat":
		k.created, k.deleted = OpRename, OpRename
	case "renameat", "renameat2":
		k.created, k.deleted, k.dirOld, k.dirNew = OpRename, OpRename, 0, 2
	case "unlinkat", "mkdirat", "mknodat":
		k.dirOld, k.dirNew = 0, 0
	case "link", "symlink", "uring_linkat":
		k.created = OpLink
	case "linkat":
		k.created, k.dirOld, k.dirNew = OpLink, 0, 2
	case "symlinkat":
		k.created, k.dirOld, k.dirNew = OpLink, 1, 1
	case "chmod", "fchmod", "chown", "lchown", "fchown", "chown32", "lchown32", "fchown32",
		"setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "uring_setxattr":
		k.op = OpAttributes
	case "fchmodat", "fchmodat2", "fchownat", "setxattrat", "removexattrat", "file_setattr":
		k.op, k.dirOld, k.dirNew = OpAttributes, 0, 0
	case "mount", "umount", "umount2":
		k.op = OpMount
	case "move_mount":
		k.op, k.dirOld, k.dirNew = OpMount, 0, 2
	default:
		// Only what it creates or deletes counts.
	}
	return k
}

// change makes the Change of p; dir is its PARENT record or nil.
func (e *Event) change(p *Path, kind effect, dir *Path) Change {
	c := Change{Inode: p.Inode, Dev: p.Dev}
	if dir != nil {
		c.Dir, c.DirDev = dir.Inode, dir.Dev
	}
	name := string(p.Name)
	arg := kind.dirOld
	if p.Nametype == NametypeCreate {
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
func parentOf(e *Event, p *Path) *Path {
	var first, last *Path
	for i := range e.Paths {
		if q := &e.Paths[i]; q.Nametype == NametypeParent {
			if first == nil {
				first = q
			}
			last = q
		}
	}
	if p.Nametype == NametypeCreate || p.Nametype == NametypeParent {
		return last
	}
	return first
}

// opensForWriting reports whether an open asks for the right to write or cuts the
// file. What cannot be known (an old kernel's openat2, io_uring) counts as writing.
func opensForWriting(e *Event, call string) bool {
	const (
		accessMode = 3
		truncate   = 0o1000
		tmpfile    = 0o20000000
	)
	var flags uint64
	switch call {
	case "open":
		flags = e.Args[1]
	case "openat":
		flags = e.Args[2]
	case "openat2":
		if !e.HasOpenFlags {
			return true
		}
		flags = e.OpenFlags
	default:
		return true
	}
	if flags&tmpfile != 0 {
		return false // a file without a name; a later linkat gives it one
	}
	return flags&accessMode != 0 || flags&truncate != 0
}

// SyscallName returns the name of the event's system call, or "" when it is not
// known. io_uring operations on files have names that begin with "uring_".
func SyscallName(e *Event) string {
	if e.Uring {
		return syscallname.Uring(e.Syscall)
	}
	return syscallname.Name(e.Arch, e.Syscall)
}
