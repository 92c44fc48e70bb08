// Package owner reads, for groups of facts about files, who owns a file and who may
// change it: names from /etc/passwd and /etc/group, and mode and owner of a file.
// Users of other sources (LDAP) have no name here.
package owner

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"

	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// maxFile bounds /etc/passwd and /etc/group: some hundred thousand users.
const maxFile = 16 << 20

// Names holds the names of users and groups.
type Names struct {
	users, groups map[int]string
	ids           map[string]int
}

// Files are those that names are read from.
func Files() []string { return []string{"/etc/passwd", "/etc/group"} }

// Load reads the names. What cannot be read has none.
func Load(root hostfs.Root) *Names {
	n := &Names{users: map[int]string{}, groups: map[int]string{}, ids: map[string]int{}}
	each(root, "/etc/passwd", func(name string, id int) {
		if _, known := n.users[id]; !known {
			n.users[id] = name
		}
		if _, known := n.ids[name]; !known {
			n.ids[name] = id
		}
	})
	each(root, "/etc/group", func(name string, id int) {
		if _, known := n.groups[id]; !known {
			n.groups[id] = name
		}
	})
	return n
}

// each calls f with the first and third field of each line.
func each(root hostfs.Root, file string, f func(name string, id int)) {
	b, err := root.ReadFile(file, maxFile)
	if err != nil {
		return
	}
	for line := range bytes.Lines(b) {
		name, rest, ok := bytes.Cut(line, []byte{':'})
		if !ok || len(name) == 0 || len(name) > 64 {
			continue
		}
		_, rest, _ = bytes.Cut(rest, []byte{':'})
		number, _, ok := bytes.Cut(rest, []byte{':'})
		if id, err := strconv.ParseUint(string(number), 10, 32); ok && err == nil {
			f(text.Clean(name, 64), int(id))
		}
	}
}

// User is the name of a user, "" where the number has none.
func (n *Names) User(uid int) string { return n.users[uid] }

// Group is the name of a group, "" where the number has none.
func (n *Names) Group(gid int) string { return n.groups[gid] }

// UID is the number of a user.
func (n *Names) UID(name string) (uid int, ok bool) {
	uid, ok = n.ids[name]
	return uid, ok
}

// Of returns the permission bits (with setuid, setgid and sticky) and the owners of
// a file.
func Of(fi fs.FileInfo) (mode, uid, gid int) {
	mode = int(fi.Mode().Perm())
	for bit, octal := range map[fs.FileMode]int{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if fi.Mode()&bit != 0 {
			mode |= octal
		}
	}
	uid, gid = -1, -1
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		uid, gid = int(st.Uid), int(st.Gid)
	}
	return mode, uid, gid
}

// maxLinks bounds the links that Weak follows.
const maxLinks = 16

// Weak says in which ways somebody other than root and the user trusted can put
// something else in the place of the file name: by writing it, or a directory on the
// way to it, links included. A sticky directory lets nobody replace another's file.
// An error is that of the file itself.
func Weak(root hostfs.Root, name string, trusted int) ([]string, error) {
	var weak []string
	seen := map[string]bool{}
	err := walk(root, path.Clean("/"+name), maxLinks, func(p string, fi fs.FileInfo, last bool) {
		if seen[p] {
			return
		}
		seen[p] = true
		if why := open(fi, trusted, last); why != "" {
			weak = append(weak, text.Clean(p, text.Limit)+" "+why)
		}
	})
	return weak, err
}

// open says who may change an entry, "" where only root and trusted may. In a sticky
// directory on the way nobody can replace what is another's.
func open(fi fs.FileInfo, trusted int, last bool) string {
	mode, uid, gid := Of(fi)
	if fi.Mode()&fs.ModeSymlink != 0 || fi.IsDir() && !last && mode&0o1000 != 0 {
		mode = 0 // a link has no mode of its own
	}
	var who []string
	if uid != 0 && uid != trusted {
		who = append(who, fmt.Sprintf("is owned by user %d", uid))
	}
	if mode&0o020 != 0 && gid != 0 {
		who = append(who, fmt.Sprintf("can be written by group %d", gid))
	}
	if mode&0o002 != 0 {
		who = append(who, "can be written by everybody")
	}
	return strings.Join(who, " and ")
}

// walk calls f with each entry on the way to name, the directories first.
func walk(root hostfs.Root, name string, links int, f func(string, fs.FileInfo, bool)) error {
	parts := strings.Split(strings.Trim(name, "/"), "/")
	at := "/"
	if fi, err := root.Lstat("/"); err == nil {
		f("/", fi, name == "/")
	}
	for i, part := range parts {
		if part == "" {
			continue
		}
		at = path.Join(at, part)
		fi, err := root.Lstat(at)
		if err != nil {
			return err
		}
		if fi.Mode()&fs.ModeSymlink == 0 {
			f(at, fi, i == len(parts)-1)
			continue
		}
		f(at, fi, false)
		target, err := root.Readlink(at)
		if err != nil {
			return err
		}
		if links == 0 {
			return fmt.Errorf("%s: %w", at, syscall.ELOOP)
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(at), target)
		}
		return walk(root, path.Join(append([]string{target}, parts[i+1:]...)...), links-1, f)
	}
	return nil
}
