package sudo

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/owner"
	"seawall/pkg/redact"
	"seawall/pkg/sudoers"
)

// grants makes one entry for each user and command of each rule. Of rules beyond what
// is kept nothing is worked out: aliases can make millions of a few lines.
func (r *reader) grants() {
	r.weak, r.typed = map[string]string{}, map[string]bool{}
	r.settings()
	for i, rule := range r.config.Rules {
		if len(r.Grants) >= maxGrants {
			r.MoreGrants += len(r.config.Rules) - i
			break
		}
		raw := hushed(rule.Raw)
		commands := r.config.Commands(rule.Command)
		hosts := r.list(sudoers.HostAlias, rule.Hosts)
		runUsers := r.config.Members(sudoers.RunasAlias, rule.RunUsers)
		runAs := r.list(sudoers.RunasAlias, rule.RunUsers)
		if groups := r.list(sudoers.RunasAlias, rule.RunGroups); groups != "" {
			runAs += ":" + groups
		}
		for _, who := range r.config.Members(sudoers.UserAlias, rule.Users) {
			if who.Not {
				continue
			}
			for j, c := range commands {
				if len(r.Grants) >= maxGrants {
					r.MoreGrants += len(commands) - j
					break
				}
				g := Grant{Hosts: hosts, RunAs: runAs, AsRoot: asRoot(rule, runUsers), File: rule.File, Line: rule.Line, Raw: raw}
				r.who(&g, who)
				r.what(&g, c)
				g.NoPassword = r.free(rule.Tags, who, c)
				g.SetEnv = !rule.Tags["NOSETENV"] && (rule.Tags["SETENV"] || c.All)
				g.NoExec = rule.Tags["NOEXEC"]
				r.Grants = append(r.Grants, g)
			}
		}
	}
	if r.MoreGrants > 0 {
		r.Meta.Leave("grants", "there are "+strconv.Itoa(r.MoreGrants)+" rules more than are looked at")
	}
}

func (r *reader) list(kind sudoers.AliasKind, members []sudoers.Member) string {
	var words []string
	for _, m := range r.config.Members(kind, members) {
		words = append(words, spell(m))
	}
	return clean(strings.Join(words, ", "))
}

// spell writes a member as sudoers has it.
func spell(m sudoers.Member) string {
	mark := map[sudoers.Kind]string{sudoers.Group: "%", sudoers.Netgroup: "+", sudoers.ID: "#", sudoers.GroupID: "%#", sudoers.Foreign: "%:"}[m.Kind]
	if m.Not {
		mark = "!" + mark
	}
	return mark + m.Name
}

func spellCommand(c sudoers.Command) string {
	s := c.Path + c.Alias
	if c.All {
		s = "ALL"
	}
	if c.Args != "" {
		s += " " + c.Args
	}
	if c.Not {
		s = "!" + s
	}
	return s
}

// asRoot reports whether root is among those to run as; it is where nobody is named.
func asRoot(rule sudoers.Rule, users []sudoers.Member) bool {
	if rule.RunUsers == nil {
		return rule.RunGroups == nil
	}
	yes := false
	for _, m := range users { // the last one counts
		if m.Kind == sudoers.All || m.Kind == sudoers.Word && m.Name == "root" || m.Kind == sudoers.ID && m.Name == "0" ||
			m.Kind == sudoers.Group && m.Name == "root" {
			yes = !m.Not
		}
	}
	return yes
}

func (r *reader) who(g *Grant, m sudoers.Member) {
	g.Who, g.Everybody, g.Users = clean(spell(m)), m.Kind == sudoers.All, []string{}
	users, missing := r.people.of(m)
	g.Missing = missing
	for _, u := range users {
		if len(g.Users) == maxLines {
			break
		}
		if u != "root" && !slices.Contains(g.Users, clean(u)) {
			g.Users = append(g.Users, clean(u))
		}
	}
	typed, ok := r.typed[g.Who]
	if !ok {
		typed = slices.ContainsFunc(users, func(u string) bool { return u != "root" && r.people.password[u] })
		r.typed[g.Who] = typed
	}
	g.Password = typed
}

func (r *reader) what(g *Grant, c sudoers.Command) {
	g.Command, g.Program, g.All, g.Negated = clean(redact.Text(spellCommand(c))), clean(c.Path), c.All, c.Not
	free := c.Args == "" || strings.ContainsAny(c.Args, "*?[") || strings.HasPrefix(c.Args, "^")
	g.Escape = !c.Not && free && escapes(c.Path)
	g.Wildcard = strings.ContainsAny(c.Args, "*?") || strings.ContainsAny(c.Path, "*?")
	if !c.Not && g.AsRoot && strings.HasPrefix(c.Path, "/") && !strings.ContainsAny(c.Path, "*?[") {
		g.Writable = r.writable(c.Path)
	}
}

// writable says who else than root may put something in the place of a program.
func (r *reader) writable(name string) string {
	why, ok := r.weak[name]
	if !ok {
		if ways, err := owner.Weak(r.root, name, 0); err == nil && len(ways) > 0 {
			why = clean(ways[0])
		}
		r.weak[name] = why
		if len(r.Meta.Depends) < maxDepends {
			r.Meta.Depend(path.Clean(name))
		}
	}
	return why
}

// free reports whether no password is asked for: by the tag, or by a setting that
// holds for everybody, for the user, or for the command.
func (r *reader) free(tags map[string]bool, who sudoers.Member, c sudoers.Command) bool {
	switch {
	case tags["NOPASSWD"]:
		return true
	case tags["PASSWD"]:
		return false
	}
	asked := r.Defaults["authenticate"].On
	for _, a := range r.asks {
		if a.users[sudoers.Member{Kind: sudoers.All}] || a.users[sudoers.Member{Kind: who.Kind, Name: who.Name}] ||
			a.all || c.Path != "" && a.programs[c.Path] {
			asked = a.asked
		}
	}
	return !asked
}

// asking is a setting, for some, of whether a password is asked for.
type asking struct {
	asked    bool
	users    map[sudoers.Member]bool // kind and name
	programs map[string]bool
	all      bool // programs
}

// settings works out for whom "authenticate" is set, once for all rules.
func (r *reader) settings() {
	for _, d := range r.config.Defaults {
		if d.Name != "authenticate" || d.Scope == 0 {
			continue
		}
		if len(r.asks) == maxLines {
			r.Meta.Leave("grants", "there are more settings of authenticate than are looked at")
			return
		}
		a := asking{asked: !d.Not, users: map[sudoers.Member]bool{}, programs: map[string]bool{}}
		for _, m := range r.config.Members(sudoers.UserAlias, d.Members) {
			switch {
			case d.Scope != ':' || m.Not:
			case m.Kind == sudoers.All:
				a.users[sudoers.Member{Kind: sudoers.All}] = true
			default:
				a.users[sudoers.Member{Kind: m.Kind, Name: m.Name}] = true
			}
		}
		for _, of := range d.Commands {
			for _, c := range r.config.Commands(of) {
				a.all = a.all || c.All
				a.programs[c.Path] = true
			}
		}
		r.asks = append(r.asks, a)
	}
}

// escapes reports whether a program can be made to run or to write anything, by its
// own features.
func escapes(name string) bool {
	base := strings.TrimRight(path.Base(name), "0123456789.-")
	const list = " ash awk bash busybox chmod chown chroot cp crontab csh curl dash dd docker dpkg ed emacs env expect find ftp fish gawk gdb" +
		" git install ionice ip journalctl ksh less ln lua lxc make man mawk more mount mv mysql nano nerdctl nice nmap node npm nsenter" +
		" openvpn perl php pico pip podman psql python rsync ruby run-parts rview scp screen script sed service setarch setpriv sh" +
		" socat sqlite ssh start-stop-daemon stdbuf strace su sudo systemctl systemd-run tar taskset tclsh tcpdump tcsh tee time" +
		" timeout tmux unshare vi vim vim.basic vim.tiny view visudo vipw watch wget xargs zip zsh apt apt-get aptitude dnf yum rpm snap "
	return strings.Contains(list, " "+base+" ")
}

// later reports whether a version is at least another.
func later(version []string, than []int) bool {
	for i, want := range than {
		got, err := strconv.Atoi(version[i])
		if err != nil || got != want {
			return err == nil && got > want
		}
	}
	return true
}
