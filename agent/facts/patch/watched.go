package patch

import (
	"io/fs"
	"os"
	"syscall"

	"seawall/pkg/hostfs"
)

// watched reads below a root and remembers, of all it was asked for, what tells
// a changed file from an unchanged one.
type watched struct {
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

func newWatched(root hostfs.Root) *watched {
	return &watched{root: root, seen: map[string]key{}}
}

// look remembers name as it is now, before it is read: a change while it is read
// is then seen as one.
func (w *watched) look(name string) (fs.FileInfo, error) {
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

// unchanged reports whether everything that was looked at is as it was.
func (w *watched) unchanged() bool {
	for name, k := range w.seen {
		if keyOf(w.root.Stat(name)) != k {
			return false
		}
	}
	return true
}

func (w *watched) readFile(name string, limit int64) ([]byte, error) {
	if _, err := w.look(name); err != nil {
		return nil, err
	}
	return w.root.ReadFile(name, limit)
}

func (w *watched) open(name string) (*os.File, error) {
	if _, err := w.look(name); err != nil {
		return nil, err
	}
	f, _, err := w.root.OpenFile(name)
	return f, err
}

func (w *watched) readDir(name string) ([]string, error) {
	if _, err := w.look(name); err != nil {
		return nil, err
	}
	return w.root.ReadDir(name)
}
