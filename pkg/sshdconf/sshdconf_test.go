package sshdconf_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/sshdconf"
	"seawall/pkg/sshdconf/corpus"
)

func load(t testing.TB, files map[string]string) *sshdconf.Config {
	t.Helper()
	root, _ := tree(t, files)
	config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestDirectives(t *testing.T) {
	config := load(t, map[string]string{
		"sshd_config":       "# top\nInclude d/*.conf  # drop-ins\n\n  ChallengeResponseAuthentication=no\r\nMatch User \"root\"\n\tPermitRootLogin yes\n",
		"d/10.conf":         "Port 22\nMatch all\nX11Forwarding no\n",
		"d/.hidden.conf":    "Port 1\n",
		"d/20.conf.disable": "Port 2\n",
	})
	var got []string
	for _, d := range config.Directives {
		got = append(got, fmt.Sprintf("%s:%d %s %q match=%d", d.File, d.Line, d.Keyword, d.Args, d.Match))
	}
	want := []string{
		`/etc/ssh/sshd_config:2 include ["d/*.conf"] match=-1`,
		`/etc/ssh/d/10.conf:1 port ["22"] match=-1`,
		`/etc/ssh/d/10.conf:2 match ["all"] match=2`,
		`/etc/ssh/d/10.conf:3 x11forwarding ["no"] match=2`,
		`/etc/ssh/sshd_config:4 kbdinteractiveauthentication ["no"] match=-1`,
		`/etc/ssh/sshd_config:5 match ["User" "root"] match=5`,
		`/etc/ssh/sshd_config:6 permitrootlogin ["yes"] match=5`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d := config.Directives[6]; d.Raw != "\tPermitRootLogin yes" {
		t.Errorf("raw %q", d.Raw)
	}
	if diff := cmp.Diff([]string{"/etc/ssh/sshd_config", "/etc/ssh/d/10.conf"}, config.Files); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/etc/ssh/d/*.conf"}, config.Globs); diff != "" {
		t.Error(diff)
	}
}

// sshd drops what follows a NUL, line end included.
func TestNULJoinsLines(t *testing.T) {
	config := load(t, map[string]string{"sshd_config": "PermitRootLogin \x00garbage\nno\nMaxAuthTries 3\n"})
	values, err := config.Effective(sshdconf.Conn{})
	if err != nil || values["permitrootlogin"].Values[0] != "no" || values["maxauthtries"].Line != 3 {
		t.Errorf("%+v, %+v, %v", values["permitrootlogin"], values["maxauthtries"], err)
	}
}

func TestGlob(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"a/10.conf", "a/B.conf", "a/b.conf", "b/x.conf", "a/[z", "a/9.conf"} {
		files[name] = "AcceptEnv " + strings.ReplaceAll(strings.ReplaceAll(name, "/", "_"), "[", "") + "\n"
	}
	for pattern, want := range map[string]string{
		"a/*.conf":            "a_10.conf a_9.conf a_B.conf a_b.conf",
		"/etc/ssh/?/*.conf":   "a_10.conf a_9.conf a_B.conf a_b.conf b_x.conf",
		"a/[!a-z]*.conf":      "a_10.conf a_9.conf a_B.conf",
		"a/{9,10}.conf":       "",
		"a/nothing":           "",
		"a/9.conf b/*":        "a_9.conf b_x.conf",
		"'a/9.conf' a/9.conf": "a_9.conf a_9.conf",
		"~/x":                 "",
		"a/[z":                "a_z",
	} {
		files["sshd_config"] = "Include " + pattern + "\n"
		values, err := load(t, files).Effective(sshdconf.Conn{})
		if got := strings.Join(values["acceptenv"].Values, " "); err != nil || got != want {
			t.Errorf("Include %s: %q, %v; want %q", pattern, got, err, want)
		}
	}
}

func TestMatchCriteria(t *testing.T) {
	base := sshdconf.Conn{User: "alice", Host: "h.example", Address: "10.0.0.1", LocalAddress: "192.0.2.1", LocalPort: 22, RDomain: "vrf0"}
	groups := func(user string) []string { return map[string][]string{"alice": {"users", "wheel"}}[user] }
	for line, want := range map[string]bool{
		"User alice":                             true,
		"User ali?e,bob":                         true,
		"User *,!alice":                          false,
		"Group wheel":                            true,
		"Group *,!wheel":                         false,
		"Group !users,wheel":                     false,
		"Group nosuch":                           false,
		"Host *.EXAMPLE":                         true,
		"Address 10.0.0.0/8":                     true,
		"Address !10.0.0.1,*":                    false,
		"LocalAddress 192.0.2.0/24":              true,
		"LocalPort 22":                           true,
		"LocalPort 2222":                         false,
		"RDomain vrf*":                           true,
		"User alice Address 10.0.0.0/8":          true,
		"User alice Address 11.0.0.0/8":          false,
		"user=alice address=10.0.0.1":            true,
		"USER alice LOCALPORT 22 HOST h.exampl?": true,
		"all":                                    true,
	} {
		root, _ := tree(t, map[string]string{"sshd_config": "MaxAuthTries 1\nMatch " + line + "\nMaxAuthTries 2\n"})
		config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{Groups: groups})
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		values, err := config.Effective(base)
		if err != nil || (values["maxauthtries"].Values[0] == "2") != want {
			t.Errorf("%s: %v, %v", line, values["maxauthtries"], err)
		}
	}
}

func TestInvalidUser(t *testing.T) {
	root, _ := tree(t, map[string]string{"sshd_config": "MaxAuthTries 6\nMatch Invalid-User\nMaxAuthTries 1\n"})
	if _, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{}); err == nil {
		t.Error("9.2 takes Match Invalid-User")
	}
	config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{Release: 909})
	if err != nil {
		t.Fatal(err)
	}
	groups, _ := config.Connections(nil)
	found := slices.ContainsFunc(groups, func(g sshdconf.Group) bool {
		values, err := config.Effective(g.Conn)
		return err == nil && g.Conn.InvalidUser && values["maxauthtries"].Values[0] == "1"
	})
	if !found {
		t.Errorf("no example of an invalid user in %v", groups)
	}
}

func TestConnSpec(t *testing.T) {
	for _, spec := range []string{
		"", "user=root", "user=root,host=x.example,addr=10.0.0.1,laddr=10.0.0.2,lport=2222,rdomain=v",
	} {
		conn, err := sshdconf.ParseConn(spec, 902)
		if err != nil || conn.Spec() != spec {
			t.Errorf("%q becomes %q, %v", spec, conn.Spec(), err)
		}
	}
	for _, spec := range []string{"root", "user=root,foo=1", "lport=x", "invalid-user"} {
		if _, err := sshdconf.ParseConn(spec, 902); err == nil {
			t.Errorf("%q is taken", spec)
		}
	}
}

func TestPreset(t *testing.T) {
	root, _ := tree(t, map[string]string{"sshd_config": "PermitRootLogin yes\n"})
	config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{Preset: []string{"PermitRootLogin=no"}})
	if err != nil {
		t.Fatal(err)
	}
	values, err := config.Effective(sshdconf.Conn{})
	if v := values["permitrootlogin"]; err != nil || v.Values[0] != "no" || v.File != sshdconf.CommandLine {
		t.Errorf("%+v, %v", v, err)
	}
	for _, bad := range []string{"Nonsense=1", "Match all", "Include /x", "PermitRootLogin=perhaps", "Banner \"x"} {
		if _, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{Preset: []string{bad}}); err == nil {
			t.Errorf("-o %q is taken", bad)
		}
	}
}

// A tolerant reading lives with every keyword without a value, and with a wrong
// one.
func TestTolerant(t *testing.T) {
	base := load(t, map[string]string{"sshd_config": "AllowUsers a\nDenyUsers a\nSetEnv a=b\nLogVerbose a\nChannelTimeout a=1\n"})
	values, err := base.Effective(sshdconf.Conn{})
	if err != nil {
		t.Fatal(err)
	}
	for keyword := range values {
		for _, arg := range []string{"", " ???", " \"", " x y z"} {
			root, _ := tree(t, map[string]string{"sshd_config": keyword + arg + "\nMatch User a\n" + keyword + arg + "\n"})
			config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{Tolerant: true})
			if err != nil {
				t.Errorf("%s%s: %v", keyword, arg, err)
				continue
			}
			if _, err := config.Effective(sshdconf.Conn{User: "a"}); err != nil {
				t.Errorf("%s%s: %v", keyword, arg, err)
			}
			config.Connections(nil)
		}
	}
}

// Whatever the files hold, reading them ends, and each directive is a line of
// its file.
func FuzzLoad(f *testing.F) {
	for _, c := range cases(f) {
		dir := f.TempDir()
		if err := c.Stage(dir); err != nil {
			f.Fatal(err)
		}
		if main, err := os.ReadFile(filepath.Join(dir, "sshd_config")); err == nil {
			f.Add(main, "user=root,host=h,addr=10.0.0.1,laddr=::1,lport=22")
		}
	}
	f.Add([]byte("Ciphers\nMatch\nInclude\nRekeyLimit x\nListenAddress\n"), "")
	root, ssh := tree(f, map[string]string{"sshd_config.d/50.conf": "Match User a\nPort 22\n"})
	path := filepath.Join(ssh, "sshd_config")
	f.Fuzz(func(t *testing.T, content []byte, spec string) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		physical := strings.Split(string(content), "\n")
		for _, tolerant := range []bool{false, true} {
			config, err := sshdconf.Load(root, sshdconf.DefaultPath, sshdconf.Options{Tolerant: tolerant})
			for _, d := range config.Directives {
				if d.File == sshdconf.DefaultPath && (d.Line < 1 || d.Line > len(physical) || physical[d.Line-1] != d.Raw) {
					t.Fatalf("%s:%d is not %q", d.File, d.Line, d.Raw)
				}
			}
			if err != nil {
				continue
			}
			conn, _ := sshdconf.ParseConn(spec, 902)
			if values, err := config.Effective(conn); err == nil {
				for keyword, v := range values {
					if v.Set != (v.Line > 0) || len(v.Values) == 0 {
						t.Fatalf("%s: %+v", keyword, v)
					}
				}
			}
			groups, _ := config.Connections([]string{"alice"})
			for _, g := range groups {
				_, _ = config.Effective(g.Conn)
			}
		}
	})
}

func TestFuzzSeedsExist(t *testing.T) {
	list, err := corpus.Cases()
	if err != nil || len(list) != 100 {
		t.Fatalf("%d seeds, %v", len(list), err)
	}
}

func FuzzParseDump(f *testing.F) {
	for _, c := range cases(f) {
		f.Add(c.Expected.Stdout)
		f.Add(c.Later)
	}
	f.Fuzz(func(t *testing.T, out string) {
		n := 0
		for keyword, values := range sshdconf.ParseDump(out) {
			if keyword != strings.ToLower(keyword) || strings.ContainsAny(keyword, " \n") {
				t.Errorf("keyword %q", keyword)
			}
			n += len(values)
		}
		if n > strings.Count(out, "\n")+1 {
			t.Errorf("%d values out of %d lines", n, strings.Count(out, "\n")+1)
		}
	})
}
