package secrets

import (
	"context"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
	"seawall/pkg/passwd"
	"seawall/pkg/text"
	"seawall/pkg/walk"
)

// tree is a directory that is searched.
type tree struct {
	kind  string // "home", "web", "app"
	user  string
	depth int
}

// found is a file that the walk met.
type found struct {
	name string
	user string
	what what
}

// walk searches the owner's directories.
func (r *reader) walk(ctx context.Context) {
	r.trees = map[string]tree{}
	r.plan("/opt", tree{kind: "app", depth: 4})
	r.plan("/srv", tree{kind: "app", depth: 4})
	if len(r.sites.Roots) > 0 || r.root.Exists("/var/www") {
		r.plan("/var/www", tree{kind: "app", depth: 4})
	}
	for _, name := range r.sites.Roots {
		if dir := r.plan(name, tree{kind: "web", depth: 6}); dir != "" {
			r.f.Searched.WebRoots = append(r.f.Searched.WebRoots, text.Clean(dir, maxName))
		}
	}
	r.homes()
	above := map[string]bool{"/": true}
	for dir := range r.trees {
		for d := path.Dir(dir); d != "/"; d = path.Dir(d) {
			above[d] = true
		}
	}
	var files []found
	result, err := walk.Walk(ctx, walk.Config{Top: r.root.Path("/"), Places: r.root.Places(), MaxEntries: maxEntries, MaxTime: maxTime,
		Enter: func(name string, crossed int64) bool { return !remote(crossed) && (above[name] || r.enter(name)) },
		Visit: func(e *walk.Entry) { files = r.visit(e, files) }})
	switch {
	case err != nil:
		r.cut(err.Error())
	case result.Cut != "":
		r.cut(result.Cut)
	}
	for _, f := range files {
		if f.what.credential != "" {
			r.credential(f.name, f.user, f.what.credential)
		}
		if f.what.place != "" {
			r.search(f.name, f.user, f.what)
		}
	}
}

// homes plans the homes of those who can log in.
func (r *reader) homes() {
	b, err := r.root.ReadFile("/etc/passwd", passwd.Limit)
	if err != nil {
		r.cut(err.Error())
		return
	}
	users, _ := passwd.Users(b)
	for _, u := range users {
		if !u.CanLogIn() && u.UID != 0 || !strings.HasPrefix(u.Home, "/") || systemDir(path.Clean(u.Home)) {
			continue
		}
		if len(r.f.Searched.Homes) >= maxHomes {
			r.cut("there are more homes than are searched")
			return
		}
		if dir := r.plan(u.Home, tree{kind: "home", user: u.Name, depth: 4}); dir != "" {
			r.f.Searched.Homes = append(r.f.Searched.Homes, text.Clean(dir, maxName))
			for _, h := range histories[:2] {
				r.f.Meta.Depend(path.Join(dir, h))
			}
		}
	}
}

// systemDir reports whether a directory is none that a person keeps things in.
func systemDir(dir string) bool {
	switch dir {
	case "/", "/bin", "/sbin", "/usr", "/usr/sbin", "/usr/bin", "/dev", "/proc", "/var", "/etc", "/home", "/run", "/tmp", "/nonexistent", "/usr/games":
		return true
	}
	return strings.HasPrefix(dir, "/proc/") || strings.HasPrefix(dir, "/dev/") || strings.HasPrefix(dir, "/sys")
}

// plan adds a directory to those that are searched, links followed, and returns
// its name; "" where there is none.
func (r *reader) plan(name string, t tree) string {
	dir, ok := resolve(r.root, path.Clean(name))
	if !ok || systemDir(dir) {
		return ""
	}
	if fi, err := r.root.Lstat(dir); err != nil || !fi.IsDir() {
		return ""
	}
	r.trees[dir] = t
	return dir
}

// resolve follows the links in a name.
func resolve(root hostfs.Root, name string) (string, bool) {
	rest, done := strings.TrimPrefix(name, "/"), "/"
	for steps := 0; rest != ""; steps++ {
		if steps > 64 {
			return "", false
		}
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, part)
		fi, err := root.Lstat(next)
		if err != nil {
			return "", false
		}
		if fi.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		to, err := root.Readlink(next)
		if err != nil {
			return "", false
		}
		if !path.IsAbs(to) {
			to = path.Join(done, to)
		}
		rest, done = strings.TrimPrefix(path.Join(to, rest), "/"), "/"
	}
	return done, true
}

// in returns the tree that a directory is in, and what it is called there.
func (r *reader) in(dir string) (t tree, top, rel string, ok bool) {
	for d := dir; d != "/" && d != "."; d = path.Dir(d) {
		if t, ok = r.trees[d]; ok {
			return t, d, strings.TrimPrefix(dir[len(d):], "/"), true
		}
	}
	return tree{}, "", "", false
}

func (r *reader) enter(name string) bool {
	t, _, rel, ok := r.in(name)
	return ok && (rel == "" || strings.Count(rel, "/")+1 < t.depth && !passed(path.Base(name)))
}

// visit adds a file that may hold a secret to the list.
func (r *reader) visit(e *walk.Entry, files []found) []found {
	t, top, rel, ok := r.in(e.Dir)
	if !ok {
		return files
	}
	rel = path.Join(rel, string(e.Name))
	w := whatIs(e, t.kind, rel)
	switch {
	case w.web == "":
	case len(r.f.Web) >= maxLeaks:
		r.cut("there are more files of secrets in web sites than are listed")
	default:
		r.f.Meta.Depend(e.Path())
		r.f.Web = append(r.f.Web, WebFile{Kind: w.web, Path: text.Clean(e.Path(), maxName), Root: text.Clean(top, maxName),
			Denied: r.sites.Denied("/" + rel)})
	}
	if w.place != "" && w.place != PlaceHistory && e.Stat.Size > maxFile {
		w.place = "" // no settings are as long
	}
	if w.place == "" && w.credential == "" {
		return files
	}
	return append(files, found{name: e.Path(), user: t.user, what: w})
}

// whatIs says what a file or directory is by its name, rel, in a tree of a kind.
func whatIs(e *walk.Entry, kind, rel string) what {
	isDir := e.Stat.Mode&unix.S_IFMT == unix.S_IFDIR
	switch {
	case kind == "web" && isDir && (string(e.Name) == ".git" || string(e.Name) == ".svn"):
		return what{web: "git"}
	case isDir || e.Stat.Mode&unix.S_IFMT != unix.S_IFREG || e.Stat.Size == 0:
		return what{}
	case kind == "web":
		return inWeb(rel)
	case kind == "home":
		return inHome(rel)
	}
	return inApp(rel)
}

// remote reports whether a file system is another machine's, or a program's.
func remote(magic int64) bool {
	switch magic {
	case unix.NFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC, 0xff534d42, 0xfe534d42, 0x517b: // CIFS, SMB2, SMB
		return true
	}
	return false
}

func owners(fi fs.FileInfo) (mode, uid, gid int) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Mode & 0o7777), int(st.Uid), int(st.Gid)
	}
	return int(fi.Mode().Perm()), -1, -1
}
