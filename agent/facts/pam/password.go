package pam

import (
	"strconv"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/pamconf"
	"seawall/pkg/passwd"
)

// password reads what happens when a password is set: the stack of passwd, or of
// another program where there is none.
func (r *reader) password() {
	r.Quality.Settings, r.Quality.Numbers = map[string]fact.Text{}, map[string]int{}
	r.History.Settings = map[string]fact.Text{}
	r.nullok()
	s := r.first("passwd", "chpasswd", "login", "sshd", "other")
	if s == nil {
		return
	}
	stack := s.Stack(pamconf.Password)
	unix := find(stack, "pam_unix")
	r.unix(stack, unix)
	if rule := find(stack, "pam_pwquality", "pam_cracklib", "pam_passwdqc"); rule != nil {
		set := r.qualitySettings(rule)
		r.Quality = Quality{Module: rule.Module, Settings: set, Numbers: set.numbers(), Shortest: shortest(rule.Module, set), Line: line(rule)}
		r.Quality.Enforced = refused(stack, rule)
	}
	if rule := find(stack, "pam_pwhistory"); rule != nil {
		set := newSettings(map[string]string{"remember": "10", "enforce_for_root": "no", "retry": "1"})
		r.file(set, historyFile)
		set.arguments(rule)
		r.History = History{Module: rule.Module, Settings: set, Remember: set.numbers()["remember"], Line: line(rule), Enforced: refused(stack, rule)}
	} else if unix != nil {
		if n, ok := unix.Arg("remember"); ok {
			r.History.Module, r.History.Line, r.History.Enforced = unix.Module, line(unix), fact.Tri{Known: true, Yes: true}
			r.History.Remember, _ = strconv.Atoi(n)
		}
	}
}

// first is the first of the services that the host has.
func (r *reader) first(names ...string) *pamconf.Service {
	for _, n := range names {
		if s := r.stacks[n]; s != nil && len(s.Stack(pamconf.Password)) > 0 {
			return s
		}
	}
	return nil
}

// refused reports whether a password that the rule's module refuses is not set: either
// the stack ends before a module that sets passwords, or that one takes no other
// password than the one refused.
func refused(stack pamconf.Stack, by *pamconf.Rule) fact.Tri {
	set, unknown := false, ""
	reached := false
	v := stack.Run(func(r *pamconf.Rule) string {
		switch {
		case r == by || reached && r.Module == by.Module:
			reached = true
			return "authtok_err"
		case r.Module == "pam_unix":
			if _, checked := r.Arg("use_authtok"); reached && checked {
				return "authtok_err"
			}
			set = true
			return "success"
		}
		a := changes(r)
		if a == "" {
			unknown, a = r.Module, "ignore"
		}
		return a
	})
	switch {
	case reached && set:
		return fact.Tri{Known: true, Reason: "the password is set all the same (" + v.Result + ")"}
	case reached:
		return fact.Tri{Known: true, Yes: true}
	case unknown != "":
		return fact.Tri{Reason: "it rests on " + clean(unknown)}
	}
	return fact.Tri{Known: true, Reason: "the stack ends or jumps before it asks the module"}
}

// changes is what a module that sets no password of the host's own says when one is
// changed; "" is not known.
func changes(r *pamconf.Rule) string {
	switch r.Module {
	case "pam_deny":
		return "authtok_err"
	case "pam_sss", "pam_krb5", "pam_ldap", "pam_winbind", "pam_systemd_home":
		return "user_unknown"
	case "pam_pwquality", "pam_cracklib", "pam_passwdqc", "pam_pwhistory", "pam_permit":
		return "success"
	}
	a := common(r)
	if a == "neutral" {
		a = "ignore"
	}
	return a
}

// nullok finds the first line that lets an empty password count.
func (r *reader) nullok() {
	for _, name := range services() {
		s := r.stacks[name]
		if s == nil {
			continue
		}
		for _, t := range []pamconf.Type{pamconf.Auth, pamconf.Password, pamconf.Account} {
			for _, rule := range s.Stack(t) {
				_, nullok := rule.Arg("nullok")
				_, secure := rule.Arg("nullok_secure")
				if rule.Module != "pam_unix" || rule.Broken != "" {
					continue
				}
				r.Unix.Found = true
				if (nullok || secure) && !r.Unix.Nullok.Set {
					r.Unix.Nullok = line(&rule)
				}
				if _, ok := rule.Arg("remember"); ok && !r.Unix.Remember.Set {
					r.Unix.Remember = line(&rule)
				}
			}
		}
	}
}

// unix reads how pam_unix sets passwords.
func (r *reader) unix(stack pamconf.Stack, rule *pamconf.Rule) {
	if rule == nil {
		return
	}
	r.Unix.Line = line(rule)
	for _, m := range []string{"yescrypt", "gost_yescrypt", "blowfish", "sha512", "sha256", "md5", "bigcrypt"} {
		if _, ok := rule.Arg(m); ok {
			r.Unix.Method = m
			break
		}
	}
	if r.Unix.Method == "" {
		r.Unix.Method = r.loginDefsMethod()
	}
	switch r.Unix.Method {
	case "yescrypt", "gost_yescrypt", "blowfish", "bcrypt", "sha512":
		r.Unix.Strong = true
	}
	_, r.Unix.UseAuthtok = rule.Arg("use_authtok")
	asks := find(stack, "pam_pwquality", "pam_cracklib", "pam_passwdqc", "pam_pwhistory")
	if asks == nil {
		r.Unix.UseAuthtok = true
	}
}

// loginDefsMethod is what pam_unix takes where no argument names a method.
func (r *reader) loginDefsMethod() string {
	const file = "/etc/login.defs"
	r.Meta.Depend(file)
	method := "des"
	data, err := r.root.ReadFile(file, 0)
	if err != nil {
		return method
	}
	for l := range strings.Lines(string(data)) {
		if f := strings.Fields(l); len(f) > 1 && f[0] == "ENCRYPT_METHOD" {
			return clean(strings.ToLower(f[1]))
		}
	}
	return method
}

// lockout reads what stops guessing.
func (r *reader) lockout() {
	l := &r.Lockout
	l.Settings, l.Numbers = map[string]fact.Text{}, map[string]int{}
	counts, locks := fact.Tri{Known: true, Yes: true}, fact.Tri{Known: true, Yes: true}
	asked := 0
	for _, name := range passwordLogins() {
		s := r.stacks[name]
		if s == nil {
			continue
		}
		asked++
		stack := s.Stack(pamconf.Auth)
		rule := find(stack, lockers()...)
		if rule == nil {
			none := fact.Tri{Known: true, Reason: "nothing counts wrong passwords for " + name}
			counts, locks = none, none
			continue
		}
		if l.Module == "" {
			l.Module, l.Line = rule.Module, line(rule)
			set := newSettings(lockoutDefaults())
			if rule.Module == "pam_faillock" {
				file := lockoutFile
				if other, ok := rule.Arg("conf"); ok {
					file = other
				}
				r.file(set, file)
			}
			set.arguments(rule)
			l.Settings, l.Numbers = set, set.numbers()
		}
		counts = both(counts, counted(stack), name+" does not reach what counts a wrong password")
		locks = both(locks, locked(r.Services, name), name+" lets in who is locked out")
	}
	if asked == 0 {
		counts, locks = fact.Tri{Reason: "no service asks for a password"}, fact.Tri{Reason: "no service asks for a password"}
	}
	l.Counts, l.Locks = counts, locks
}

// both is yes where both are; reason is why next is not.
func both(so, next fact.Tri, reason string) fact.Tri {
	switch {
	case so.Known && !so.Yes, next.Known && next.Yes:
		return so
	case !next.Known:
		return next
	}
	return fact.Tri{Known: true, Reason: reason}
}

// counted reports whether a wrong password reaches the line that counts it.
func counted(s pamconf.Stack) fact.Tri {
	counts := false
	s.Run(func(r *pamconf.Rule) string {
		_, failed := r.Arg("authfail")
		if failed && r.Module == "pam_faillock" || r.Module == "pam_tally2" || r.Module == "pam_tally" {
			counts = true
		}
		switch a := (person{}).answer(r); a {
		case "neutral", "":
			return "ignore"
		default:
			return a
		}
	})
	return fact.Tri{Known: true, Yes: counts}
}

// locked is whether a service keeps out who is locked out.
func locked(services []Service, name string) fact.Tri {
	for _, s := range services {
		if s.Name == name {
			return fact.Tri{Known: s.LockedOut.Known, Yes: !s.LockedOut.Yes, Reason: s.LockedOut.Reason}
		}
	}
	return fact.Tri{}
}

// su reads who may use su.
func (r *reader) su() {
	s := r.stacks["su"]
	if s == nil {
		return
	}
	r.Su.Found, r.Su.Members = true, []string{}
	stack := s.Stack(pamconf.Auth)
	rule := find(stack, "pam_wheel")
	if rule == nil {
		r.Su.Restricted = fact.Tri{Known: true, Reason: "no line has pam_wheel"}
		return
	}
	r.Su.Line = line(rule)
	in, _ := passes(stack, person{right: true})
	r.Su.Restricted = fact.Tri{Known: in.Known, Yes: !in.Yes, Reason: in.Reason}
	r.Meta.Depend("/etc/group")
	data, err := r.root.ReadFile("/etc/group", passwd.Limit)
	if err != nil {
		return
	}
	groups, _ := passwd.Groups(data)
	name, _ := rule.Arg("group")
	for _, g := range groups {
		if g.Name == name || name == "" && (g.Name == "wheel" || g.GID == 0 && r.Su.Group == "") {
			r.Su.Group, r.Su.Members = clean(g.Name), []string{}
			for _, m := range g.Members[:min(len(g.Members), 100)] {
				r.Su.Members = append(r.Su.Members, clean(m))
			}
		}
	}
}

// umask reads pam_umask of people's sessions.
func (r *reader) umask() {
	for _, name := range []string{"sshd", "login"} {
		s := r.stacks[name]
		if s == nil {
			continue
		}
		if rule := find(s.Stack(pamconf.Session), "pam_umask"); rule != nil {
			value, _ := rule.Arg("umask")
			l := line(rule)
			r.Umask = fact.Text{Value: clean(value), Set: true, File: l.File, Line: l.Line, Raw: l.Raw}
			return
		}
	}
}
