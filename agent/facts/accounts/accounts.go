package accounts

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/lastlog"
	"seawall/pkg/passwd"
	"seawall/pkg/text"
)

// The host's own files of accounts.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
	shadowFile = "/etc/shadow"
)

// Limits of what is kept. Of too many users those who matter least go.
const (
	maxUsers  = 12_000
	maxHomes  = 12_000
	maxNames  = 500_000 // in all homes
	maxList   = 500
	maxText   = 256 // bytes of a line that is shown, or of a name
	nobodyUID = 65534
)

// Read reads the facts of the host's accounts.
func Read(_ context.Context, env fact.Env) Facts {
	f := Facts{Users: []User{}, Groups: []Group{}, Duplicates: []Duplicate{}, Problems: []Problem{}, Directory: []string{}}
	r := &reader{root: env.Root, now: env.Now(), Facts: &f}
	r.read()
	f.Meta.Took = env.Now().Sub(r.now)
	return f
}

// reader fills in the facts.
type reader struct {
	*Facts
	root   hostfs.Root
	now    time.Time
	users  []passwd.User
	groups []passwd.Group
	shadow map[string]passwd.Shadow
	names  int // that were seen in homes
}

func (r *reader) read() {
	r.Meta.Depend(passwdFile, groupFile, shadowFile, "/etc/nsswitch.conf", "/etc/shells")
	data, err := r.root.ReadFile(passwdFile, passwd.Limit)
	if err != nil {
		r.Meta.Fail("read users", err)
		return
	}
	var bad []passwd.Bad
	r.users, bad = passwd.Users(data)
	r.problems(passwdFile, bad)
	if data, err = r.root.ReadFile(groupFile, passwd.Limit); err != nil {
		r.Meta.Fail("read groups", err)
		if r.Meta.State == fact.StateAbsent {
			r.Meta.State = fact.StateError
		}
		return
	}
	r.groups, bad = passwd.Groups(data)
	r.problems(groupFile, bad)
	r.readShadow()
	r.Meta.State = fact.StateKnown
	r.defaults()
	r.readUsers()
	r.readGroups()
	r.duplicates()
	r.directory()
	r.shells()
	r.trust()
}

// readShadow reads shadow. Without it nothing is known of passwords.
func (r *reader) readShadow() {
	data, err := r.root.ReadFile(shadowFile, passwd.Limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Shadow = fact.Tri{Reason: "there is no " + shadowFile}
		return
	case err != nil:
		r.Shadow = fact.Tri{Reason: text.Clean(err.Error(), text.Limit)}
		return
	}
	entries, bad := passwd.Shadows(data)
	r.problems(shadowFile, bad)
	r.Shadow = fact.Tri{Known: true, Yes: true}
	r.shadow = make(map[string]passwd.Shadow, len(entries))
	named := make(map[string]bool, len(r.users))
	for _, u := range r.users {
		named[u.Name] = true
	}
	for _, e := range entries {
		if _, twice := r.shadow[e.Name]; !twice { // the first counts
			r.shadow[e.Name] = e
		}
		if !named[e.Name] {
			r.problem("no_user", "no entry of "+passwdFile+" is called "+clean(e.Name), shadowFile, e.Line)
		}
	}
}

func (r *reader) problems(file string, bad []passwd.Bad) {
	for _, b := range bad {
		kind := "malformed"
		if b.Compat {
			kind = "compat"
		}
		r.problem(kind, clean(b.Name)+": "+b.Why, file, b.Line)
	}
}

func (r *reader) problem(kind, what, file string, line int) {
	if len(r.Problems) == maxList {
		r.Meta.Leave("problems", "there are more faulty lines than are listed")
		return
	}
	r.Problems = append(r.Problems, Problem{Kind: kind, Text: what, File: file, Line: line})
}

func clean(s string) string { return text.Clean(s, maxText) }

func (r *reader) readUsers() {
	names := make(map[int]string, len(r.groups))
	for _, g := range r.groups {
		if _, ok := names[g.GID]; !ok {
			names[g.GID] = g.Name
		}
	}
	kept := r.kept()
	if r.MoreUsers = len(r.users) - len(kept); r.MoreUsers > 0 {
		r.Meta.Leave("users", "there are "+itoa(r.MoreUsers)+" users more than are looked at")
	}
	r.LastLogins = fact.Tri{Known: true, Yes: true}
	logins, err := lastlog.Open(r.root)
	if err != nil {
		r.LastLogins = fact.Tri{Reason: text.Clean(err.Error(), text.Limit)}
	}
	defer logins.Close()
	homes := 0
	for _, p := range kept {
		u := User{Name: clean(p.Name), UID: p.UID, GID: p.GID, Home: clean(p.Home), Shell: clean(p.Shell), File: passwdFile, Line: p.Line,
			Group: clean(names[p.GID]), Login: p.CanLogIn(), System: r.system(p.UID), UnusedDays: r.unused(logins.Last(p.Name, p.UID))}
		u.Raw = clean(strings.Join([]string{p.Name, "…", itoa(p.UID), itoa(p.GID), "…", p.Home, p.Shell}, ":"))
		u.Password, u.Age = r.password(p)
		switch {
		case !u.Login:
		case homes < maxHomes && r.names < maxNames:
			homes++
			u.HomeDir = r.home(p, names[p.GID] == p.Name)
		default:
			r.Meta.Leave("users", "there are more homes than are looked at")
		}
		r.Users = append(r.Users, u)
	}
}

// unused is how many days ago the last login was, -1 where none is recorded.
func (r *reader) unused(last time.Time) int {
	if last.IsZero() {
		return -1
	}
	return max(int((r.now.Unix()-last.Unix())/86400), 0)
}

// kept are the users that are listed, in the order of the file.
func (r *reader) kept() []passwd.User {
	if len(r.users) <= maxUsers {
		return r.users
	}
	weight := func(u passwd.User) int {
		switch {
		case u.UID == 0 || u.Password.State == passwd.Empty || r.shadow[u.Name].Password.State == passwd.Empty:
			return 0
		case u.CanLogIn():
			return 1
		}
		return 2
	}
	kept := slices.Clone(r.users)
	slices.SortStableFunc(kept, func(a, b passwd.User) int { return weight(a) - weight(b) })
	kept = kept[:maxUsers]
	slices.SortFunc(kept, func(a, b passwd.User) int { return cmp.Compare(a.Line, b.Line) })
	return kept
}

// system reports whether a number is a system account's.
func (r *reader) system(uid int) bool {
	first, ok := r.Numbers["UID_MIN"]
	if !ok {
		first = 1000
	}
	return uid != 0 && (uid < first || uid == nobodyUID)
}

// readGroups keeps the groups that somebody may ask for.
func (r *reader) readGroups() {
	primary := map[int][]string{}
	for _, u := range r.users {
		primary[u.GID] = append(primary[u.GID], u.Name)
	}
	for _, g := range r.groups {
		kind := groupKind(g.Name)
		if kind == "other" {
			continue
		}
		if len(r.Groups) >= maxList {
			r.Meta.Leave("groups", "there are more groups than are listed")
			return
		}
		out := Group{Name: clean(g.Name), GID: g.GID, Kind: kind, Members: []string{},
			File: groupFile, Line: g.Line, Raw: clean(g.Name + ":…:" + itoa(g.GID) + ":" + strings.Join(g.Members, ","))}
		// Whether it has any counts: the first ones are shown.
		for _, m := range slices.Concat(g.Members, primary[g.GID]) {
			if m = clean(m); m != "root" && !slices.Contains(out.Members, m) && len(out.Members) < 100 {
				out.Members = append(out.Members, m)
			}
		}
		r.Groups = append(r.Groups, out)
	}
}

// groupKind says what membership means.
func groupKind(name string) string {
	switch name {
	case "sudo", "wheel", "admin":
		return "admin"
	case "root", "disk", "shadow", "kmem", "mem", "docker", "lxd", "incus-admin", "libvirt":
		return "root"
	}
	return "other"
}

// duplicates finds what more than one entry has.
func (r *reader) duplicates() {
	users, uids := map[string][]int{}, map[int][]int{}
	for i, u := range r.users {
		users[u.Name] = append(users[u.Name], i)
		uids[u.UID] = append(uids[u.UID], i)
	}
	groups, gids := map[string][]int{}, map[int][]int{}
	for i, g := range r.groups {
		groups[g.Name] = append(groups[g.Name], i)
		gids[g.GID] = append(gids[g.GID], i)
	}
	user := func(i int) (string, int) { return r.users[i].Name, r.users[i].Line }
	group := func(i int) (string, int) { return r.groups[i].Name, r.groups[i].Line }
	for i, u := range r.users {
		r.duplicate("user", u.Name, passwdFile, users[u.Name], i, user)
		r.duplicate("uid", itoa(u.UID), passwdFile, uids[u.UID], i, user)
	}
	for i, g := range r.groups {
		r.duplicate("group", g.Name, groupFile, groups[g.Name], i, group)
		r.duplicate("gid", itoa(g.GID), groupFile, gids[g.GID], i, group)
	}
}

// duplicate adds the entries that share a value, when i is the second of them.
func (r *reader) duplicate(kind, value, file string, same []int, i int, entry func(int) (string, int)) {
	if len(same) < 2 || same[1] != i {
		return
	}
	if len(r.Duplicates) == maxList {
		r.Meta.Leave("duplicates", "more is given twice than is listed")
		return
	}
	d := Duplicate{Kind: kind, Value: clean(value), File: file}
	for _, j := range same[:min(len(same), 20)] { // for people: what is more is in the file
		name, _ := entry(j)
		d.Names = append(d.Names, clean(name))
	}
	_, d.Line = entry(i)
	d.Raw = d.Names[1]
	r.Duplicates = append(r.Duplicates, d)
}

// directory finds the sources of users besides the files.
func (r *reader) directory() {
	data, err := r.root.ReadFile("/etc/nsswitch.conf", 0)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		base, sources, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || base != "passwd" {
			continue
		}
		for _, s := range strings.Fields(sources) {
			if s != "files" && s != "systemd" && !strings.HasPrefix(s, "[") && len(r.Directory) < 20 { // one is enough to tell
				r.Directory = append(r.Directory, clean(s))
			}
		}
	}
}

func (r *reader) shells() {
	data, err := r.root.ReadFile("/etc/shells", 0)
	if err != nil {
		return
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		value, _, _ := strings.Cut(strings.TrimSpace(line), "#")
		if value = clean(strings.TrimSpace(value)); value != "" && len(r.Shells) <= maxList {
			r.Shells = append(r.Shells, fact.Text{Value: value, Set: true, File: "/etc/shells", Line: n, Raw: value})
		}
	}
	if len(r.Shells) > maxList {
		r.Meta.Leave("shells", "/etc/shells has more shells than are looked at")
		r.Shells = r.Shells[:maxList]
	}
}

// owners are a file's user and group, -1 where they are not known.
func owners(fi fs.FileInfo) (uid, gid int) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}
