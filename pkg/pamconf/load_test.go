package pamconf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"

	"seawall/pkg/hostfs/image"
)

func TestLoad(t *testing.T) {
	l := &Loader{Root: image.Of(t, map[string]string{
		"etc/pam.d/svc": "auth [success=1 default=ignore]\tpam_unix.so nullok [query=select x from [y\\]] # x\n" +
			"@include more\nauth substack sub\nsession required \\\n  /lib/security/pam_limits.so conf=/x\n",
		"etc/pam.d/more":    "auth required pam_deny.so\naccount required pam_unix.so\nAUTH OPTIONAL pam_cap.so\n",
		"usr/lib/pam.d/sub": "auth required pam_env.so\nbogus\nauth required\n",
		"etc/pam.d/other":   "password required pam_deny.so\nauth required pam_deny.so\n",
	})}
	s, err := l.Load("svc")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, kind := range []Type{Auth, Account, Password, Session} {
		for _, r := range s.Stack(kind) {
			got = append(got, fmt.Sprintf("%s:%d %s %d %s %s %q %s", filepath.Base(r.File), r.Line, r.Type, r.level, r.Control, r.Module, r.Args, r.Broken))
		}
	}
	want := []string{
		`svc:1 auth 0 [success=1 default=ignore] pam_unix ["nullok" "query=select x from [y]"] `,
		`more:1 auth 0 required pam_deny [] `, `more:3 auth 0 optional pam_cap [] `,
		`svc:3 auth 0 substack  [] `, `sub:1 auth 1 required pam_env [] `,
		`sub:2 auth 1   [] there is no control`, `sub:3 auth 1 required  [] there is no module`,
		`more:2 account 0 required pam_unix [] `,
		`other:1 password 0 required pam_deny [] `,
		`svc:4 session 0 required pam_limits ["conf=/x"] `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	r := s.Stack(Auth)[0]
	if v, ok := r.Arg("nullok"); !ok || v != "" {
		t.Errorf("nullok is %q, %v", v, ok)
	}
	if _, ok := r.Arg("query"); !ok {
		t.Error("no query")
	}
	want = []string{"/etc/pam.d/svc", "/etc/pam.d/more", "/etc/pam.d/sub", "/usr/lib/pam.d/sub", "/etc/pam.d/other"}
	if diff := cmp.Diff(want, l.Files); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	none, err := l.Load("none")
	if err != nil || none.File != "" || len(none.Stack(Auth)) != 1 || len(none.Stack(Session)) != 0 {
		t.Errorf("a service without a file: %+v, %v", none, err)
	}
}

// TestWalk: the stacks of distributions, with the answers that matter.
func TestWalk(t *testing.T) {
	debian := "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so\n"
	fedora := "auth required pam_env.so\nauth sufficient pam_unix.so\nauth required pam_deny.so\n"
	locked := "auth required pam_faillock.so preauth\n" + debian + "auth [default=die] pam_faillock.so authfail\n"
	for _, tt := range []struct {
		name, stack, unix, faillock string
		want                        string
		ran                         int
	}{
		{"debian", debian, "success", "", "success", 2},
		{"debian", debian, "auth_err", "", "auth_err", 2},
		{"fedora", fedora, "success", "", "success", 2},
		{"fedora", fedora, "auth_err", "", "auth_err", 3},
		{"locked", locked, "success", "auth_err", "auth_err", 4},
		{"empty", "", "success", "", "perm_denied", 0},
		{"nothing decides", "auth optional pam_env.so\n", "success", "", "perm_denied", 1},
	} {
		v := stackOf(t, map[string]string{"svc": tt.stack}, Auth).Run(func(r *Rule) string {
			switch r.Module {
			case "pam_unix":
				return tt.unix
			case "pam_faillock":
				return tt.faillock
			case "pam_deny":
				return "auth_err"
			case "pam_env":
				return "ignore"
			}
			return "success"
		})
		if v.Result != tt.want || len(v.Ran) != tt.ran || v.Success() != (tt.want == "success") {
			t.Errorf("%s, %s: got %s after %d", tt.name, tt.unix, v.Result, len(v.Ran))
		}
	}
}

func TestHostile(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"itself": {"svc": "@include svc\nauth include svc\n"},
		"joined": {"svc": strings.Repeat("\\\n", 100_000) + "auth required pam_x.so\n"},
		"bytes":  {"svc": "\xff\x00 [\n[\n[=]\nauth [=] [ [\n- - -\n"},
		"empty":  {"svc": "\\\n\\\n#\\\n"},
	} {
		s := stackOf(t, files, Auth)
		if v := s.Run(func(*Rule) string { return "ignore" }); v.Success() || len(s) > maxRules {
			t.Errorf("%s: %d rules, %s", name, len(s), v.Result)
		}
	}
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "etc/pam.d"), 0o755), unix.Mkfifo(filepath.Join(dir, "etc/pam.d/svc"), 0o600),
		os.WriteFile(filepath.Join(dir, "etc/pam.d/ssh"), []byte("auth include svc\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := &Loader{Root: root}
	if _, err := l.Load("svc"); err == nil {
		t.Error("a FIFO is read")
	}
	s, err := l.Load("ssh")
	if err != nil || len(s.Stack(Auth)) != 1 || s.Stack(Auth)[0].Broken == "" {
		t.Errorf("an include of a FIFO: %+v, %v", s, err)
	}
}

// FuzzParse: whatever the text, each line is a rule, broken or with actions, and the
// walk over them ends.
func FuzzParse(f *testing.F) {
	for i, w := range corpus(f) {
		if i%20 == 0 {
			f.Add(w.files["svc"])
		}
	}
	f.Add("auth [success=ok \\]=x] pam_x.so [a\\]b] c")
	f.Fuzz(func(t *testing.T, text string) {
		var s Stack
		for l := range assembled(text) {
			if fields(l.text)[0] == "@include" {
				continue
			}
			r := parse(l.text)
			if r.Broken == "" && (r.Module == "" && !strings.ContainsAny(l.text, "/.") || r.actions == nil && r.Control != "include" && r.Control != "substack") {
				t.Errorf("%q: %+v", l.text, r)
			}
			s = append(s, r)
		}
		v := s.Run(debug)
		if len(v.Ran) > len(s) {
			t.Errorf("%q: %+v", text, v)
		}
	})
}

// TestTooMany: of a service that is not read to its end nothing is known.
func TestTooMany(t *testing.T) {
	twice := func(name string) string { return strings.Repeat("auth include "+name+"\nauth substack "+name+"\n", 20) }
	bomb := Loader{Root: image.Of(t, map[string]string{"etc/pam.d/sshd": twice("a"), "etc/pam.d/a": twice("b"), "etc/pam.d/b": twice("sshd")})}
	if _, err := bomb.Load("sshd"); !errors.Is(err, ErrTooMany) {
		t.Errorf("files that include each other: %v", err)
	}
	for n, want := range map[int]error{maxRules: nil, maxRules + 1: ErrTooMany} {
		l := Loader{Root: image.Of(t, map[string]string{"etc/pam.d/sshd": strings.Repeat("auth required a.so\n", n)})}
		if _, err := l.Load("sshd"); !errors.Is(err, want) {
			t.Errorf("%d rules: %v", n, err)
		}
	}
}
