package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/keys"
	"seawall/agent/facts/pam"
	"seawall/agent/facts/sudo"
)

func pamCases() []testCase {
	yes := fact.Tri{Known: true, Yes: true}
	service := func(change func(*pam.Service)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.PAM.Services[0]) }
	}
	quality := func(key, value string, n int) func(*facts.Facts) {
		return func(f *facts.Facts) {
			t := f.PAM.Quality.Settings[key]
			t.Value = value
			f.PAM.Quality.Settings[key], f.PAM.Quality.Numbers[key] = t, n
		}
	}
	lockout := func(key, value string, n int) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.PAM.Lockout.Settings[key], f.PAM.Lockout.Numbers[key] = fact.Text{Value: value}, n
		}
	}
	none := func(f *facts.Facts) { f.PAM.Quality = pam.Quality{} }
	return []testCase{
		{"accounts-pam-wrong-password", service(func(s *pam.Service) {
			s.WrongPassword, s.Because = yes, pam.Line{Set: true, File: "/etc/pam.d/x", Line: 2}
		}), "sshd fail critical: any password is taken @/etc/pam.d/x:2"},
		{"accounts-pam-wrong-password", service(func(s *pam.Service) { s.WrongPassword = fact.Tri{Reason: "it rests on pam_x"} }), "sshd unknown: it rests on pam_x"},
		{"accounts-pam-expired", service(func(s *pam.Service) { s.ExpiredAccount = yes }), "sshd fail high: one that has expired is let in"},
		{"accounts-pam-config-valid", func(f *facts.Facts) {
			f.PAM.Problems = []pam.Line{{Set: true, Text: "there is no module", File: "/etc/pam.d/su", Line: 3}}
		}, "/etc/pam.d/su:3 fail high: there is no module"},
		{"accounts-pam-nullok", func(f *facts.Facts) { f.PAM.Unix.Nullok = pam.Line{Set: true, File: "/etc/pam.d/x", Line: 4} }, "fail medium: nullok @/etc/pam.d/x:4"},
		{"accounts-pam-nullok", func(f *facts.Facts) { f.PAM.Unix.Found = false }, "unknown: no line has pam_unix"},
		{"accounts-password-quality", none, "fail medium: nothing looks at new passwords"},
		{"accounts-password-quality", func(f *facts.Facts) { f.PAM.Quality.Enforced = fact.Tri{Known: true, Reason: "it jumps"} }, "fail medium: pam_pwquality, but it jumps"},
		{"accounts-password-quality", func(f *facts.Facts) { f.PAM.Quality.Enforced = fact.Tri{Reason: "it rests on pam_x"} }, "unknown: it rests on pam_x"},
		{"accounts-password-length", func(f *facts.Facts) { f.PAM.Quality.Shortest = 8 }, "fail low: 8 characters, with 14 @/etc/security/pwquality.conf:5"},
		{"accounts-password-length", none, "not_applicable"},
		{"accounts-password-complexity", quality("minclass", "0", 0), "fail low: minclass 0, 0 kinds"},
		{"accounts-password-complexity", all(quality("minclass", "0", 0), quality("dcredit", "-1", -1), quality("ucredit", "-1", -1), quality("lcredit", "-1", -1)), "pass"},
		{"accounts-password-difok", quality("difok", "1", 1), "fail low: 1"},
		{"accounts-password-repeat", quality("maxrepeat", "0", 0), "fail low: 0 (no limit)"},
		{"accounts-password-sequence", quality("maxsequence", "0", 0), "fail low: 0 (no limit)"},
		{"accounts-password-dictionary", quality("dictcheck", "0", 0), "fail low: 0"},
		{"accounts-password-enforcing", quality("enforcing", "0", 0), "fail low: 0"},
		{"accounts-password-root", quality("enforce_for_root", "no", 0), "fail low"},
		{"accounts-password-root", none, "not_applicable"},
		{"accounts-password-history", func(f *facts.Facts) { f.PAM.History = pam.History{} }, "fail low: none are remembered"},
		{"accounts-password-history", func(f *facts.Facts) { f.PAM.History.Remember = 5 }, "fail low: 5 are remembered"},
		{"accounts-password-history-root", func(f *facts.Facts) { f.PAM.History.Settings["enforce_for_root"] = fact.Text{Value: "no"} }, "fail low: not set"},
		{"accounts-password-authtok", func(f *facts.Facts) { f.PAM.Unix.UseAuthtok = false }, "fail low: pam_unix asks on its own"},
		{"accounts-pam-hash", func(f *facts.Facts) { f.PAM.Unix.Method, f.PAM.Unix.Strong = "md5", false }, "fail medium: md5"},
		{"accounts-pam-hash", func(f *facts.Facts) { f.PAM.Unix.Line.Set = false }, "unknown: no line sets passwords"},
		{"accounts-pam-remember", func(f *facts.Facts) { f.PAM.Unix.Remember = pam.Line{Set: true, File: "/etc/pam.d/x"} }, "fail low: remember is an argument"},
		{"accounts-lockout", func(f *facts.Facts) {
			f.PAM.Lockout.Counts, f.PAM.Lockout.Module = fact.Tri{Known: true, Reason: "nothing counts wrong passwords for sshd"}, ""
		}, "fail low: nothing counts wrong passwords for sshd"},
		{"accounts-lockout", func(f *facts.Facts) { f.PAM.Lockout.Locks = fact.Tri{Known: true, Reason: "su lets in"} }, "fail low: su lets in"},
		{"accounts-lockout-deny", lockout("deny", "10", 10), "fail low: 10"},
		{"accounts-lockout-deny", func(f *facts.Facts) { f.PAM.Lockout.Module = "" }, "not_applicable"},
		{"accounts-lockout-time", lockout("unlock_time", "60", 60), "fail low: 60 seconds"},
		{"accounts-lockout-time", lockout("unlock_time", "never", 0), "pass: until root unlocks it"},
		{"accounts-lockout-root", lockout("even_deny_root", "no", 0), "fail low: not set"},
		{"accounts-lockout-root", all(lockout("even_deny_root", "no", 0), lockout("root_unlock_time", "60", 60)), "pass"},
		{"accounts-su-restricted", func(f *facts.Facts) { f.PAM.Su.Restricted.Yes = false }, "fail low: everybody"},
		{"accounts-su-restricted", func(f *facts.Facts) { f.PAM.Su.Found = false }, "not_applicable: there is no service su"},
	}
}

// grant changes the good host's one rule.
func grant(change func(*sudo.Grant)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.Sudo.Grants[0]) }
}

func sudoDefault(name, value string, on bool) func(*facts.Facts) {
	return func(f *facts.Facts) {
		f.Sudo.Defaults[name] = sudo.Default{Name: name, Value: value, On: on, Set: true, File: "/etc/sudoers", Line: 9}
	}
}

func scoped(name, value string, on bool) func(*facts.Facts) {
	return func(f *facts.Facts) {
		f.Sudo.Scoped = []sudo.Default{{Name: name, Value: value, On: on, Set: true, Scope: "user ann", File: "/etc/sudoers.d/x", Line: 1}}
	}
}

func sudoCases() []testCase {
	return []testCase{
		{"sudo-installed", func(f *facts.Facts) { f.Sudo.Meta.State, f.Sudo.Installed = fact.StateAbsent, false }, "fail low: not installed"},
		{"sudo-config-valid", func(f *facts.Facts) { f.Sudo.Errors = []sudo.Line{{Why: "no command", File: "/etc/sudoers", Line: 4}} }, "/etc/sudoers:4 fail high: no command"},
		{"sudo-file-permissions", func(f *facts.Facts) { f.Sudo.Files[1].Mode = 0o777 }, "/etc/sudoers.d fail critical: 0777, owner 0, group 0"},
		{"sudo-file-permissions", func(f *facts.Facts) { f.Sudo.Files[0].Mode, f.Sudo.Files[0].GID = 0o460, 27 }, "/etc/sudoers fail critical: 0460, owner 0, group 27"},
		{"sudo-file-permissions", func(f *facts.Facts) { f.Sudo.Files[0].Mode, f.Sudo.Files[0].Error = -1, "gone" }, "unknown: gone"},
		{"sudo-ignored-files", func(f *facts.Facts) { f.Sudo.Ignored = []string{"/etc/sudoers.d/x.conf"} }, "/etc/sudoers.d/x.conf fail low: sudo does not read it"},
		{"sudo-everybody", grant(func(g *sudo.Grant) { g.Everybody, g.Who = true, "ALL" }), "/etc/sudoers:27 fail critical: everybody may run ALL"},
		{"sudo-everybody", grant(func(g *sudo.Grant) { g.Everybody, g.All, g.Command = true, false, "/sbin/reboot" }), "fail medium: everybody may run /sbin/reboot"},
		{"sudo-everybody", func(f *facts.Facts) { f.Sudo.MoreGrants = 3 }, "unknown: there are 3 rules more"},
		{"sudo-nopasswd", grant(func(g *sudo.Grant) { g.NoPassword = true }), "%sudo fail low: %sudo runs ALL as ALL:ALL without a password @/etc/sudoers:27"},
		{"sudo-nopasswd-needless", grant(func(g *sudo.Grant) { g.NoPassword = true }), "%sudo fail low: ann may run ALL as root without"},
		{"sudo-nopasswd-needless", grant(func(g *sudo.Grant) { g.NoPassword, g.Password = true, false }), "pass"},
		{"sudo-authenticate", sudoDefault("authenticate", "", false), "fail high: not asked for @/etc/sudoers:9"},
		{"sudo-authenticate", scoped("authenticate", "", false), "fail medium: not asked for, for user ann @/etc/sudoers.d/x:1"},
		{"sudo-timestamp-timeout", sudoDefault("timestamp_timeout", "60", true), "fail low: after 60 minutes"},
		{"sudo-timestamp-timeout", scoped("timestamp_timeout", "-1", true), "fail medium: never again, for user ann"},
		{"sudo-timestamp-timeout", sudoDefault("timestamp_timeout", "2.5", true), "pass: after 2.5 minutes"},
		{"sudo-timestamp-timeout", sudoDefault("timestamp_timeout", "0", false), "pass"},
		{"sudo-timestamp-timeout", sudoDefault("timestamp_timeout", "x", true), "error: let n"},
		{"sudo-timestamp-type", sudoDefault("timestamp_type", "global", true), "fail low: global @/etc/sudoers:9"},
		{"sudo-timestamp-type", sudoDefault("tty_tickets", "", false), "fail low: tty, with !tty_tickets"},
		{"sudo-use-pty", sudoDefault("use_pty", "", false), "fail low: off"},
		{"sudo-logfile", sudoDefault("logfile", "", false), "fail low: not set"},
		{"sudo-env-reset", sudoDefault("env_reset", "", false), "fail high: kept"},
		{"sudo-secure-path", sudoDefault("secure_path", "/bin:.", true), "fail low: /bin:."},
		{"sudo-secure-path", func(f *facts.Facts) { f.Sudo.Program = "sudo-rs" }, "not_applicable"},
		{"sudo-negation", func(f *facts.Facts) {
			g := f.Sudo.Grants[0]
			g.All, g.Negated, g.Command = false, true, "!/bin/su"
			f.Sudo.Grants = append(f.Sudo.Grants, g)
		}, "%sudo fail medium: %sudo may run everything but !/bin/su"},
		{"sudo-writable-command", grant(func(g *sudo.Grant) { g.Program, g.Writable = "/opt/x", "/opt is writable" }), "/opt/x fail high: %sudo may run it as root, and /opt is writable"},
		{"sudo-shell-escape", grant(func(g *sudo.Grant) { g.Escape, g.Program, g.Command = true, "/usr/bin/vi", "/usr/bin/vi" }), "/usr/bin/vi fail low: %sudo may run /usr/bin/vi"},
		{"sudo-missing-user", grant(func(g *sudo.Grant) { g.Missing, g.Who = true, "carl" }), "carl fail low: there is no user carl"},
		{"sudo-visiblepw", sudoDefault("visiblepw", "", true), "fail low: shown"},
	}
}

func keyCases() []testCase {
	first := func(change func(*keys.Key)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Keys.Keys[0]) }
	}
	file := func(change func(*keys.File)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Keys.Files[0]) }
	}
	command := func(user string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Keys.Command, f.Keys.CommandUser = fact.Text{Value: "/usr/bin/x", Set: true, File: "/etc/ssh/sshd_config", Line: 3}, user
		}
	}
	unread := func(f *facts.Facts) { f.Keys.Keys[0].Account = "unknown" }
	return []testCase{
		{"ssh-keys-present", func(f *facts.Facts) { f.Keys.Keys = nil }, "fail medium: no user who can log in has a key"},
		{"ssh-keys-present", all(func(f *facts.Facts) { f.Keys.Keys = nil }, command("nobody")), "unknown: keys come from /usr/bin/x"},
		{"ssh-keys-strength", first(func(k *keys.Key) { k.Type, k.Bits = "rsa", 1024 }), "SHA256:abc of ann fail high: rsa 1024 bits @/home/ann/.ssh/authorized_keys:1"},
		{"ssh-keys-strength", first(func(k *keys.Key) { k.Type, k.Bits = "rsa", 1792 }), "fail medium: rsa 1792 bits"},
		{"ssh-keys-strength", first(func(k *keys.Key) { k.Weak = "ROCA" }), "fail high: ed25519 256 bits: ROCA"},
		{"ssh-keys-strength", func(f *facts.Facts) { f.Keys.MoreKeys = 5 }, "unknown: there are 5 keys more"},
		{"ssh-keys-shared", first(func(k *keys.Key) { k.Others = []string{"bob"} }), "SHA256:abc of ann fail low: it opens bob too"},
		{"ssh-keys-shared", first(func(k *keys.Key) { k.Others = []string{"root"} }), "fail informational"},
		{"ssh-keys-locked-account", first(func(k *keys.Key) { k.Account = "locked" }), "ann fail high: the password is locked, and the key SHA256:abc opens"},
		{"ssh-keys-locked-account", first(func(k *keys.Key) { k.Account, k.Shell = "locked", false }), "ann fail low"},
		{"ssh-keys-locked-account", unread, "unknown: the state of accounts is not known"},
		{"ssh-keys-expired-account", first(func(k *keys.Key) { k.Account = "expired" }), "ann fail informational: the account has expired"},
		{"ssh-keys-left", func(f *facts.Facts) { f.Keys.Left = []keys.File{{Path: "/home/x/.ssh/authorized_keys", UID: 1009}} }, "/home/x/.ssh/authorized_keys fail low: no user has this home"},
		{"ssh-keys-age", first(func(k *keys.Key) { k.AgeDays = 400 }), "fail informational: not changed for 400 days"},
		{"ssh-keys-permissions", file(func(f *keys.File) { f.Open, f.OpenWhy = "/home/ann", "is writable by all" }), "fail high: /home/ann is writable by all"},
		{"ssh-keys-permissions", file(func(f *keys.File) { f.Error = "a FIFO" }), "unknown: a FIFO"},
		{"ssh-keys-readable", func(f *facts.Facts) {
			f.Keys.Lines = []keys.Line{{User: "ann", Why: "there is no key", File: "/home/ann/x", Line: 3}}
		}, "/home/ann/x:3 fail low: there is no key"},
		{"ssh-keys-system-account", first(func(k *keys.Key) { k.System, k.User = true, "www-data" }), "www-data fail medium: the key SHA256:abc opens it"},
		{"ssh-keys-system-account", first(func(k *keys.Key) { k.System, k.Command = true, true }), "pass"},
		{"ssh-keys-root-command", first(func(k *keys.Key) { k.Root = true }), "SHA256:abc fail low: it opens root"},
		{"ssh-keys-root-command", first(func(k *keys.Key) { k.Root, k.Command = true, true }), "pass"},
		{"ssh-keys-authority", first(func(k *keys.Key) { k.Authority = true }), "fail medium: cert-authority without principals"},
		{"ssh-keys-file-shared", file(func(f *keys.File) { f.Shared = true }), "fail high: its 1 keys open several accounts"},
		{"ssh-keys-command-user", command("root"), "fail medium: /usr/bin/x runs as root @/etc/ssh/sshd_config:3"},
		{"ssh-keys-command-user", func(f *facts.Facts) { f.Keys.Users = 0 }, "unknown: no user was read"},
	}
}
