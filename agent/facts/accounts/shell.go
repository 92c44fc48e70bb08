package accounts

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"seawall/pkg/redact"
	"seawall/pkg/text"
)

// shellFiles are what a login shell reads, in the order in which a later one has the
// last word: Debian's /etc/profile reads bash.bashrc before profile.d, the Red Hat
// family's reads profile.d and then bashrc.
func (r *reader) shellFiles() []string {
	files := []string{"/etc/bash.bashrc", "/etc/profile"}
	const dir = "/etc/profile.d"
	r.Meta.Depend("/etc/bash.bashrc", "/etc/profile", dir+"/", "/etc/bashrc")
	names, err := r.root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.leaveScripts(text.Clean(err.Error(), text.Limit))
	}
	for _, n := range names {
		if strings.HasSuffix(n, ".sh") {
			files = append(files, path.Join(dir, n))
		}
	}
	if len(files) > maxScripts {
		r.leaveScripts(dir + " has more files than are looked at")
		files = files[:maxScripts]
	}
	return append(files, "/etc/bashrc")
}

// leaveScripts says that not all is known of what shells set.
func (r *reader) leaveScripts(why string) {
	for _, part := range []string{"umask", "timeout", "root_umasks", "root_path"} {
		r.Meta.Leave(part, why)
	}
}

// statement is one command of a shell script, as far as lines and ";" tell. It may be
// long: what is kept of it must be cleaned.
type statement struct {
	text string
	line int
}

// word is the n-th word.
func (s statement) word(n int) string {
	if f := strings.Fields(s.text); n < len(f) {
		return f[n]
	}
	return ""
}

const (
	scriptLimit = 256 << 10
	maxScripts  = 300
	maxDir      = 512 // bytes of a directory: each one above it is looked at
)

// statements yields the simple commands of a script that could matter here, without
// the words that only lead to them.
func (r *reader) statements(file string) func(func(statement) bool) {
	return func(yield func(statement) bool) {
		data, err := r.root.ReadFile(file, scriptLimit)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.leaveScripts(text.Clean(err.Error(), text.Limit))
		}
		n := 0
		for line := range strings.Lines(string(data)) {
			n++
			if !strings.Contains(line, "umask") && !strings.Contains(line, "TMOUT") && !strings.Contains(line, "PATH") {
				continue
			}
			for part := range strings.FieldsFuncSeq(withoutComment(line), func(c rune) bool { return c == ';' || c == '&' || c == '|' || c == '{' || c == '}' }) {
				part = strings.TrimSpace(part)
				for _, lead := range []string{"then ", "else ", "do ", "("} {
					part = strings.TrimSpace(strings.TrimPrefix(part, lead))
				}
				if part != "" && !yield(statement{part, n}) {
					return
				}
			}
		}
	}
}

// withoutComment cuts a comment off. One needs a blank before it.
func withoutComment(line string) string {
	if line[0] == '#' {
		return ""
	}
	for _, mark := range []string{" #", "\t#"} {
		line, _, _ = strings.Cut(line, mark)
	}
	return line
}

// rootPath collects the directories that root's shells look for programs in.
func (r *reader) rootPath() {
	r.RootPath = []PathEntry{}
	if t := r.LoginDefs["ENV_SUPATH"]; t.Set {
		r.path(strings.TrimPrefix(t.Value, "PATH="), PathEntry{File: t.File, Line: t.Line, Raw: t.Raw})
	}
	files := append([]string{"/etc/environment"}, r.shellFiles()...)
	for _, file := range append(files, "/root/.profile", "/root/.bash_profile", "/root/.bashrc") {
		r.Meta.Depend(file)
		for s := range r.statements(file) {
			value := strings.TrimPrefix(s.text, "export ")
			if value, ok := strings.CutPrefix(strings.TrimSpace(value), "PATH="); ok {
				r.path(value, PathEntry{File: file, Line: s.line, Raw: clean(redact.Text(s.text))})
			}
		}
	}
}

// path adds the directories of one value, each once. What a variable stands for is
// not known, but for the home and PATH itself.
func (r *reader) path(value string, at PathEntry) {
	value = strings.NewReplacer(`"`, "", "'", "", "${HOME}", "/root", "$HOME", "/root", "~/", "/root/").Replace(value)
	value, _, _ = strings.Cut(value, " ")
	for dir := range strings.SplitSeq(value, ":") {
		if strings.ContainsAny(dir, "$`") {
			continue
		}
		if len(r.RootPath) == maxList || len(dir) > maxDir {
			r.Meta.Leave("root_path", "root's PATH has more directories, or longer ones, than are looked at")
			return
		}
		at.Dir = dir
		r.judgeDir(&at)
		at.Dir = clean(dir)
		r.RootPath = append(r.RootPath, at)
	}
}

// judgeDir says what is wrong with a directory of root's PATH. One that is not there
// is as good as the directory it would be made in.
func (r *reader) judgeDir(e *PathEntry) {
	e.Wrong, e.Mode, e.UID, e.GID = "", -1, -1, -1
	switch {
	case e.Dir == "":
		e.Wrong = "empty"
		return
	case !path.IsAbs(e.Dir):
		e.Wrong = "relative"
		return
	}
	for dir := path.Clean(e.Dir); ; dir = path.Dir(dir) {
		fi, err := r.root.Stat(dir)
		if err != nil && dir != "/" {
			continue
		}
		if err != nil {
			return
		}
		e.Mode = int(fi.Mode().Perm())
		e.UID, e.GID = owners(fi)
		switch {
		case !fi.IsDir():
			e.Wrong = "not a directory"
		case e.UID != 0:
			e.Wrong = "not root's"
		case e.Mode&0o002 != 0 || e.Mode&0o020 != 0 && !r.empty(e.GID):
			e.Wrong = "writable by others"
		}
		return
	}
}

// empty reports whether nobody but root is in a group, such as Debian's staff, which
// /usr/local belongs to.
func (r *reader) empty(gid int) bool {
	if gid == 0 {
		return true
	}
	for _, u := range r.users {
		if u.GID == gid && u.UID != 0 {
			return false
		}
	}
	for _, g := range r.groups {
		if g.GID == gid && strings.Join(g.Members, "") != "" && strings.Join(g.Members, ",") != "root" {
			return false
		}
	}
	return true
}
