package keys

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/owner"
	"seawall/pkg/hostfs"
	"seawall/pkg/passwd"
	"seawall/pkg/sshkey"
	"seawall/pkg/text"
)

func itoa(n int) string { return strconv.Itoa(n) }

func clean(s string) string { return text.Clean(s, 256) }

// file reads one file of a user's.
func (r *reader) file(u passwd.User, name string) {
	if len(r.Meta.Depends) < 300 && u.CanLogIn() {
		r.Meta.Depend(name)
	}
	fi, err := r.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	f := File{Path: text.Clean(name, text.Limit), User: clean(u.Name), Mode: -1, UID: -1, GID: -1}
	if first, ok := r.seen[name]; ok { // AuthorizedKeysFile names one file for all
		r.Files[first].Shared = true
		f.Shared = true
	}
	age := -1
	if err == nil {
		f.Mode, f.UID, f.GID = owner.Of(fi)
		age = max(int(r.now.Sub(fi.ModTime()).Hours())/24, 0)
		weak, err := owner.Weak(r.root, name, u.UID)
		if err == nil && len(weak) > 0 {
			f.Open, f.OpenWhy, _ = strings.Cut(weak[0], " ")
		}
	}
	lines, err := r.lines(name, f.User)
	if err != nil {
		f.Error = clean(err.Error())
		if errors.Is(err, hostfs.ErrTooLarge) { // sshd would read it
			r.Meta.Leave("keys", f.Error)
			r.Meta.Leave("lines", f.Error)
		}
	}
	f.Keys = len(lines)
	for _, l := range lines {
		if len(r.Keys) >= maxKeys {
			r.MoreKeys++
			r.Meta.Leave("keys", "there are more keys than are looked at")
			continue
		}
		r.Keys = append(r.Keys, r.key(u, f.Path, l.number, l.Line, age))
	}
	if len(r.Files) == maxFiles {
		r.Meta.Leave("files", "there are more files of keys than are looked at")
		return
	}
	if _, ok := r.seen[name]; !ok {
		r.seen[name] = len(r.Files)
	}
	r.Files = append(r.Files, f)
}

// line is a key with the number of its line.
type line struct {
	*sshkey.Line
	number int
}

// lines reads the keys of a file, once however many users have it. Lines that are none
// are noted as the first user's.
func (r *reader) lines(name, user string) ([]line, error) {
	if lines, ok := r.parsed[name]; ok {
		return lines, nil
	}
	data, err := r.root.ReadFile(name, max(min(maxFile, r.budget), 1))
	r.budget -= int64(len(data))
	if err != nil {
		return nil, err
	}
	var lines []line
	n := 0
	for s := range strings.Lines(string(data)) {
		n++
		l, err := sshkey.ParseLine(s)
		switch {
		case err != nil && len(r.Lines) == maxLines:
			r.Meta.Leave("lines", "there are more such lines than are listed")
		case err != nil:
			r.Lines = append(r.Lines, Line{User: user, Why: clean(err.Error()), File: text.Clean(name, text.Limit), Line: n})
		case l != nil && err == nil:
			lines = append(lines, line{l, n})
		}
	}
	r.parsed[name] = lines
	return lines, nil
}

func (r *reader) key(u passwd.User, file string, n int, l *sshkey.Line, age int) Key {
	k := Key{User: clean(u.Name), Root: u.UID == 0, Type: l.Kind, Bits: l.Bits, Weak: l.Weak, Fingerprint: l.Fingerprint,
		Comment: text.Clean(l.Comment, 128), Options: []string{}, From: clean(l.Value("from")), Command: l.Has("command"),
		Authority: l.Has("cert-authority"), Principals: l.Value("principals") != "", AgeDays: age, Account: r.states[u.Name],
		Shell: u.CanLogIn(), System: u.UID != 0 && (u.UID < 1000 || u.UID == 65534), Others: []string{}, File: file, Line: n}
	if k.Account == "" {
		k.Account = "unknown"
	}
	for _, o := range l.Options[:min(len(l.Options), 20)] {
		k.Options = append(k.Options, o.Name)
	}
	k.Raw = strings.TrimSpace(strings.Join([]string{k.Type, k.Fingerprint, k.Comment}, " "))
	return k
}

// shared finds keys that several users have.
func (r *reader) shared() {
	users := map[string][]string{}
	for _, k := range r.Keys {
		if list := users[k.Fingerprint]; len(list) <= maxOthers && !slices.Contains(list, k.User) {
			users[k.Fingerprint] = append(users[k.Fingerprint], k.User)
		}
	}
	for i := range r.Keys {
		for _, u := range users[r.Keys[i].Fingerprint] {
			if u != r.Keys[i].User && len(r.Keys[i].Others) < maxOthers {
				r.Keys[i].Others = append(r.Keys[i].Others, u)
			}
		}
	}
}

// left looks for keys in homes that are nobody's any more.
func (r *reader) left() {
	r.Meta.Depend("/home")
	names, err := r.root.ReadDir("/home")
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.Meta.Leave("left", clean(err.Error()))
		}
		return
	}
	homes := map[string]bool{}
	for _, u := range r.users {
		homes[path.Clean(u.Home)] = true
	}
	if len(names) > maxLeft {
		r.Meta.Leave("left", "there are more homes than are looked at")
		names = names[:maxLeft]
	}
	for _, n := range names {
		home := path.Join("/home", n)
		name := path.Join(home, ".ssh/authorized_keys")
		if homes[home] {
			continue
		}
		fi, err := r.root.Stat(name)
		if err != nil || !fi.Mode().IsRegular() {
			continue
		}
		f := File{Path: text.Clean(name, text.Limit), User: clean(n)}
		f.Mode, f.UID, f.GID = owner.Of(fi)
		r.Left = append(r.Left, f)
	}
}
