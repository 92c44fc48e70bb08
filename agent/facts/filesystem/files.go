package filesystem

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"seawall/agent/facts/filesystem/loader"
	"seawall/pkg/text"
)

// listed are the files of each kind.
func listed() []struct {
	kind  string
	names []string
} {
	return []struct {
		kind  string
		names []string
	}{
		{"passwd", []string{"/etc/passwd"}},
		{"passwd_backup", []string{"/etc/passwd-"}},
		{"group", []string{"/etc/group"}},
		{"group_backup", []string{"/etc/group-"}},
		{"shadow", []string{"/etc/shadow"}},
		{"shadow_backup", []string{"/etc/shadow-"}},
		{"gshadow", []string{"/etc/gshadow"}},
		{"gshadow_backup", []string{"/etc/gshadow-"}},
		{"opasswd", []string{"/etc/security/opasswd", "/etc/security/opasswd.old"}},
		{"shells", []string{"/etc/shells"}},
		{"motd", []string{"/etc/motd"}},
		{"issue", []string{"/etc/issue"}},
		{"issue_net", []string{"/etc/issue.net"}},
		{"hosts_access", []string{"/etc/hosts.allow", "/etc/hosts.deny"}},
		{"fstab", []string{"/etc/fstab"}},
		{"crypttab", []string{"/etc/crypttab"}},
		{"root_home", []string{"/root"}},
		{"temporary", []string{"/tmp", "/var/tmp", "/dev/shm"}},
		{"top", []string{"/", "/bin", "/sbin", "/lib", "/lib64", "/usr", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share",
			"/usr/local", "/usr/local/lib", "/etc", "/var", "/var/lib", "/var/spool", "/var/cache", "/opt", "/srv", "/home", "/mnt",
			"/media", "/run"}},
		{"login", []string{"/etc/profile", "/etc/profile.d", "/etc/profile.d/*", "/etc/bash.bashrc", "/etc/bashrc", "/etc/environment",
			"/etc/csh.cshrc", "/etc/csh.login", "/etc/zsh", "/etc/zsh/*", "/etc/zshrc", "/etc/zshenv", "/etc/skel", "/etc/skel/*",
			"/etc/security/pam_env.conf", "/etc/inputrc"}},
		{"startup", []string{"/etc/rc.local", "/etc/rc.d/rc.local", "/etc/init.d", "/etc/init.d/*", "/etc/systemd/system",
			"/etc/systemd/system/*", "/usr/lib/systemd/system", "/usr/local/lib/systemd/system", "/etc/udev/rules.d", "/etc/modprobe.d",
			"/etc/modules-load.d", "/etc/sysctl.d", "/etc/tmpfiles.d", "/etc/NetworkManager/dispatcher.d", "/etc/network/if-up.d"}},
		{"loader", []string{"/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.conf.d/*", "/etc/ld.so.cache", "/etc/ld.so.preload"}},
	}
}

// files describes the listed files, and those that others name.
func (r *reader) files() {
	r.f.Files = []File{}
	for _, l := range listed() {
		for _, name := range l.names {
			dir, all := strings.CutSuffix(name, "/*")
			if !all {
				r.add(l.kind, name)
				continue
			}
			r.f.Meta.Depend(dir + "/")
			list, left := r.entries(dir)
			r.leave(left)
			for _, n := range list {
				r.f.Files = append(r.f.Files, r.file(l.kind, dir+"/"+n))
			}
		}
	}
	r.pathDirectories()
	r.libraryDirectories()
	r.credentials()
}

// entries lists the names in a directory. left says why these are not all, or is "".
func (r *reader) entries(dir string) (all []string, left string) {
	all, err := r.root.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil, ""
	case err != nil:
		return nil, clean(err.Error())
	case len(all) > maxDir:
		return all[:maxDir], dir + " has more files than are looked at"
	}
	return all, ""
}

// leave says that not all files are listed.
func (r *reader) leave(why string) {
	if why != "" {
		r.f.Meta.Leave("files", why)
	}
}

// add describes one file, and has the group depend on it where it is not a
// directory that changes all the time.
func (r *reader) add(kind, name string) {
	if strings.HasPrefix(name, "/dev/") && !r.env.Live() {
		return // made at boot
	}
	if kind != "top" && kind != "temporary" && strings.HasPrefix(name, "/etc/") {
		r.f.Meta.Depend(name)
	}
	r.f.Files = append(r.f.Files, r.file(kind, name))
}

// file describes a file, a link being followed.
func (r *reader) file(kind, name string) File {
	f := File{Kind: kind, Path: clean(name), Mode: -1, UID: -1, GID: -1, Type: "other"}
	if r.table != nil && r.own.Differs(r.table, name) {
		f.Error = "this process sees another directory there than the host has"
		return f
	}
	fi, err := r.root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return f
	case err != nil:
		f.Exists, f.Error = true, clean(err.Error())
		return f
	}
	f.Exists = true
	switch {
	case fi.IsDir():
		f.Type = "directory"
	case fi.Mode().IsRegular():
		f.Type = "file"
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		f.Error = "its owner is not known"
		return f
	}
	f.Mode, f.UID, f.GID = int(st.Mode&0o7777), int(st.Uid), int(st.Gid)
	f.Owner, f.Group = r.label(f.UID, f.GID)
	f.Shared = r.names.Shared(f.GID)
	f.Text = fmt.Sprintf("%04o %s:%s", f.Mode, f.Owner, f.Group)
	f.Weak = weak(&f)
	return f
}

func (r *reader) label(uid, gid int) (owner, group string) {
	owner, group = strconv.Itoa(uid), strconv.Itoa(gid)
	if n, ok := r.names.User(uid); ok {
		owner = clean(n)
	}
	if n, ok := r.names.Group(gid); ok {
		group = clean(n)
	}
	return owner, group
}

// weak says who beside root can change a file. In a directory with the sticky bit
// nobody replaces what belongs to others, so it is no way to.
func weak(f *File) string {
	sticky := f.Type == "directory" && f.Mode&0o1000 != 0
	switch {
	case f.Type == "other": // a masked unit is a link to /dev/null
		return ""
	case f.Mode&0o002 != 0 && !sticky:
		return "everybody"
	case f.UID != 0:
		return "its owner " + f.Owner
	case f.Mode&0o020 != 0 && f.GID != 0 && f.Shared && !sticky:
		return "the group " + f.Group
	}
	return ""
}

// pathDirectories are those that programs are looked for in, and those above them.
func (r *reader) pathDirectories() {
	r.f.Meta.Depend("/etc/environment", "/etc/login.defs")
	type origin struct {
		file string
		line int
	}
	from := map[string]origin{}
	for _, d := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		from[d] = origin{}
	}
	for _, name := range []string{"/etc/environment", "/etc/login.defs"} {
		b, err := r.root.ReadFile(name, 0)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				r.leave(clean(err.Error()))
			}
			continue
		}
		for n, line := range strings.Split(string(b), "\n") {
			for _, d := range searchPath(line) {
				if _, ok := from[d]; ok {
					continue
				}
				if len(from) == maxList {
					r.leave(name + " has more directories in PATH than are looked at")
					break
				}
				from[d] = origin{name, n + 1}
			}
		}
	}
	for d, o := range from {
		for _, dir := range above(d) {
			if _, ok := from[dir]; ok {
				continue
			}
			if len(from) == 2*maxList {
				r.leave("there are more directories above those in PATH than are looked at")
				break
			}
			from[dir] = o
		}
	}
	var all []File
	for d, o := range from {
		f := r.file("path", d)
		f.From, f.Line = o.file, o.line
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	r.f.Files = append(r.f.Files, all...)
}

// libraryDirectories are those that ld.so.conf names, and those above them.
func (r *reader) libraryDirectories() {
	found := map[string]File{}
	directories, files, left := loader.Directories(r.root)
	r.leave(left)
	r.f.Meta.Depend(files...)
	for _, d := range directories {
		for _, dir := range append(above(d.Value), d.Value) {
			if _, ok := found[dir]; ok {
				continue
			}
			if len(found) == maxList {
				r.leave("/etc/ld.so.conf names more directories than are looked at")
				break
			}
			f := r.file("library", dir)
			f.From, f.Line = d.File, d.Line
			found[dir] = f
		}
	}
	all := make([]File, 0, len(found))
	for _, f := range found {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	r.f.Files = append(r.f.Files, all...)
}

// searchPath returns the directories of a line that sets PATH: "PATH=…" of
// /etc/environment, "ENV_SUPATH PATH=…" of login.defs.
func searchPath(line string) []string {
	line = strings.TrimSpace(line)
	for _, prefix := range []string{"export ", "ENV_SUPATH", "ENV_PATH"} {
		line = strings.TrimSpace(strings.TrimPrefix(line, prefix))
	}
	value, ok := strings.CutPrefix(line, "PATH=")
	if !ok {
		return nil
	}
	var all []string
	for d := range strings.SplitSeq(strings.Trim(value, `"'`), ":") {
		if strings.HasPrefix(d, "/") && !strings.Contains(d, "$") {
			all = append(all, path.Clean(d))
		}
	}
	return all
}

// above returns the directories above dir, without the root.
func above(dir string) []string {
	var all []string
	for dir = path.Dir(dir); dir != "/" && dir != "."; dir = path.Dir(dir) {
		all = append(all, dir)
	}
	return all
}

// credentials are the files that fstab names for passwords of other hosts.
func (r *reader) credentials() {
	for i := range r.tab {
		for option := range strings.SplitSeq(r.tab[i].Options, ",") {
			key, name, _ := strings.Cut(option, "=")
			if key = strings.ToLower(key); (key == "credentials" || key == "cred" || key == "secretfile") && strings.HasPrefix(name, "/") {
				f := r.file("credentials", name)
				f.From, f.Line = "/etc/fstab", r.tab[i].Line
				r.f.Meta.Depend(text.Clean(name, maxName))
				r.f.Files = append(r.f.Files, f)
			}
		}
	}
}
