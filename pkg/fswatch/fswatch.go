// Package fswatch tells when files change, whoever changed them.
//
// Kernel audit says who opened a file for writing, at the time of the open; the
// content may come much later, and where there is no kernel audit nothing comes
// at all. inotify(7) says when the writer closed the file, but not who it was.
// Seawall's sensor uses both: audit for the cause, this package for the moment.
//
// A [Watcher] is given names as facts depend on them: a file, or a directory
// with everything below it (the name ends in "/"). Neither need exist: the
// directories above are watched too. The package watches directories, never the files themselves, so a file replaced by rename is seen.
// It reports names, once per kernel event; it does not coalesce.
package fswatch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// maxWatches bounds the directories of one Watcher; deeper trees than that are
// watched in part, and Set says so.
const maxWatches = 2048

const mask = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_CREATE | unix.IN_DELETE |
	unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

// ErrTooMany is returned by Set when the names need more directories than one
// Watcher watches.
var ErrTooMany = fmt.Errorf("more than %d directories to watch", maxWatches)

// Watcher watches a set of names. Its methods may be called from any goroutine.
type Watcher struct {
	f  *os.File
	fd int // of f: File.Fd would make it blocking

	mu       sync.Mutex
	names    []string
	complete bool            // the last look found everything watched
	files    map[string]bool // exact names
	trees    []string        // directories, each ending in "/"
	dirs     map[string]int  // watched directory → descriptor
	byWD     map[int]string
}

// New returns a Watcher of nothing. Close it.
func New() (*Watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("start inotify: %w", err)
	}
	return &Watcher{
		f:    os.NewFile(uintptr(fd), "inotify"),
		fd:   fd,
		dirs: map[string]int{},
		byWD: map[int]string{},
	}, nil
}

// Close ends Run.
func (w *Watcher) Close() error { return w.f.Close() }

// Set watches names and nothing else from now on. Directories that cannot be
// watched are joined in the error; the others are watched.
func (w *Watcher) Set(names []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.complete && slices.Equal(w.names, names) {
		return nil // events keep the watches as they should be
	}
	w.names = append(w.names[:0], names...)
	return w.sync()
}

// sync makes the kernel's watches fit the names. A directory can come between
// its being looked for and its parent's being watched, so it looks again until
// there is nothing new to watch.
func (w *Watcher) sync() error {
	for {
		before := len(w.byWD)
		want := w.wanted()
		w.drop(want)
		var errs []error
		added := false
		for dir := range want {
			if _, ok := w.dirs[dir]; ok {
				continue
			}
			err := w.watch(dir)
			added = added || err == nil
			errs = append(errs, err)
		}
		if !added || len(w.byWD) == before && before >= maxWatches {
			err := errors.Join(errs...)
			w.complete = err == nil
			return err
		}
	}
}

// wanted looks the names up afresh and returns the directories to watch.
func (w *Watcher) wanted() map[string]bool {
	w.files, w.trees = map[string]bool{}, w.trees[:0]
	want := map[string]bool{}
	for _, name := range w.names {
		w.add(want, name)
	}
	return want
}

// drop ends the watches of directories that are not wanted.
func (w *Watcher) drop(want map[string]bool) {
	for dir, wd := range w.dirs {
		if !want[dir] {
			// The kernel may have dropped it already with the directory.
			_, _ = unix.InotifyRmWatch(w.fd, uint32(wd))
			delete(w.dirs, dir)
			delete(w.byWD, wd)
		}
	}
}

// add puts the directories that tell of name into want.
func (w *Watcher) add(want map[string]bool, name string) {
	if !strings.HasSuffix(name, "/") {
		name = path.Clean(name)
		w.files[name] = true
		addParents(want, name)
		return
	}
	tree := path.Clean(name)
	w.trees = append(w.trees, strings.TrimSuffix(tree, "/")+"/")
	addParents(want, tree)
	// An unreadable part of the tree is left out: it has its own error where
	// facts read it.
	_ = filepath.WalkDir(tree, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			want[p] = true
		}
		if len(want) > maxWatches {
			return filepath.SkipAll
		}
		return nil
	})
}

// addParents puts every directory above name that exists into want: each of them
// can come, go, or be renamed with name in it.
func addParents(want map[string]bool, name string) {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if fi, err := os.Stat(dir); err == nil && fi.IsDir() {
			want[dir] = true
		}
		if dir == "/" {
			return
		}
	}
}

func (w *Watcher) watch(dir string) error {
	if len(w.dirs) >= maxWatches {
		return fmt.Errorf("watch %s: %w", dir, ErrTooMany)
	}
	wd, err := unix.InotifyAddWatch(w.fd, dir, mask)
	if errors.Is(err, unix.ENOENT) {
		return nil // gone since it was looked up; the next look finds it so
	}
	if err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	w.dirs[dir] = wd
	if _, ok := w.byWD[wd]; !ok {
		// Two names of one directory (a link or a bind mount) share one watch of
		// the kernel's; it reports by the name that came first.
		w.byWD[wd] = dir
	}
	return nil
}

// Run calls changed with each name that changed until ctx ends or the Watcher is
// closed. A name below a watched directory is given as it is; where the kernel
// dropped events, changed is called with every name of the set.
func (w *Watcher) Run(ctx context.Context, changed func(name string)) error {
	stop := context.AfterFunc(ctx, func() { w.f.Close() })
	defer stop()
	buf := make([]byte, 64<<10)
	for {
		n, err := w.f.Read(buf)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("read inotify: %w", err)
		}
		for _, name := range w.events(buf[:n]) {
			changed(name)
		}
	}
}

// events decodes one read and returns the names of the set that it touches.
func (w *Watcher) events(b []byte) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	stale := false
	for len(b) >= unix.SizeofInotifyEvent {
		wd := int(int32(binary.NativeEndian.Uint32(b)))
		bits := binary.NativeEndian.Uint32(b[4:])
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
		if end > len(b) {
			break
		}
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:end]), "\x00")
		b = b[end:]
		if bits&unix.IN_Q_OVERFLOW != 0 {
			return append([]string(nil), w.names...)
		}
		dir, ok := w.byWD[wd]
		if !ok {
			continue
		}
		if bits&unix.IN_IGNORED != 0 {
			w.forget(wd)
			stale = true
			continue
		}
		full := path.Join(dir, name)
		hit, above := w.match(full)
		if hit {
			names = append(names, full)
		}
		if above || hit && bits&unix.IN_ISDIR != 0 {
			stale = true
		}
	}
	if stale {
		// What cannot be watched now was reported by Set, and is looked up again
		// with the next change.
		_ = w.sync()
	}
	return names
}

func (w *Watcher) forget(wd int) {
	delete(w.byWD, wd)
	for dir, d := range w.dirs {
		if d == wd {
			delete(w.dirs, dir)
		}
	}
}

// match reports whether full is a name of the set or below one (hit), and
// whether it is a directory above one, whose coming or going moves the watches.
func (w *Watcher) match(full string) (hit, above bool) {
	hit = w.files[full]
	for _, tree := range w.trees {
		if strings.HasPrefix(full+"/", tree) {
			hit = true
		}
		above = above || strings.HasPrefix(tree, full+"/")
	}
	for name := range w.files {
		above = above || strings.HasPrefix(name, full+"/")
	}
	return hit || above, above
}
