package pam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs/image"
)

func host(t testing.TB, files map[string]string) (fact.Env, string) {
	t.Helper()
	root := image.Of(t, files)
	return fact.Env{Root: root, Now: time.Now}, root.Path("")
}

// debian has the stacks of Debian 12, its comments left out.
func debian() map[string]string {
	return map[string]string{
		"/etc/pam.d/common-auth": "auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\tpam_deny.so\nauth\trequired\tpam_permit.so\nauth\toptional\tpam_cap.so\n",
		"/etc/pam.d/common-account": "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so\naccount\trequisite\tpam_deny.so\n" +
			"account\trequired\tpam_permit.so\n",
		"/etc/pam.d/common-password": "password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt\npassword\trequisite\tpam_deny.so\npassword\trequired\tpam_permit.so\n",
		"/etc/pam.d/common-session":  "session\t[default=1]\tpam_permit.so\nsession\trequisite\tpam_deny.so\nsession\trequired\tpam_permit.so\nsession\trequired\tpam_unix.so\n",
		"/etc/pam.d/sshd":            "@include common-auth\naccount required pam_nologin.so\n@include common-account\n@include common-session\n@include common-password\n",
		"/etc/pam.d/su":              "auth sufficient pam_rootok.so\nsession required pam_env.so readenv=1\n@include common-auth\n@include common-account\n@include common-session\n",
		"/etc/pam.d/passwd":          "@include common-password\n",
		"/etc/pam.d/other":           "@include common-auth\n@include common-account\n@include common-password\n@include common-session\n",
		"/etc/login.defs":            "ENCRYPT_METHOD YESCRYPT\n",
		"/etc/group":                 "root:x:0:\nsugroup:x:990:ann,bob\n",
	}
}

// redhat has those of the profile "sssd with-faillock with-pwhistory without-nullok" of
// authselect on RHEL 9.
func redhat() map[string]string {
	auth := `auth        required                                     pam_env.so
auth        required                                     pam_faildelay.so delay=2000000
auth        required                                     pam_faillock.so preauth silent
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        [default=1 ignore=ignore success=ok]         pam_localuser.so
auth        sufficient                                   pam_unix.so
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        sufficient                                   pam_sss.so forward_pass
auth        required                                     pam_faillock.so authfail
auth        required                                     pam_deny.so
account     required                                     pam_faillock.so
account     required                                     pam_unix.so
account     sufficient                                   pam_localuser.so
account     sufficient                                   pam_usertype.so issystem
account     [default=bad success=ok user_unknown=ignore] pam_sss.so
account     required                                     pam_permit.so
password    requisite                                    pam_pwquality.so local_users_only
password    requisite                                    pam_pwhistory.so use_authtok
password    sufficient                                   pam_unix.so sha512 shadow use_authtok
password    [success=1 default=ignore]                   pam_localuser.so
password    sufficient                                   pam_sss.so use_authtok
password    required                                     pam_deny.so
session     required                                     pam_unix.so
`
	return map[string]string{
		"/etc/pam.d/system-auth":                auth,
		"/etc/pam.d/password-auth":              auth,
		"/etc/pam.d/sshd":                       "auth substack password-auth\naccount required pam_nologin.so\naccount include password-auth\npassword include password-auth\nsession include password-auth\nsession optional pam_umask.so umask=0077\n",
		"/etc/pam.d/sudo":                       "auth include system-auth\naccount include system-auth\npassword include system-auth\nsession include system-auth\n",
		"/etc/pam.d/su":                         "auth required pam_env.so\nauth sufficient pam_rootok.so\nauth required pam_wheel.so use_uid\nauth substack system-auth\naccount include system-auth\n",
		"/etc/pam.d/passwd":                     "auth include system-auth\naccount include system-auth\npassword substack system-auth\n",
		"/etc/group":                            "root:x:0:\nwheel:x:10:ann\n",
		"/etc/security/pwquality.conf":          "# minlen = 8\nminlen = 14\ndcredit = -1\nenforce_for_root\n",
		"/etc/security/pwquality.conf.d/x.conf": "minlen=20\nmaxrepeat 3\n",
		"/etc/security/faillock.conf":           "deny = 4\nunlock_time = never # ever\neven_deny_root\n",
		"/etc/security/pwhistory.conf":          "remember = 24\n",
	}
}

func read(t testing.TB, files map[string]string) Facts {
	t.Helper()
	env, _ := host(t, files)
	return Read(context.Background(), env)
}

// with adds and replaces files.
func with(files, more map[string]string) map[string]string {
	maps.Copy(files, more)
	return files
}

func tri(t fact.Tri) string {
	switch {
	case !t.Known:
		return "?"
	case t.Yes:
		return "yes"
	}
	return "no"
}

// brief is a host in one line for each service and two for the rest.
func brief(f *Facts) (out []string) {
	for _, s := range f.Services {
		out = append(out, fmt.Sprintf("%s wrong=%s empty=%s locked=%s expired=%s", s.Name, tri(s.WrongPassword), tri(s.EmptyPassword), tri(s.LockedOut), tri(s.ExpiredAccount)))
	}
	return append(out,
		fmt.Sprintf("quality %s %s %d history %s %s %d unix %s %v nullok=%v authtok=%v", f.Quality.Module, tri(f.Quality.Enforced), f.Quality.Shortest,
			f.History.Module, tri(f.History.Enforced), f.History.Remember, f.Unix.Method, f.Unix.Strong, f.Unix.Nullok.Set, f.Unix.UseAuthtok),
		fmt.Sprintf("lockout %s counts=%s locks=%s deny=%s time=%s su %s %s %v umask=%q", f.Lockout.Module, tri(f.Lockout.Counts), tri(f.Lockout.Locks),
			f.Lockout.Settings["deny"].Value, f.Lockout.Settings["unlock_time"].Value, tri(f.Su.Restricted), f.Su.Group, f.Su.Members, f.Umask.Value))
}

func TestDistributions(t *testing.T) {
	deb, rh := read(t, debian()), read(t, redhat())
	for name, tt := range map[string]struct {
		facts *Facts
		want  []string
	}{
		"debian": {&deb, []string{
			"sshd wrong=no empty=yes locked=? expired=no", "su wrong=no empty=yes locked=? expired=no", "passwd wrong=no empty=yes locked=? expired=no", "other wrong=no empty=yes locked=? expired=no",
			"quality  ? 0 history  ? 0 unix yescrypt true nullok=true authtok=true",
			`lockout  counts=no locks=no deny= time= su no  [] umask=""`,
		}},
		"redhat": {&rh, []string{
			"sshd wrong=no empty=no locked=no expired=no", "su wrong=no empty=no locked=no expired=no", "sudo wrong=no empty=no locked=no expired=no", "passwd wrong=no empty=no locked=no expired=no",
			"quality pam_pwquality yes 14 history pam_pwhistory yes 24 unix sha512 true nullok=false authtok=true",
			`lockout pam_faillock counts=yes locks=yes deny=4 time=never su yes wheel [ann] umask="0077"`,
		}},
	} {
		if tt.facts.Meta.State != fact.StateKnown || len(tt.facts.Problems) > 0 {
			t.Errorf("%s: %+v, %+v", name, tt.facts.Meta, tt.facts.Problems)
		}
		if diff := cmp.Diff(tt.want, brief(tt.facts)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	// The main file beats the directory; an unset root_unlock_time has no number.
	if s := rh.Quality.Settings["minlen"]; s.Value != "14" || s.Line != 2 || rh.Quality.Numbers["maxrepeat"] != 3 || rh.Quality.Settings["enforce_for_root"].Value != "yes" {
		t.Errorf("quality %+v, %v", s, rh.Quality.Numbers)
	}
	if n, ok := rh.Lockout.Numbers["unlock_time"]; !ok || n != 0 || rh.Lockout.Settings["even_deny_root"].Value != "yes" {
		t.Errorf("lockout %+v", rh.Lockout)
	}
}

// TestStacks: what a line is worth depends on where it stands.
func TestStacks(t *testing.T) {
	auth, password := debian()["/etc/pam.d/common-auth"], debian()["/etc/pam.d/common-password"]
	faillock := "auth requisite pam_faillock.so preauth\nauth [success=1 default=ignore] pam_unix.so\nauth [default=die] pam_faillock.so authfail\nauth required pam_permit.so\n"
	quality := "password requisite pam_pwquality.so retry=3 minlen=20\n" + strings.Replace(password, "obscure", "obscure use_authtok", 1)
	for _, tt := range []struct {
		name, file, text string
		want             string
	}{
		{"permit first", "common-auth", "auth sufficient pam_permit.so\n" + auth, "sshd wrong=yes empty=yes"},
		{"permit last", "common-auth", auth + "auth sufficient pam_permit.so\n", "sshd wrong=no"},
		{"deny jumped over", "common-auth", "auth [success=1 default=1] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n", "sshd wrong=yes"},
		{"optional unix", "common-auth", "auth optional pam_unix.so\nauth required pam_permit.so\n", "sshd wrong=yes"},
		{"a module that is not known", "common-auth", "auth sufficient pam_magic.so\n" + auth, "sshd wrong=? empty=yes"},
		{"not known, and more asked", "common-auth", "auth required pam_magic.so\n" + auth, "sshd wrong=no empty=?"},
		{"a key in place of a password", "common-auth", "auth sufficient pam_u2f.so cue\n" + auth, "sshd wrong=no empty=yes"},
		{"a code besides", "common-auth", auth + "auth required pam_google_authenticator.so\n", "sshd wrong=no empty=no"},
		{"no nullok", "common-auth", strings.Replace(auth, " nullok", "", 1), "sshd wrong=no empty=no"},
		{"expired let in", "common-account", "account sufficient pam_permit.so\n" + debian()["/etc/pam.d/common-account"], "expired=yes"},
		{"no account stack", "common-account", "", "expired=no"},
		{"faillock", "common-auth", faillock, "lockout pam_faillock counts=yes locks=yes deny=3 time=600"},
		{"faillock after the jump", "common-auth", strings.Replace(faillock, "success=1", "success=1 auth_err=2", 1), "counts=no locks=yes"},
		{"no preauth", "common-auth", strings.Replace(faillock, "auth requisite pam_faillock.so preauth\n", "", 1), "counts=yes locks=no"},
		{"arguments beat the file", "common-auth", strings.ReplaceAll(faillock, "preauth", "preauth deny=9"), "deny=9"},
		{"quality", "common-password", quality, "quality pam_pwquality yes 20"},
		{"quality optional, its word used", "common-password", strings.Replace(quality, "requisite pam_pwq", "optional pam_pwq", 1), "quality pam_pwquality yes 20"},
		{"quality optional, asked again", "common-password", strings.Replace(strings.Replace(quality, "requisite pam_pwq", "optional pam_pwq", 1), " use_authtok", "", 1), "quality pam_pwquality no 20"},
		{"quality after", "common-password", password + "password requisite pam_pwquality.so\n", "quality pam_pwquality no 8"},
		{"credits", "common-password", "password requisite pam_cracklib.so minlen=12\n" + password, "quality pam_cracklib yes 8"},
		{"passwdqc", "common-password", "password requisite pam_passwdqc.so min=disabled,24,11,10,9\n" + password, "quality pam_passwdqc yes 9"},
		{"remember", "common-password", strings.Replace(password, "obscure", "remember=5", 1), "history pam_unix yes 5"},
		{"pwhistory", "common-password", "password required pam_pwhistory.so remember=30 enforce_for_root\n" + strings.Replace(password, "obscure", "use_authtok", 1), "history pam_pwhistory yes 30"},
		{"md5", "common-password", strings.Replace(password, "yescrypt", "md5", 1), "unix md5 false"},
		{"by login.defs", "common-password", strings.Replace(password, " yescrypt", "", 1), "unix yescrypt true"},
		{"wheel", "su", "auth sufficient pam_rootok.so\nauth required pam_wheel.so use_uid group=sugroup\n@include common-auth\n", "su yes sugroup [ann bob]"},
		{"wheel trusts", "su", "auth sufficient pam_wheel.so trust\n@include common-auth\n", "su no root"},
		{"wheel too late", "su", "@include common-auth\nauth optional pam_wheel.so\n", "su no root"},
		{"uid", "common-auth", "auth required pam_succeed_if.so uid < 1000 quiet\n" + auth, "sshd wrong=no empty=no"},
		{"regular user", "common-auth", "auth sufficient pam_succeed_if.so uid >= 1000 quiet\n" + auth, "sshd wrong=yes"},
		{"some group", "common-auth", "auth sufficient pam_succeed_if.so user ingroup x\n" + auth, "sshd wrong=?"},
	} {
		f := read(t, with(debian(), map[string]string{"/etc/pam.d/" + tt.file: tt.text}))
		if got := strings.Join(brief(&f), "\n"); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got\n%s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestWhy(t *testing.T) {
	f := read(t, with(debian(), map[string]string{"/etc/pam.d/common-auth": "auth sufficient pam_permit.so\n",
		"/etc/pam.d/su": "auth required pam_mysql.so passwd=secret\nauth requird pam_unix.so\n@include none\n"}))
	if l := f.Services[0].Because; l.File != "/etc/pam.d/common-auth" || l.Line != 1 || l.Raw != "auth sufficient pam_permit.so" {
		t.Errorf("because %+v", l)
	}
	var got []string
	for _, p := range f.Problems {
		got = append(got, fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Text))
	}
	if diff := cmp.Diff([]string{"/etc/pam.d/su:2 the control is none that PAM knows", "/etc/pam.d/su:3 what it includes cannot be read"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Contains(fmt.Sprintf("%+v", f), "secret") {
		t.Error("an argument that may be a password is kept")
	}
	if !strings.Contains(f.Lockout.Counts.Reason, "nothing counts wrong passwords for s") {
		t.Errorf("%+v", f.Lockout)
	}
}

// TestBounds: where not all files of settings are read, it is said.
func TestBounds(t *testing.T) {
	for more := range 2 {
		files := debian()
		for i := range maxFiles + more {
			files[fmt.Sprintf("/etc/security/pwquality.conf.d/%d.conf", i)] = "minlen = 14\n"
		}
		files["/etc/pam.d/common-password"] = "password requisite pam_pwquality.so retry=3\npassword [success=1 default=ignore] pam_unix.so use_authtok yescrypt\npassword requisite pam_deny.so\npassword required pam_permit.so\n"
		f := read(t, files)
		if got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " "); (got == "quality.enforced quality.numbers quality.settings quality.shortest") != (more > 0) || more == 0 && got != "" {
			t.Errorf("%d more: %q", more, got)
		}
	}
}

func TestUnread(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  fact.State
	}{
		"nothing":  {map[string]string{"/etc/x": ""}, fact.StateAbsent},
		"pam.conf": {map[string]string{"/etc/pam.conf": "sshd auth required pam_deny.so\n"}, fact.StateUnknown},
		"no login": {map[string]string{"/etc/pam.d/x": ""}, fact.StateAbsent},
	} {
		if f := read(t, tt.files); f.Meta.State != tt.want || f.Meta.Reason == "" {
			t.Errorf("%s: %+v", name, f.Meta)
		}
	}
	env, dir := host(t, debian())
	for _, name := range []string{"/etc/pam.d/sshd", "/etc/pam.d/common-password"} {
		if err := errors.Join(os.Remove(dir+name), unix.Mkfifo(dir+name, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	f := Read(context.Background(), env)
	if len(f.Problems) == 0 || f.Meta.State != fact.StateKnown || f.Unix.Line.Set {
		t.Errorf("FIFOs: %+v, %+v", f.Problems, f.Unix)
	}
}

// FuzzRead: whatever stands in the files, reading ends, and what is enforced was found.
func FuzzRead(f *testing.F) {
	for _, files := range []map[string]string{debian(), redhat()} {
		f.Add(files["/etc/pam.d/common-auth"]+files["/etc/pam.d/system-auth"], files["/etc/security/pwquality.conf"])
	}
	f.Add("password [default=ok] pam_pwquality.so minlen= dcredit=-\npassword required pam_unix.so remember=x\nauth required pam_wheel.so", "minlen\n= 3\nMINLEN=4 x\n")
	f.Fuzz(func(t *testing.T, stack, conf string) {
		f := read(t, map[string]string{"etc/pam.d/sshd": stack, "etc/pam.d/su": stack, "etc/pam.d/passwd": stack, "etc/security/pwquality.conf": conf, "etc/security/faillock.conf": conf})
		if f.Quality.Enforced.Yes && f.Quality.Module == "" || f.Su.Restricted.Yes && !f.Su.Line.Set || f.Lockout.Locks.Yes && f.Lockout.Module == "" {
			t.Errorf("%q: %+v", stack, f)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	env, _ := host(b, redhat())
	for b.Loop() {
		Read(context.Background(), env)
	}
}
