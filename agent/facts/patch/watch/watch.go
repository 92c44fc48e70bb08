// Package watch reads files below a root and remembers, of everything it was asked
// for, what tells a changed file from an unchanged one: an answer that was read
// through a [Files] holds for as long as [Files.Unchanged] says so, at the cost of
// one stat each.
package watch

import (
	"io/fs"
	"os"
	"syscall"

	"seawall/pkg/hostfs"
)

// Files reads below a root and remembers what it was asked for, absent files
// included. It is not for concurrent use.
type Files struct {
	root hostfs.Root
	seen map[string]key
}

// key is what changes when a file does. The zero key is an absent file.
type key struct {
	dev, ino     uint64
	size         int64
	mtime, ctime syscall.Timespec
	mode         uint32
}

// New returns Files below root that has seen nothing yet.
func New(root hostfs.Root) *Files { return &Files{root: root, seen: map[string]key{}} }

// Root is where the files are read.
func (w *Files) Root() hostfs.Root { return w.root }

// Look remembers name as it is now, before it is read: a change while it is read
// is then seen as one. The first look counts.
func (w *Files) Look(name string) (fs.FileInfo, error) {
	fi, err := w.root.Stat(name)
	if _, ok := w.seen[name]; !ok {
		w.seen[name] = keyOf(fi, err)
	}
	return fi, err
}

func keyOf(fi fs.FileInfo, err error) key {
	if err != nil {
		return key{}
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return key{}
	}
	return key{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim, st.Mode}
}

// Unchanged reports whether everything that was looked at is as it was.
func (w *Files) Unchanged() bool {
	for name, k := range w.seen {
		if keyOf(w.root.Stat(name)) != k {
			return false
		}
	}
	return true
}

// Join remembers what other has seen, too.
func (w *Files) Join(other *Files) {
	for name, k := range other.seen {
		if _, ok := w.seen[name]; !ok {
			w.seen[name] = k
		}
	}
}

// Same reports whether w and other have both seen a file, and the same one.
func (w *Files) Same(name string, other *Files) bool {
	k := w.seen[name]
	return k != (key{}) && other.seen[name] == k
}

// ReadFile reads a file as hostfs.Root.ReadFile does.
func (w *Files) ReadFile(name string, limit int64) ([]byte, error) {
	if _, err := w.Look(name); err != nil {
		return nil, err
	}
	return w.root.ReadFile(name, limit)
}

// Open opens a regular file.
func (w *Files) Open(name string) (*os.File, error) {
	if _, err := w.Look(name); err != nil {
		return nil, err
	}
	f, _, err := w.root.OpenFile(name)
	return f, err
}

// ReadDir returns the names in a directory, sorted.
func (w *Files) ReadDir(name string) ([]string, error) {
	if _, err := w.Look(name); err != nil {
		return nil, err
	}
	return w.root.ReadDir(name)
}
