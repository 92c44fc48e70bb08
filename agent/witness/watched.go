package witness

import (
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
)

// watched are the names that facts depend on. What it is asked costs no more with many
// names than with few: it is asked for each file that any event changes.
type watched struct {
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

func newWatched(names []string) *watched {
	w := &watched{names: make(map[string]bool, len(names)), above: map[string]bool{}, trees: map[string]bool{}}
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

// has reports whether facts depend on name, which is one of the names, below a tree, or
// a directory above a name, renamed or removed with it.
func (w *watched) has(name []byte) bool {
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

// concerns reports whether e may have changed what facts depend on, without looking at
// the host. buf is lent and returned.
func (w *watched) concerns(e *audit.Event, buf []byte) (bool, []byte) {
	if e.Partial {
		return len(e.Paths) > 0, buf
	}
	for i := range e.Paths {
		if effect.Did(e, i) == "" {
			continue
		}
		name, absolute := effect.AppendName(buf[:0], e, i)
		buf = name
		if !absolute || w.has(name) {
			return true, buf
		}
	}
	return false, buf
}

// oldDirs is for how long the inodes of directories are taken to be what they were.
const oldDirs = time.Second

// locate finds the absolute name of a change whose directory the kernel did not name, by
// the directory's inode. It is empty when facts depend on nothing there.
func (w *watched) locate(ch *effect.Change, now time.Time) string {
	if w.dirs == nil || now.Sub(w.since) > oldDirs || now.Before(w.since) {
		w.dirs, w.since = w.inodes(), now
	}
	if dir, ok := w.dirs[inode{ch.Dir, ch.DirDev}]; ok {
		return path.Join(dir, path.Base(ch.Path))
	}
	return ""
}

func (w *watched) inodes() map[inode]string {
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
