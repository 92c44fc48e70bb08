package cause

import (
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Watched are the names that facts depend on. What it is asked costs no more with many
// names than with few: it is asked for each file that any event changes.
type Watched struct {
	names map[string]bool // clean
	above map[string]bool // directories above them
	trees map[string]bool // as wanted, with "/" at the end

	dirs  map[inode]string // of all these, by inode, as they were at since
	since time.Time
}

// inode names a file of the host.
type inode struct {
	number uint64
	dev    [2]uint32
}

// Watch returns the names.
func Watch(names []string) *Watched {
	w := &Watched{names: make(map[string]bool, len(names)), above: map[string]bool{}, trees: map[string]bool{}}
	for _, n := range names {
		if strings.HasSuffix(n, "/") {
			w.trees[n] = true
		}
		n = path.Clean(n)
		w.names[n] = true
		for dir := path.Dir(n); len(dir) > 1 && !w.above[dir]; dir = path.Dir(dir) {
			w.above[dir] = true
		}
	}
	return w
}

// Has reports whether facts depend on name, which is one of the names, below a tree, or
// a directory above a name, renamed or removed with it.
func (w *Watched) Has(name []byte) bool {
	if w.names[string(name)] || w.above[string(name)] {
		return true
	}
	for i, c := range name {
		if c == '/' && w.trees[string(name[:i+1])] {
			return true
		}
	}
	return false
}

// oldDirs is for how long the inodes of directories are taken to be what they were.
const oldDirs = time.Second

// Locate finds the absolute name of a file base in a directory that is known by its inode
// alone. It is empty when facts depend on nothing there.
func (w *Watched) Locate(number uint64, dev [2]uint32, base string, now time.Time) string {
	if w.dirs == nil || now.Sub(w.since) > oldDirs || now.Before(w.since) {
		w.dirs, w.since = w.inodes(), now
	}
	if dir, ok := w.dirs[inode{number, dev}]; ok {
		return path.Join(dir, base)
	}
	return ""
}

func (w *Watched) inodes() map[inode]string {
	dirs := map[inode]string{}
	add := func(dir string) {
		var st unix.Stat_t
		if unix.Stat(dir, &st) == nil {
			dirs[inode{st.Ino, [2]uint32{unix.Major(st.Dev), unix.Minor(st.Dev)}}] = dir
		}
	}
	for n := range w.names {
		if !w.above[path.Dir(n)] {
			add(path.Dir(n))
		}
	}
	for n := range w.above {
		add(n)
	}
	for t := range w.trees {
		add(path.Clean(t))
	}
	return dirs
}
