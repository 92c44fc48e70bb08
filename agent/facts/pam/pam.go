package pam

import (
	"context"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/pamconf"
	"seawall/pkg/text"
)

// services are the programs that are asked about, if the host has them. The first
// that is there of those by which people come in stands for how passwords are set.
func services() []string {
	return []string{"sshd", "login", "su", "su-l", "sudo", "sudo-i", "passwd", "chpasswd", "cockpit", "gdm-password", "vsftpd", "other"}
}

// passwordLogins are those that ask people for a password to let them in.
func passwordLogins() []string {
	return []string{"sshd", "login", "su", "sudo", "cockpit", "gdm-password"}
}

const maxLines = 100 // that are listed: each one is a finding

// Read reads the facts of the host's PAM.
func Read(_ context.Context, env fact.Env) Facts {
	begin := env.Now()
	f := Facts{Services: []Service{}, Problems: []Line{}}
	r := &reader{Facts: &f, root: env.Root, loader: &pamconf.Loader{Root: env.Root}, stacks: map[string]*pamconf.Service{}}
	r.read()
	f.Meta.Took = env.Now().Sub(begin)
	return f
}

// reader fills in the facts.
type reader struct {
	*Facts
	root   hostfs.Root
	loader *pamconf.Loader
	stacks map[string]*pamconf.Service
}

func (r *reader) read() {
	r.Meta.Depend("/etc/pam.d/", "/etc/pam.conf")
	if !r.root.Exists("/etc/pam.d") {
		r.Meta.State, r.Meta.Reason = fact.StateAbsent, "there is no /etc/pam.d"
		if r.root.Exists("/etc/pam.conf") {
			r.Meta.State, r.Meta.Reason = fact.StateUnknown, "/etc/pam.conf in place of /etc/pam.d is not read"
		}
		return
	}
	for _, name := range services() {
		s, err := r.loader.Load(name)
		if err != nil {
			r.problem(Line{Set: true, Text: clean(err.Error()), File: "/etc/pam.d/" + name})
			continue
		}
		if s.File == "" {
			continue
		}
		r.stacks[name] = s
		r.broken(s)
		r.Services = append(r.Services, r.service(s))
	}
	if len(r.Services) == 0 {
		r.Meta.State, r.Meta.Reason = fact.StateAbsent, "/etc/pam.d has none of the services that people log in by"
		if len(r.Problems) > 0 {
			r.Meta.State, r.Meta.Reason = fact.StateError, r.Problems[0].Text
		}
		return
	}
	r.Meta.State = fact.StateKnown
	r.password()
	r.lockout()
	r.su()
	r.umask()
	r.Meta.Depend(r.loader.Files...)
}

func clean(s string) string { return text.Clean(s, text.Limit) }

func (r *reader) problem(l Line) {
	if len(r.Problems) < maxLines {
		r.Problems = append(r.Problems, l)
	}
}

// broken collects the lines that always fail because PAM cannot read them.
func (r *reader) broken(s *pamconf.Service) {
	for _, t := range []pamconf.Type{pamconf.Auth, pamconf.Account, pamconf.Password, pamconf.Session} {
		for _, rule := range s.Stack(t) {
			l := line(&rule)
			if l.Text = rule.Broken; l.Text == "" {
				continue
			}
			known := false
			for _, p := range r.Problems {
				known = known || p.File == l.File && p.Line == l.Line
			}
			if !known {
				r.problem(l)
			}
		}
	}
}

// line is where a rule stands. Arguments may hold a password (a database's), so that
// only those of a few modules are shown.
func line(rule *pamconf.Rule) Line {
	if rule == nil {
		return Line{}
	}
	l := Line{Set: true, File: rule.File, Line: rule.Line}
	raw := strings.Join([]string{string(rule.Type), rule.Control, rule.Module + ".so"}, " ")
	switch rule.Module {
	case "pam_unix", "pam_pwquality", "pam_cracklib", "pam_passwdqc", "pam_pwhistory", "pam_faillock", "pam_tally2", "pam_wheel",
		"pam_permit", "pam_deny", "pam_umask", "pam_succeed_if", "pam_rootok", "pam_rhosts":
		raw += " " + strings.Join(rule.Args, " ")
	case "":
		raw = "a line that is not understood"
	}
	l.Raw = clean(strings.TrimSpace(raw))
	return l
}

// service answers what a service does with somebody at the door.
func (r *reader) service(s *pamconf.Service) Service {
	out := Service{Name: s.Name, File: s.File}
	auth, account := s.Stack(pamconf.Auth), s.Stack(pamconf.Account)
	var because *pamconf.Rule
	out.WrongPassword, because = passes(auth, person{})
	if out.WrongPassword.Yes {
		out.Because = line(because)
	}
	out.EmptyPassword, because = passes(auth, person{empty: true})
	if out.EmptyPassword.Yes && !out.WrongPassword.Yes {
		out.Because = line(because)
	}
	if has(auth, lockers()...) {
		out.LockedOut, _ = passes(auth, person{right: true, locked: true})
		if out.LockedOut.Known && out.LockedOut.Yes { // pam_faillock may stop them in account too
			if t, _ := passes(account, person{locked: true}); t.Known && !t.Yes {
				out.LockedOut = t
			}
		}
	} else {
		out.LockedOut = fact.Tri{Reason: "nothing counts wrong passwords"}
	}
	out.ExpiredAccount, _ = passes(account, person{expired: true})
	return out
}

func lockers() []string { return []string{"pam_faillock", "pam_tally2", "pam_tally"} }

// has reports whether one of the modules is in a stack.
func has(s pamconf.Stack, modules ...string) bool { return find(s, modules...) != nil }

// find returns the first rule of one of the modules.
func find(s pamconf.Stack, modules ...string) *pamconf.Rule {
	for i := range s {
		for _, m := range modules {
			if s[i].Module == m && s[i].Broken == "" {
				return &s[i]
			}
		}
	}
	return nil
}
