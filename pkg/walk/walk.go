// Package walk goes through a tree of files once, fast and within bounds.
//
// Directories are opened relative to the one above and never through a link, so
// that nobody who moves things about leads the walk elsewhere. Every directory,
// regular file and device is described by its stat; links, sockets and FIFOs are
// passed over. Names are bytes, and paths are only put together for those who ask.
//
// A walk that ends early says why. What went away or may not be read is passed
// over and counted.
package walk

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// MaxDepth bounds how deep a walk goes: each level takes a descriptor.
const MaxDepth = 500

// Config says where a walk goes.
type Config struct {
	Top string // the directory as this process opens it
	// Places are directories, by their names below the top, that this process finds
	// elsewhere (hostfs.Root.Places).
	Places map[string]string
	// Enter says whether to go into the directory name (below the top, "/" being
	// the top itself) of a device. crossed is the file system's magic number where
	// its device is another than that of the directory above, else 0.
	Enter func(name string, crossed int64) bool
	// Visit is told of each entry. It must not keep the Entry.
	Visit      func(*Entry)
	MaxEntries int
	MaxTime    time.Duration
}

// Entry is a directory, a regular file or a device.
type Entry struct {
	Dir  string // of the entry, "/" for what lies at the top
	Name []byte // "" for the top itself
	Stat unix.Stat_t
	FD   int // of Dir, for a look at the entry; -1 for the top
}

// Path puts the entry's name together, as seen from the top.
func (e *Entry) Path() string {
	if e.Dir == "/" {
		return "/" + string(e.Name)
	}
	return e.Dir + "/" + string(e.Name)
}

// Result says how a walk went.
type Result struct {
	Entries int
	Denied  int    // directories that could not be read
	Cut     string // why it ended early, or did not go everywhere; "" if it did
}

// bufferSize is what getdents fills at once.
const bufferSize = 64 << 10

// Walk walks. The error is of the top directory alone.
func Walk(ctx context.Context, c Config) (Result, error) {
	w := walker{Config: c, done: ctx.Done(), end: time.Now().Add(c.MaxTime), buf: make([]byte, bufferSize)}
	fd, err := unix.Open(c.Top, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return Result{}, fmt.Errorf("open %s: %w", c.Top, err)
	}
	e := Entry{Dir: "/", FD: -1}
	if err := unix.Fstat(fd, &e.Stat); err != nil {
		unix.Close(fd)
		return Result{}, fmt.Errorf("stat %s: %w", c.Top, err)
	}
	c.Visit(&e)
	w.result.Entries = 1
	w.dir(fd, "/", e.Stat.Dev, 1)
	return w.result, nil
}

type walker struct {
	Config
	done   <-chan struct{}
	end    time.Time
	buf    []byte
	entry  Entry // one for all, since its address is given away
	result Result
	over   bool
}

// dir reads the directory fd, which it closes, and then goes down.
func (w *walker) dir(fd int, name string, dev uint64, depth int) {
	defer unix.Close(fd)
	below, ok := w.list(fd, name)
	if !ok {
		w.result.Denied++
	}
	for _, sub := range below {
		if w.late() {
			return
		}
		if depth == MaxDepth {
			w.result.Cut = fmt.Sprintf("directories nest deeper than %d", MaxDepth)
			return
		}
		w.down(fd, name, sub, dev, depth)
	}
}

// down goes into one directory of another.
func (w *walker) down(at int, dir, sub string, dev uint64, depth int) {
	name := dir + "/" + sub
	if dir == "/" {
		name = "/" + sub
	}
	file := sub
	if shown, ok := w.Places[name]; ok {
		file = shown // absolute: at does not count
	}
	fd, err := unix.Openat(at, file, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		if err != unix.ENOENT && err != unix.ENOTDIR && err != unix.ELOOP { // it went away, or is another thing now
			w.result.Denied++
		}
		return
	}
	e := &w.entry
	if err := unix.Fstat(fd, &e.Stat); err != nil {
		unix.Close(fd)
		w.result.Denied++
		return
	}
	var crossed int64
	if e.Stat.Dev != dev {
		var s unix.Statfs_t
		if err := unix.Fstatfs(fd, &s); err != nil {
			unix.Close(fd)
			return
		}
		crossed = s.Type
	}
	if !w.Enter(name, crossed) {
		unix.Close(fd)
		return
	}
	e.Dir, e.Name, e.FD = dir, append(e.Name[:0], sub...), at
	w.Visit(e)
	w.dir(fd, name, e.Stat.Dev, depth+1)
}

// list tells of the entries of a directory and returns the directories among them.
func (w *walker) list(fd int, name string) (below []string, ok bool) {
	for {
		n, err := unix.Getdents(fd, w.buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return below, err == nil
		}
		for b := w.buf[:n]; len(b) > 0; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			below = w.one(fd, name, b[18], cString(b[19:size]), below)
			b = b[size:]
		}
		if w.late() {
			return below, true
		}
	}
}

// one tells of one entry, or adds it to the directories.
func (w *walker) one(fd int, dir string, kind byte, name []byte, below []string) []string {
	if len(name) <= 2 && (string(name) == "." || string(name) == "..") {
		return below
	}
	w.result.Entries++
	switch kind {
	case unix.DT_DIR:
		return append(below, string(name))
	case unix.DT_REG, unix.DT_CHR, unix.DT_BLK, unix.DT_UNKNOWN:
	default:
		return below
	}
	e := &w.entry
	if unix.Fstatat(fd, string(name), &e.Stat, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT) != nil {
		return below
	}
	switch e.Stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return append(below, string(name))
	case unix.S_IFREG, unix.S_IFCHR, unix.S_IFBLK:
		e.Dir, e.Name, e.FD = dir, name, fd
		w.Visit(e)
		e.Name = nil // it lies in buf
	}
	return below
}

// late reports whether the walk has to end, and notes why.
func (w *walker) late() bool {
	select {
	case <-w.done:
		w.over, w.result.Cut = true, "it was called off"
	default:
	}
	switch {
	case w.over:
	case w.result.Entries > w.MaxEntries:
		w.over, w.result.Cut = true, fmt.Sprintf("there are more than %d entries", w.MaxEntries)
	case time.Now().After(w.end):
		w.over, w.result.Cut = true, fmt.Sprintf("it took longer than %v", w.MaxTime)
	}
	return w.over
}

// cString is b up to its first NUL.
func cString(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
