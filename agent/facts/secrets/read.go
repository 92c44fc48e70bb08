package secrets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/secrets/webroot"
	"seawall/pkg/hostfs"
	"seawall/pkg/leak"
	"seawall/pkg/names"
	"seawall/pkg/text"
)

// Limits of a search.
const (
	maxFiles   = 3000
	maxBytes   = 12 << 20
	maxEntries = 20_000
	maxTime    = 5 * time.Second
	maxHomes   = 200
	maxLeaks   = 500
	maxName    = 512 // bytes of a path that is shown
)

// Read searches a host.
func Read(ctx context.Context, env fact.Env) Facts {
	start := time.Now()
	f := Facts{Leaks: []Leak{}, Files: []File{}, Web: []WebFile{}, Searched: Searched{Homes: []string{}, WebRoots: []string{}}}
	r := &reader{root: env.Root, f: &f, dirs: map[string]bool{}, seen: map[string]bool{}}
	f.Meta.State = fact.StateKnown
	f.Meta.Depend(names.Files()...)
	who, err := names.Read(env.Root)
	if err != nil {
		f.Meta.Fail("read accounts", err)
		if f.Meta.State == fact.StateAbsent {
			f.Meta.State = fact.StateUnknown
		}
		return f
	}
	r.names = who
	if r.sites = webroot.Load(env.Root); r.sites.More {
		r.cut("there are more roots of web sites than are searched")
	}
	f.Meta.Depend(r.sites.Depends...)
	r.walk(ctx)
	r.fixed()
	r.units()
	slices.SortStableFunc(f.Leaks, func(a, b Leak) int { return strings.Compare(a.File, b.File) })
	f.Searched.Known = true
	f.Meta.Took = time.Since(start)
	return f
}

type reader struct {
	root  hostfs.Root
	f     *Facts
	names *names.Names
	sites webroot.Sites
	trees map[string]tree
	dirs  map[string]bool // whether everybody may pass a directory
	seen  map[string]bool // files that were read
}

func (r *reader) cut(why string) {
	if r.f.Searched.Cut == "" {
		r.f.Searched.Cut = text.Clean(why, text.Limit)
	}
}

// list returns the names in a directory of the host's own.
func (r *reader) list(dir string, most int) []string {
	names, err := r.root.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil
	case err != nil:
		r.cut(err.Error())
		return nil
	case len(names) > most:
		r.cut(dir + " has more files than are read")
		names = names[:most]
	}
	return names
}

// search reads a file and keeps what secrets are in it.
func (r *reader) search(name, user string, w what) {
	if r.seen[name] {
		return
	}
	r.seen[name] = true
	s := &r.f.Searched
	if s.Files >= maxFiles || s.Bytes >= maxBytes {
		r.cut(fmt.Sprintf("%d files and %d KiB were read, more were not", s.Files, s.Bytes>>10))
		return
	}
	limit := int64(maxFile)
	if w.place == PlaceHistory {
		limit = maxHistory
	}
	b, err := r.root.ReadFile(name, limit)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, hostfs.ErrNotRegular) {
			r.cut(fmt.Sprintf("%s: %v", name, err))
		}
		return
	}
	s.Files++
	s.Bytes += len(b)
	r.keep(name, user, w, leak.Scan(b, w.mode))
}

// keep adds what was found in a file: the first key and the first of the others.
func (r *reader) keep(name, user string, w what, found []leak.Leak) {
	if len(found) == 0 {
		return
	}
	if len(r.f.Leaks) >= maxLeaks {
		r.cut("there are more secrets than are listed")
		return
	}
	fi, err := r.root.Stat(name)
	if err != nil {
		return
	}
	r.f.Meta.Depend(name)
	mode, uid, gid := owners(fi)
	at := map[bool]int{}
	for _, l := range found {
		if i, ok := at[l.Key]; ok {
			first := &r.f.Leaks[i]
			first.More++
			first.Encrypted = first.Encrypted && l.Encrypted
			continue
		}
		at[l.Key] = len(r.f.Leaks)
		r.f.Leaks = append(r.f.Leaks, Leak{Place: w.place, Kind: l.Kind, File: text.Clean(name, maxName), Line: l.Line, Raw: l.Kind, User: text.Clean(user, 64),
			Mode: mode, Text: fmt.Sprintf("%04o %s", mode, text.Clean(r.names.Label(uid, gid), 128)), Open: mode&4 != 0 && r.passable(path.Dir(name)),
			Key: l.Key, Encrypted: l.Encrypted})
	}
}

// credential keeps a file that holds secrets by its nature.
func (r *reader) credential(name, user, kind string) {
	fi, err := r.root.Lstat(name)
	if err != nil {
		return
	}
	if len(r.f.Files) >= maxLeaks {
		r.cut("there are more files of secrets than are listed")
		return
	}
	mode, uid, gid := owners(fi)
	open := mode&4 != 0
	if mode&0o040 != 0 {
		for _, m := range r.names.Members(gid) {
			if id, ok := r.names.UID(m); ok && id != uid && id >= 1000 {
				open = true
			}
		}
	}
	r.f.Meta.Depend(name)
	r.f.Files = append(r.f.Files, File{Kind: kind, Path: text.Clean(name, maxName), User: text.Clean(user, 64), Mode: mode,
		Text: fmt.Sprintf("%04o %s", mode, text.Clean(r.names.Label(uid, gid), 128)), Open: open && r.passable(path.Dir(name))})
}

// passable reports whether everybody may go through a directory and those above it.
func (r *reader) passable(dir string) bool {
	if dir == "/" || dir == "." {
		return true
	}
	if open, ok := r.dirs[dir]; ok {
		return open
	}
	fi, err := r.root.Stat(dir)
	open := err != nil || fi.Mode().Perm()&1 != 0 && r.passable(path.Dir(dir))
	r.dirs[dir] = open
	return open
}
