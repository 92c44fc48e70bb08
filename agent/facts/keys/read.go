package keys

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/passwd"
	"seawall/pkg/redact"
	"seawall/pkg/sshdconf"
	"seawall/pkg/text"
)

// Limits of what is followed and kept.
const (
	maxUsers = 12_000
	maxKeys  = 12_000
	maxLines = 200
	maxFiles = 12_000
	maxFile  = 1 << 20
	maxBytes = 16 << 20 // of all files
	maxLeft  = 12_000

	maxOthers = 20 // who have the same key: that there is one counts

	maxConnections = 64
)

// Read reads the facts of the keys.
func Read(_ context.Context, env fact.Env) Facts {
	f := Facts{Keys: []Key{}, Files: []File{}, Lines: []Line{}, Left: []File{}}
	r := &reader{Facts: &f, root: env.Root, now: env.Now()}
	r.read()
	f.Meta.Took = env.Now().Sub(r.now)
	return f
}

// reader fills in the facts.
type reader struct {
	*Facts
	root   hostfs.Root
	now    time.Time
	config *sshdconf.Config
	users  []passwd.User
	groups map[string][]string
	states map[string]string // of accounts
	seen   map[string]int    // file → index in Files of its first user
	parsed map[string][]line // file → its keys
	budget int64             // bytes that may still be read of files of keys
}

func (r *reader) read() {
	r.Meta.Depend(sshdconf.DefaultPath, "/etc/passwd", "/etc/group", "/etc/shadow")
	if !r.root.Exists("/usr/sbin/sshd") && !r.root.Exists(sshdconf.DefaultPath) {
		r.Meta.State, r.Meta.Reason = fact.StateAbsent, "no SSH server is installed"
		return
	}
	data, err := r.root.ReadFile("/etc/passwd", passwd.Limit)
	if err != nil {
		r.Meta.Fail("read users", err)
		if r.Meta.State == fact.StateAbsent {
			r.Meta.State = fact.StateUnknown
		}
		return
	}
	r.users, _ = passwd.Users(data)
	r.memberships()
	r.accounts()
	if err := r.load(); err != nil {
		r.Meta.State, r.Meta.Reason = fact.StateUnknown, "read sshd's configuration: "+text.Clean(err.Error(), text.Limit)
		return
	}
	r.Meta.State = fact.StateKnown
	r.follow()
	r.shared()
	r.left()
}

// load reads sshd's configuration; without one sshd's defaults hold.
func (r *reader) load() error {
	o := sshdconf.Options{Groups: func(user string) []string { return r.groups[user] }}
	var err error
	r.config, err = sshdconf.Load(r.root, sshdconf.DefaultPath, o)
	if errors.Is(err, fs.ErrNotExist) {
		r.config = nil
		return nil
	}
	if err != nil {
		o.Tolerant = true // a line that sshd refuses leaves the others as they are
		if r.config, err = sshdconf.Load(r.root, sshdconf.DefaultPath, o); err != nil {
			return err
		}
	}
	r.Meta.Depend(r.config.Files...)
	for _, g := range r.config.Globs {
		if dir := path.Dir(g); strings.HasPrefix(dir, "/etc/") && !strings.ContainsAny(dir, "*?[") {
			r.Meta.Depend(dir + "/")
		}
	}
	return nil
}

// memberships reads whose groups are which, for Match.
func (r *reader) memberships() {
	r.groups = map[string][]string{}
	data, err := r.root.ReadFile("/etc/group", passwd.Limit)
	if err != nil {
		return
	}
	groups, _ := passwd.Groups(data)
	primary := map[int]string{}
	for _, g := range groups {
		if _, ok := primary[g.GID]; !ok {
			primary[g.GID] = g.Name
		}
		for _, m := range g.Members {
			r.groups[m] = append(r.groups[m], g.Name)
		}
	}
	for _, u := range r.users {
		if g, ok := primary[u.GID]; ok {
			r.groups[u.Name] = append(r.groups[u.Name], g)
		}
	}
}

// accounts reads which accounts are locked or have expired.
func (r *reader) accounts() {
	r.states = map[string]string{}
	data, err := r.root.ReadFile("/etc/shadow", passwd.Limit)
	if err != nil {
		return
	}
	today := int(r.now.Unix() / 86400)
	entries, _ := passwd.Shadows(data)
	for _, e := range entries {
		switch {
		case e.Expire >= 0 && today >= e.Expire:
			r.states[e.Name] = "expired"
		case e.Password.State == passwd.Locked:
			r.states[e.Name] = "locked"
		default:
			r.states[e.Name] = "open"
		}
	}
}

// follow reads every user's files, those who can log in first.
func (r *reader) follow() {
	r.seen, r.parsed, r.budget = map[string]int{}, map[string][]line{}, maxBytes
	users := slices.Clone(r.users)
	slices.SortStableFunc(users, func(a, b passwd.User) int {
		switch {
		case a.CanLogIn() == b.CanLogIn():
			return 0
		case a.CanLogIn():
			return -1
		}
		return 1
	})
	r.Users = min(len(users), maxUsers)
	if r.MoreUsers = len(users) - r.Users; r.MoreUsers > 0 {
		for _, list := range []string{"keys", "files", "lines"} {
			r.Meta.Leave(list, "there are "+itoa(r.MoreUsers)+" users more than are looked at")
		}
	}
	conns := r.connections()
	same := r.config == nil || !slices.ContainsFunc(r.config.Directives, func(d sshdconf.Directive) bool { return d.Match >= 0 })
	var patterns []string
	for i, u := range users[:r.Users] {
		if i == 0 || !same {
			patterns = r.patterns(u, conns)
		}
		for _, name := range expand(patterns, u) {
			r.file(u, name)
		}
	}
}

// connections are an example of each kind of connection, if the keywords asked for
// are set for some of them only; else one.
func (r *reader) connections() []sshdconf.Conn {
	one := []sshdconf.Conn{{User: "root", Host: "203.0.113.9", Address: "203.0.113.9", LocalAddress: "192.0.2.10", LocalPort: 22}}
	if r.config == nil {
		return one
	}
	set := func(d sshdconf.Directive) bool {
		return d.Match >= 0 && (d.Keyword == "authorizedkeysfile" || strings.HasPrefix(d.Keyword, "authorizedkeyscommand"))
	}
	if !slices.ContainsFunc(r.config.Directives, set) {
		return one
	}
	groups, more := r.config.Connections(nil)
	var conns []sshdconf.Conn
	for _, g := range groups {
		c := g.Conn
		if c.User = ""; !slices.Contains(conns, c) {
			conns = append(conns, c)
		}
	}
	if more || len(conns) > maxConnections {
		for _, list := range []string{"keys", "files", "lines"} {
			r.Meta.Leave(list, "sshd_config tells apart more connections than are looked at")
		}
		conns = conns[:min(len(conns), maxConnections)]
	}
	return conns
}

// patterns are the names of a user's files as they are configured, on any connection.
func (r *reader) patterns(u passwd.User, conns []sshdconf.Conn) (names []string) {
	if r.config == nil {
		return []string{".ssh/authorized_keys", ".ssh/authorized_keys2"}
	}
	for _, c := range conns {
		c.User = u.Name
		values, err := r.config.Effective(c)
		if err != nil {
			continue
		}
		if cmd := values["authorizedkeyscommand"]; len(cmd.Values) > 0 && cmd.Values[0] != "none" {
			r.Command = fact.Text{Value: text.Clean(redact.Text(strings.Join(cmd.Values, " ")), text.Limit), Set: true, File: cmd.File, Line: cmd.Line, Raw: text.Clean(redact.Text(cmd.Raw), text.Limit)}
			r.CommandUser = text.Clean(strings.Join(values["authorizedkeyscommanduser"].Values, " "), 256)
		}
		names = append(names, strings.Fields(strings.Join(values["authorizedkeysfile"].Values, " "))...)
	}
	return names
}

// expand replaces the tokens of AuthorizedKeysFile; relative names are the home's. Each
// name is there once.
func expand(patterns []string, u passwd.User) (names []string) {
	for _, p := range patterns {
		if p == "none" {
			continue
		}
		name := strings.NewReplacer("%%", "%", "%h", u.Home, "%u", u.Name, "%U", itoa(u.UID)).Replace(p)
		if !path.IsAbs(name) {
			name = path.Join("/", u.Home, name)
		}
		if name = path.Clean(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
