package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/accounts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/keys"
	"seawall/agent/facts/pam"
	"seawall/agent/facts/sudo"
)

// goodLogin fills in accounts, sudo, PAM and keys.
func goodLogin(f *facts.Facts, known fact.Meta) {
	f.Accounts, f.PAM, f.Sudo, f.Keys = goodAccounts(known), goodPAM(known), goodSudo(known), goodKeys(known)
}

func goodAccounts(known fact.Meta) accounts.Facts {
	yes := fact.Tri{Known: true, Yes: true}
	set := func(file, value string) fact.Text {
		return fact.Text{Value: value, Set: true, File: file, Line: 3, Raw: value}
	}
	age := accounts.Age{Changed: "2026-10-01", ChangedDays: 50, Min: 1, Max: 365, Warn: 7, Inactive: 30}
	user := func(name string, uid int, home string) accounts.User {
		return accounts.User{Name: name, UID: uid, GID: uid, Home: home, Shell: "/bin/bash", File: "/etc/passwd", Line: 1 + uid%100, Group: name, Login: true,
			Password: accounts.Password{State: "set", Method: "yescrypt", Strong: true, File: "/etc/shadow", Line: 1 + uid%100}, Age: age,
			HomeDir: accounts.Home{Read: true, Exists: true, Mode: 0o750, UID: uid, GID: uid}, UnusedDays: 3}
	}
	daemon := accounts.User{Name: "www-data", UID: 33, GID: 33, Home: "/var/www", Shell: "/usr/sbin/nologin", File: "/etc/passwd", Line: 7, Group: "www-data",
		System: true, Password: accounts.Password{State: "none", File: "/etc/shadow", Line: 7}, UnusedDays: -1}
	f := accounts.Facts{Meta: known, Users: []accounts.User{user("root", 0, "/root"), user("ann", 1000, "/home/ann"), daemon},
		Groups: []accounts.Group{{Name: "disk", GID: 6, Kind: "root", File: "/etc/group", Line: 7}}, Shadow: yes, LastLogins: yes,
		LoginDefs: map[string]fact.Text{}, Useradd: map[string]fact.Text{"INACTIVE": set("/etc/default/useradd", "30")},
		Numbers:  map[string]int{"PASS_MAX_DAYS": 365, "PASS_MIN_DAYS": 1, "PASS_WARN_AGE": 7, "UMASK": 0o27, "HOME_MODE": 0o750, "INACTIVE": 30},
		Umask:    accounts.Setting{Value: 0o27, Text: "027", Set: true, File: "/etc/profile.d/x.sh", Line: 1, Raw: "umask 027"},
		Timeout:  accounts.Setting{Value: 900, Text: "900", Set: true, Locked: true, File: "/etc/profile.d/x.sh", Line: 2},
		RootPath: []accounts.PathEntry{{Dir: "/usr/sbin", Mode: 0o755, File: "/etc/profile", Line: 4}},
		Shells:   []fact.Text{set("/etc/shells", "/bin/bash")},
	}
	for k, v := range map[string]string{"ENCRYPT_METHOD": "YESCRYPT", "PASS_MAX_DAYS": "365", "PASS_MIN_DAYS": "1", "PASS_WARN_AGE": "7", "UMASK": "027", "HOME_MODE": "0750"} {
		f.LoginDefs[k] = set("/etc/login.defs", v)
	}
	return f
}

func goodPAM(known fact.Meta) pam.Facts {
	yes, no := fact.Tri{Known: true, Yes: true}, fact.Tri{Known: true}
	line := func(raw string) pam.Line { return pam.Line{Set: true, File: "/etc/pam.d/common-x", Line: 9, Raw: raw} }
	f := pam.Facts{Meta: known,
		Services: []pam.Service{{Name: "sshd", File: "/etc/pam.d/sshd", WrongPassword: no, EmptyPassword: no, LockedOut: no, ExpiredAccount: no}},
		Quality: pam.Quality{Module: "pam_pwquality", Enforced: yes, Shortest: 14, Line: line("pam_pwquality.so"), Settings: map[string]fact.Text{},
			Numbers: map[string]int{"minlen": 14, "minclass": 3, "difok": 2, "maxrepeat": 3, "maxsequence": 3, "dictcheck": 1, "enforcing": 1}},
		History: pam.History{Module: "pam_pwhistory", Enforced: yes, Remember: 24, Line: line("pam_pwhistory.so"), Settings: map[string]fact.Text{"enforce_for_root": {Value: "yes", Set: true}}},
		Lockout: pam.Lockout{Module: "pam_faillock", Counts: yes, Locks: yes, Line: line("pam_faillock.so"),
			Settings: map[string]fact.Text{"deny": {Value: "5", Set: true}, "unlock_time": {Value: "900", Set: true}, "even_deny_root": {Value: "yes", Set: true}},
			Numbers:  map[string]int{"deny": 5, "unlock_time": 900}},
		Unix: pam.Unix{Found: true, Method: "yescrypt", Strong: true, UseAuthtok: true, Line: line("pam_unix.so")},
		Su:   pam.Su{Found: true, Restricted: yes, Group: "sugroup", Line: line("pam_wheel.so")},
	}
	for k, v := range map[string]string{"minlen": "14", "minclass": "3", "difok": "2", "maxrepeat": "3", "maxsequence": "3", "dictcheck": "1", "enforcing": "1", "enforce_for_root": "yes"} {
		f.Quality.Settings[k] = fact.Text{Value: v, Set: true, File: "/etc/security/pwquality.conf", Line: 5, Raw: k + " = " + v}
	}
	return f
}

func goodSudo(known fact.Meta) sudo.Facts {
	f := sudo.Facts{Meta: known, Installed: true, Program: "sudo", Defaults: map[string]sudo.Default{},
		Files: []sudo.File{{Path: "/etc/sudoers", Mode: 0o440}, {Path: "/etc/sudoers.d", Dir: true, Mode: 0o750}},
		Grants: []sudo.Grant{{Who: "%sudo", Users: []string{"ann"}, Password: true, Hosts: "ALL", RunAs: "ALL:ALL", AsRoot: true, Command: "ALL", All: true,
			SetEnv: true, File: "/etc/sudoers", Line: 27, Raw: "%sudo ALL=(ALL:ALL) ALL"}}}
	for name, value := range map[string]string{"authenticate": "", "timestamp_timeout": "15", "timestamp_type": "tty", "tty_tickets": "", "use_pty": "",
		"logfile": "/var/log/sudo.log", "env_reset": "", "secure_path": "/usr/sbin:/usr/bin"} {
		f.Defaults[name] = sudo.Default{Name: name, Value: value, On: true}
	}
	f.Defaults["visiblepw"] = sudo.Default{Name: "visiblepw"}
	return f
}

func goodKeys(known fact.Meta) keys.Facts {
	key := func(user, fingerprint string) keys.Key {
		return keys.Key{User: user, Type: "ed25519", Bits: 256, Fingerprint: "SHA256:" + fingerprint, AgeDays: 20, Account: "open", Shell: true,
			File: "/home/" + user + "/.ssh/authorized_keys", Line: 1, Raw: "ed25519 SHA256:" + fingerprint}
	}
	return keys.Facts{Meta: known, Users: 30, Keys: []keys.Key{key("ann", "abc"), key("bob", "def")},
		Files: []keys.File{{Path: "/home/ann/.ssh/authorized_keys", User: "ann", Keys: 1, Mode: 0o600, UID: 1000, GID: 1000}}}
}

func loginCases() []testCase {
	var cases []testCase
	for _, part := range [][]testCase{accountCases(), homeCases(), defaultsCases(), pamCases(), sudoCases(), keyCases()} {
		cases = append(cases, part...)
	}
	return cases
}

// ann changes the ordinary user, www the service's.
func ann(change func(*accounts.User)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.Accounts.Users[1]) }
}

func www(change func(*accounts.User)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.Accounts.Users[2]) }
}

func twice(kind, value string) func(*facts.Facts) {
	return func(f *facts.Facts) {
		f.Accounts.Duplicates = []accounts.Duplicate{{Kind: kind, Value: value, Names: []string{"ann", "bob"}, File: "/etc/passwd", Line: 5, Raw: "bob"}}
	}
}

func noShadow(f *facts.Facts) {
	f.Accounts.Shadow = fact.Tri{Reason: "shadow cannot be read"}
}

func accountCases() []testCase {
	return []testCase{
		{"accounts-empty-password", ann(func(u *accounts.User) { u.Password.State = "empty" }), "ann fail critical: the password is empty @/etc/shadow:1"},
		{"accounts-empty-password", www(func(u *accounts.User) { u.Password.State = "empty" }), "www-data fail medium: the password is empty, though"},
		{"accounts-empty-password", noShadow, "unknown: shadow cannot be read"},
		{"accounts-empty-password", func(f *facts.Facts) { f.Accounts.Users = nil }, "unknown: no user was read"},
		{"accounts-password-in-passwd", ann(func(u *accounts.User) { u.Password.InPasswd = true }), "ann fail high: a hash (yescrypt)"},
		{"accounts-uid-zero", ann(func(u *accounts.User) { u.UID = 0 }), "ann fail critical: ann has the number 0 @/etc/passwd:1"},
		{"accounts-uid-zero", www(func(u *accounts.User) { u.UID = 0 }), "its shell lets nobody in"},
		{"accounts-uid-zero", func(f *facts.Facts) { f.Accounts.Users = f.Accounts.Users[:1] }, "pass: root alone"},
		{"accounts-gid-zero", ann(func(u *accounts.User) { u.GID = 0 }), "ann fail medium: ann has the group 0"},
		{"accounts-duplicate-uid", twice("uid", "1000"), "1000 fail high: ann, bob share the number 1000 @/etc/passwd:5"},
		{"accounts-duplicate-uid", twice("uid", "0"), "pass"},
		{"accounts-duplicate-gid", twice("gid", "1000"), "fail medium: ann, bob share"},
		{"accounts-duplicate-user", twice("user", "ann"), "ann fail high: 2 entries are called ann"},
		{"accounts-duplicate-group", twice("group", "ann"), "ann fail medium: 2 entries"},
		{"accounts-group-exists", ann(func(u *accounts.User) { u.Group = "" }), "ann fail low: no group has the number 1000"},
		{"accounts-root-groups", func(f *facts.Facts) { f.Accounts.Groups[0].Members = []string{"ann"} }, "disk fail high: members: ann @/etc/group:7"},
		{"accounts-system-shell", www(func(u *accounts.User) { u.Login, u.Shell = true, "" }), "www-data fail low: no shell is set"},
		{"accounts-service-password", www(func(u *accounts.User) { u.Password.State = "set" }), "www-data fail medium: a password is set, with the shell /usr/sbin/nologin"},
		{"accounts-service-password", noShadow, "unknown: shadow cannot"},
		{"accounts-entries-valid", func(f *facts.Facts) {
			f.Accounts.Problems = []accounts.Problem{{Kind: "compat", Text: "+: it is", File: "/etc/passwd", Line: 9}}
		}, "/etc/passwd:9 fail high: +: it is"},
		{"accounts-entries-valid", func(f *facts.Facts) { f.Accounts.Problems = []accounts.Problem{{Kind: "malformed", Text: "x"}} }, "fail medium"},
		{"accounts-entries-valid", func(f *facts.Facts) { f.Accounts.Problems = []accounts.Problem{{Kind: "no_user", Text: "x"}} }, "pass"},
		{"accounts-password-hash", ann(func(u *accounts.User) { u.Password.Method, u.Password.Strong = "md5", false }), "ann fail high: md5"},
		{"accounts-password-hash", ann(func(u *accounts.User) { u.Password.Method, u.Password.Strong = "sha256", false }), "ann fail medium: sha256"},
		{"accounts-password-hash", ann(func(u *accounts.User) { u.Password = accounts.Password{State: "locked", Method: "sha256"} }), "fail low: sha256, and locked"},
		{"accounts-password-future", ann(func(u *accounts.User) { u.Age.Future, u.Age.Changed = true, "2030-01-01" }), "ann fail medium: changed on 2030-01-01"},
		{"accounts-unused", ann(func(u *accounts.User) { u.UnusedDays = 200 }), "ann fail informational: the last login was 200 days ago"},
		{"accounts-unused", ann(func(u *accounts.User) { u.UnusedDays, u.Age.Expired = 200, true }), "pass"},
		{"accounts-unused", func(f *facts.Facts) { f.Accounts.LastLogins = fact.Tri{Reason: "no lastlog"} }, "unknown: no lastlog"},
	}
}

func dot(kind string, mode int, plus bool) func(*facts.Facts) {
	return ann(func(u *accounts.User) {
		u.HomeDir.Dot = []accounts.DotFile{{Path: "/home/ann/." + kind, Kind: kind, Mode: mode, UID: 1000, Plus: plus}}
	})
}

func homeCases() []testCase {
	home := func(change func(*accounts.Home)) func(*facts.Facts) {
		return ann(func(u *accounts.User) { change(&u.HomeDir) })
	}
	return []testCase{
		{"accounts-home-exists", home(func(h *accounts.Home) { h.Exists = false }), "ann fail low: there is no /home/ann"},
		{"accounts-home-exists", home(func(h *accounts.Home) { h.Exists, h.Error = false, "permission denied" }), "unknown: permission denied"},
		{"accounts-home-exists", home(func(h *accounts.Home) { h.Exists, h.Error = false, "the home is no directory" }), "fail low: the home is no directory: /home/ann"},
		{"accounts-home-owner", home(func(h *accounts.Home) { h.UID = 33 }), "ann fail high: /home/ann belongs to the user number 33"},
		{"accounts-home-owner", home(func(h *accounts.Home) { h.UID = 0 }), "pass"},
		{"accounts-home-writable", home(func(h *accounts.Home) { h.Mode = 0o777 }), "ann fail high: /home/ann has the mode 0777"},
		{"accounts-home-writable", home(func(h *accounts.Home) { h.Mode = 0o770 }), "ann fail medium"},
		{"accounts-home-mode", home(func(h *accounts.Home) { h.Mode = 0o755 }), "ann fail low: /home/ann has the mode 0755"},
		{"accounts-dot-files", dot("writable", 0o666, false), "ann fail high: /home/ann/.writable 0666"},
		{"accounts-netrc", dot("netrc", 0o644, false), "ann fail high: /home/ann/.netrc has the mode 0644"},
		{"accounts-netrc", dot("netrc", 0o600, false), "pass"},
		{"accounts-rhosts", dot("rhosts", 0o600, true), "ann fail high: /home/ann/.rhosts, which trusts everybody"},
		{"accounts-forward", dot("forward", 0o600, false), "ann fail low: /home/ann/.forward"},
		{"accounts-hosts-equiv", func(f *facts.Facts) {
			f.Accounts.Trust = []accounts.DotFile{{Path: "/etc/hosts.equiv", Kind: "equiv", Plus: true}}
		}, "/etc/hosts.equiv fail critical: it trusts everybody"},
		{"accounts-hosts-equiv", func(f *facts.Facts) { f.Accounts.Trust = []accounts.DotFile{{Path: "/etc/hosts.equiv"}} }, "fail high: it is there"},
		{"accounts-root-path", func(f *facts.Facts) { f.Accounts.RootPath[0].Wrong, f.Accounts.RootPath[0].UID = "not root's", 33 }, "/usr/sbin fail high: not root's, mode 0755, owner 33:0 @/etc/profile:4"},
		{"accounts-root-path", func(f *facts.Facts) { f.Accounts.RootPath = []accounts.PathEntry{{Wrong: "empty", Mode: -1}} }, "(empty) fail high: empty"},
		{"accounts-root-path", func(f *facts.Facts) { f.Accounts.RootPath = nil }, "unknown: no setting"},
	}
}

func defaultsCases() []testCase {
	defs := func(key, value string, n int) func(*facts.Facts) {
		return func(f *facts.Facts) {
			t := f.Accounts.LoginDefs[key]
			t.Value = value
			f.Accounts.LoginDefs[key], f.Accounts.Numbers[key] = t, n
		}
	}
	unset := func(key string) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Accounts.LoginDefs[key] = fact.Text{}; delete(f.Accounts.Numbers, key) }
	}
	return []testCase{
		{"accounts-encrypt-method", defs("ENCRYPT_METHOD", "MD5", 0), "fail medium: MD5 @/etc/login.defs:3"},
		{"accounts-encrypt-method", unset("ENCRYPT_METHOD"), "fail medium: not set"},
		{"accounts-pass-max-days", defs("PASS_MAX_DAYS", "99999", 99999), "fail low: 99999"},
		{"accounts-pass-max-days", unset("PASS_MAX_DAYS"), "fail low: not set"},
		{"accounts-pass-min-days", defs("PASS_MIN_DAYS", "0", 0), "fail low: 0"},
		{"accounts-pass-warn-age", defs("PASS_WARN_AGE", "3", 3), "fail low: 3"},
		{"accounts-home-mode-default", defs("HOME_MODE", "0755", 0o755), "fail low: 0755, by HOME_MODE"},
		{"accounts-home-mode-default", all(unset("HOME_MODE"), defs("UMASK", "022", 0o22)), "fail low: 0755, by UMASK"},
		{"accounts-home-mode-default", unset("HOME_MODE"), "pass: 0750, by UMASK"},
		{"accounts-inactive", func(f *facts.Facts) { f.Accounts.Numbers["INACTIVE"] = -1 }, "fail low: never @/etc/default/useradd:3"},
		{"accounts-user-max-days", ann(func(u *accounts.User) { u.Age.Max = 99999 }), "ann fail low: never ends"},
		{"accounts-user-max-days", ann(func(u *accounts.User) { u.Age.Max = 400 }), "ann fail low: ends after 400 days"},
		{"accounts-user-min-days", ann(func(u *accounts.User) { u.Age.Min = 0 }), "ann fail low: may be changed at once"},
		{"accounts-user-warn-age", ann(func(u *accounts.User) { u.Age.Warn = -1 }), "ann fail low: no warning"},
		{"accounts-user-inactive", ann(func(u *accounts.User) { u.Age.Inactive = -1 }), "ann fail low: never closes"},
		{"accounts-user-inactive", noShadow, "unknown: shadow cannot"},
		{"accounts-umask", func(f *facts.Facts) { f.Accounts.Umask.Value = 0o22 }, "fail low: 022 @/etc/profile.d/x.sh:1"},
		{"accounts-umask", func(f *facts.Facts) { f.Accounts.Umask = accounts.Setting{} }, "fail low: 022, by the kernel"},
		{"accounts-umask", func(f *facts.Facts) {
			f.Accounts.Umask, f.PAM.Umask = accounts.Setting{}, fact.Text{Set: true, Value: "0027"}
		}, "pass: 027"},
		{"accounts-umask", func(f *facts.Facts) { f.Accounts.Umask, f.PAM.Umask = accounts.Setting{}, fact.Text{Set: true} }, "pass: 027"},
		{"accounts-root-umask", func(f *facts.Facts) {
			f.Accounts.RootUmasks = []accounts.Setting{{Value: 0, Set: true, File: "/root/.bashrc", Line: 3}}
		}, "fail low: 00 @/root/.bashrc:3"},
		{"accounts-shell-timeout", func(f *facts.Facts) { f.Accounts.Timeout = accounts.Setting{} }, "fail low: not set"},
		{"accounts-shell-timeout", func(f *facts.Facts) { f.Accounts.Timeout.Locked = false }, "fail low: 900 seconds, and anybody may change it"},
		{"accounts-shells-nologin", func(f *facts.Facts) { f.Accounts.Shells[0].Value = "/usr/sbin/nologin" }, "fail low: /usr/sbin/nologin @/etc/shells:3"},
	}
}
