package effect

import (
	"seawall/pkg/audit"
	"seawall/pkg/syscallname"
)

// effect is what a system call does to the paths in its event.
type effect struct {
	op      string // to a path that was there; empty: nothing
	created string // to a path with nametype CREATE
	deleted string // to one with nametype DELETE
	// Which arguments hold the directories that names are relative to: of the
	// old and of the new name, or -1 where there is none.
	dirOld, dirNew int
}

func (k effect) operation(t audit.Nametype) string {
	switch t {
	case audit.NametypeCreate:
		return k.created
	case audit.NametypeDelete:
		return k.deleted
	case audit.NametypeNormal, audit.NametypeUnknown:
		return k.op
	}
	return ""
}

// effectOf returns what a system call does to paths. The switch is a table: one
// case per kind of effect and place of the directory arguments.
func effectOf(call string) effect {
	k := effect{created: Create, deleted: Delete, dirOld: -1, dirNew: -1}
	switch call {
	case "creat", "open", "uring_openat", several:
		k.op = Write
	case "openat", "openat2":
		k.op, k.dirOld, k.dirNew = Write, 0, 0
	case "truncate", "ftruncate", "truncate64", "ftruncate64", "fallocate", "uring_fallocate":
		k.op = Write
	case "rename", "uring_renameat":
		k.created, k.deleted = Rename, Rename
	case "renameat", "renameat2":
		k.created, k.deleted, k.dirOld, k.dirNew = Rename, Rename, 0, 2
	case "unlinkat", "mkdirat", "mknodat":
		k.dirOld, k.dirNew = 0, 0
	case "link", "symlink", "uring_linkat":
		k.created = Link
	case "linkat":
		k.created, k.dirOld, k.dirNew = Link, 0, 2
	case "symlinkat":
		k.created, k.dirOld, k.dirNew = Link, 1, 1
	case "chmod", "fchmod", "chown", "lchown", "fchown", "chown32", "lchown32", "fchown32",
		"setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "uring_setxattr":
		k.op = Attributes
	case "fchmodat", "fchmodat2", "fchownat", "setxattrat", "removexattrat", "file_setattr":
		k.op, k.dirOld, k.dirNew = Attributes, 0, 0
	case "mount", "umount", "umount2":
		k.op = Mount
	case "move_mount":
		k.op, k.dirOld, k.dirNew = Mount, 0, 2
	default:
		// Only what it creates or deletes counts.
	}
	return k
}

// opensForWriting reports whether an open asks for the right to write or cuts the
// file. What cannot be known (an old kernel's openat2, io_uring) counts as writing.
func opensForWriting(e *audit.Event, call string) bool {
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

// several is the name of a call that had io_uring do several kinds of operations.
const several = "uring_several"

// Call returns the name of the event's system call, or "" when it is not
// known. io_uring operations on files have names that begin with "uring_".
func Call(e *audit.Event) string {
	switch {
	case e.Uring && e.Syscall < 0:
		return several
	case e.Uring:
		return syscallname.Uring(e.Syscall)
	}
	return syscallname.Name(e.Arch, e.Syscall)
}
