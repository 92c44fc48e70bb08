package pam

import (
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/pamconf"
)

// person is somebody at the door: an ordinary user of the host's own files, not root,
// in no group of administrators, who types a wrong password unless right is set.
type person struct {
	right   bool // types the right password
	empty   bool // has no password set, and types none
	locked  bool // is locked out after too many wrong ones
	expired bool // has an account that has expired
}

// passes walks a stack for a person, and returns the rule that let them in. Modules
// whose answer is not known are tried with each: where that makes a difference, the
// answer is not known.
func passes(s pamconf.Stack, p person) (fact.Tri, *pamconf.Rule) {
	if len(s) == 0 {
		return fact.Tri{Known: true, Reason: "there is no such stack"}, nil
	}
	var in, out int
	var unknown string
	var because *pamconf.Rule
	for _, neutral := range []string{"ignore", "success"} {
		for _, open := range []string{"auth_err", "success", "ignore"} {
			v := s.Run(func(r *pamconf.Rule) string {
				answer := p.answer(r)
				switch answer {
				case "neutral":
					return neutral
				case "":
					if unknown == "" {
						unknown = r.Module
					}
					return open
				}
				return answer
			})
			if v.Success() {
				in++
				because = p.granted(v, because)
			} else {
				out++
			}
		}
	}
	if in > 0 && out > 0 {
		return fact.Tri{Reason: "it rests on " + clean(unknown)}, nil
	}
	return fact.Tri{Known: true, Yes: in > 0}, because
}

// granted is the first rule that said yes to the person, whatever it says to others.
func (p person) granted(v pamconf.Verdict, before *pamconf.Rule) *pamconf.Rule {
	for _, r := range v.Ran {
		if before == nil && p.answer(r) == "success" {
			return r
		}
	}
	return before
}

// answer is what a module says of the person; "neutral" is success or ignore, "" not
// known.
func (p person) answer(r *pamconf.Rule) string {
	if r.Type == pamconf.Account {
		return p.account(r)
	}
	switch r.Module {
	case "pam_unix", "pam_unix2", "pam_pwdb":
		_, nullok := r.Arg("nullok")
		_, secure := r.Arg("nullok_secure")
		if p.right || p.empty && (nullok || secure) {
			return "success"
		}
		return "auth_err"
	case "pam_permit":
		return "success"
	case "pam_deny", "pam_rootok", "pam_rhosts", "pam_timestamp", "pam_ftp":
		return "auth_err"
	case "pam_sss", "pam_ldap", "pam_krb5", "pam_winbind", "pam_systemd_home", "pam_extrausers", "pam_userdb":
		return "user_unknown" // a user of the host's own files
	case "pam_fprintd", "pam_u2f", "pam_ssh_agent_auth", "pam_google_authenticator", "pam_oath", "pam_duo", "pam_yubico", "pam_cockpit_cert":
		if p.right {
			return "success"
		}
		return "auth_err" // who has no password has no second thing either
	case "pam_sepermit":
		return "neutral"
	case "pam_faillock", "pam_tally2", "pam_tally":
		return p.locker(r)
	case "pam_wheel":
		return wheel(r)
	}
	return common(r)
}

// locker is what a module that counts wrong passwords says.
func (p person) locker(r *pamconf.Rule) string {
	_, after := r.Arg("authsucc")
	_, failed := r.Arg("authfail")
	switch {
	case p.locked:
		return "auth_err"
	case failed:
		return "ignore"
	case after, r.Module == "pam_faillock":
		return "success"
	}
	return "neutral"
}

// wheel is what pam_wheel says of somebody who is not in its group.
func wheel(r *pamconf.Rule) string {
	_, trust := r.Arg("trust")
	_, deny := r.Arg("deny")
	if trust || deny {
		return "ignore"
	}
	return "perm_denied"
}

func (p person) account(r *pamconf.Rule) string {
	switch r.Module {
	case "pam_unix", "pam_unix2", "pam_pwdb":
		if p.expired {
			return "acct_expired"
		}
		return "success"
	case "pam_permit":
		return "success"
	case "pam_deny":
		return "acct_expired"
	case "pam_faillock", "pam_tally2", "pam_tally":
		if p.locked {
			return "auth_err"
		}
		return "success"
	case "pam_sss", "pam_ldap", "pam_krb5", "pam_winbind", "pam_systemd_home", "pam_extrausers":
		return "user_unknown"
	case "pam_rootok":
		return "auth_err"
	}
	return common(r)
}

// common is what a module says whatever it is asked for.
func common(r *pamconf.Rule) string {
	switch r.Module {
	case "pam_env", "pam_faildelay", "pam_group", "pam_cap", "pam_echo", "pam_warn", "pam_nologin", "pam_securetty", "pam_mail",
		"pam_motd", "pam_issue", "pam_lastlog", "pam_limits", "pam_keyinit", "pam_loginuid", "pam_selinux", "pam_systemd",
		"pam_gnome_keyring", "pam_kwallet", "pam_kwallet5", "pam_umask", "pam_mkhomedir", "pam_tty_audit", "pam_debug", "pam_time",
		"pam_namespace", "pam_xauth", "pam_ecryptfs", "pam_shells", "pam_access":
		return "neutral"
	case "pam_localuser":
		return "success"
	case "pam_usertype":
		if _, ok := r.Arg("isregular"); ok {
			return "success"
		}
		return "auth_err"
	case "pam_succeed_if":
		return succeedIf(r.Args)
	}
	return ""
}

// succeedIf answers for an ordinary user what pam_succeed_if asks about numbers.
func succeedIf(args []string) string {
	words := args[:0:0]
	for _, a := range args {
		if !strings.HasPrefix(a, "quiet") && a != "debug" && a != "use_uid" && a != "audit" {
			words = append(words, a)
		}
	}
	asked := strings.Join(words, " ")
	switch {
	case len(words) != 3:
		return ""
	case words[0] == "uid" && slices.Contains([]string{">=", "ge", ">", "gt"}, words[1]):
		return "success"
	case words[0] == "uid" && slices.Contains([]string{"<", "lt", "eq", "<="}, words[1]), asked == "user = root":
		return "auth_err"
	}
	return ""
}
