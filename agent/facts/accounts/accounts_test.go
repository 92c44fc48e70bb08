package accounts

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// image makes a host out of files; a name that ends in "/" is a directory.
func image(t testing.TB, files map[string]string) (env fact.Env, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		if strings.HasSuffix(name, "/") {
			err = errors.Join(err, os.MkdirAll(full, 0o755))
		} else {
			err = errors.Join(err, os.WriteFile(full, []byte(text), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: func() time.Time { return now }}, dir
}

func host() map[string]string {
	return map[string]string{
		"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann,,,:/home/ann:/bin/bash\nbob:x:1001:1001::/home/bob:\n" +
			"www-data:x:33:33::/var/www:/usr/sbin/nologin\nold:$1$a$b:1002:9999::/home/ann:/bin/sh\nlost:x:1003:1000::/nonexistent:/bin/sh\n" +
			"toor:x:0:0::/root:/bin/sh\n+:::::\nbad:x:one:1::/:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
		"/etc/group": "root:x:0:\nann:x:1000:\nbob:x:1001:\nbob2:x:1001:\nwww-data:x:33:\ndisk:x:6:ann,root\nsudo:x:27:ann\nusers:x:100:\n",
		"/etc/shadow": "root:*:20000:0:99999:7:::\nann:$y$j9T$a$b:20700:1:90:14:30::\nbob:!$6$a$b:20900:0:30:7:5:20000:\nwww-data:*:20000:0:99999:7:::\n" +
			"toor::0:0:99999:7:::\nghost:!:20000::::::\nnobody:*:20000:0:99999:7:::\n",
		"/etc/login.defs":       "# PASS_MAX_DAYS 1\nPASS_MAX_DAYS\t365\nENCRYPT_METHOD SHA512\nUMASK 027\nUID_MIN 1000\nPASS_MAX_DAYS   90\nENV_SUPATH\tPATH=/usr/sbin:/opt/x\n",
		"/etc/default/useradd":  "SHELL=/bin/sh\nINACTIVE=30\n",
		"/etc/profile":          "umask 022 # usual\nif true; then umask 002; fi\nPATH=\"/usr/bin::/opt/x\"\nexport PATH\n#umask 000\n",
		"/etc/profile.d/a.sh":   "readonly TMOUT=600\nexport TMOUT\n",
		"/etc/profile.d/b.sh":   "TMOUT=0\numask u=rwx,g=rx,o=\n",
		"/etc/profile.d/c.csh":  "umask 000\n",
		"/root/.bashrc":         "export PATH=$PATH:$HOME/bin:.\numask 077\n",
		"/etc/shells":           "# valid\n/bin/sh\n/usr/sbin/nologin # odd\n",
		"/etc/nsswitch.conf":    "# x\npasswd:   files systemd sss [NOTFOUND=return] ldap\n",
		"/etc/hosts.equiv":      "trusted\n+ +\n",
		"/home/ann/.rhosts":     "+\n",
		"/home/ann/.netrc":      "machine x password y\n",
		"/home/ann/.profile":    "",
		"/home/ann/.ssh/":       "",
		"/home/bob":             "a file",
		"/usr/bin/":             "",
		"/opt/x/":               "",
		"/var/log/lastlog":      string(loginRecord(1000, now.Add(-50*time.Hour))),
		"/etc/ssh/shosts.equiv": "host\n",
	}
}

// loginRecord is a file with one record, of 292 bytes.
func loginRecord(uid int, at time.Time) []byte {
	b := make([]byte, (uid+1)*292)
	binary.NativeEndian.PutUint32(b[uid*292:], uint32(at.Unix()))
	return b
}

func read(t testing.TB, files map[string]string, change func(dir string)) Facts {
	t.Helper()
	env, dir := image(t, files)
	if change != nil {
		change(dir)
	}
	return Read(context.Background(), env)
}

func TestUsers(t *testing.T) {
	f := read(t, host(), func(dir string) {
		if err := errors.Join(os.Chmod(dir+"/home/ann/.profile", 0o666), os.Chmod(dir+"/home/ann/.netrc", 0o600), os.Chmod(dir+"/home/ann", 0o700)); err != nil {
			t.Fatal(err)
		}
	})
	if f.Meta.State != fact.StateKnown || !f.Shadow.Yes || f.MoreUsers != 0 {
		t.Fatalf("%+v, %+v", f.Meta, f.Shadow)
	}
	var got []string
	for _, u := range f.Users {
		got = append(got, fmt.Sprintf("%s %d/%s %s%s login=%v system=%v changed=%d max=%d expired=%v future=%v must=%v lapsed=%v unused=%d", u.Name, u.UID, u.Group,
			u.Password.State, u.Password.Method, u.Login, u.System, u.Age.ChangedDays, u.Age.Max, u.Age.Expired, u.Age.Future, u.Age.MustChange, u.Age.Lapsed, u.UnusedDays))
	}
	want := []string{
		"root 0/root none login=true system=false changed=778 max=99999 expired=false future=false must=false lapsed=false unused=-1",
		"ann 1000/ann setyescrypt login=true system=false changed=78 max=90 expired=false future=false must=false lapsed=false unused=2",
		"bob 1001/bob lockedsha512 login=true system=false changed=0 max=30 expired=true future=true must=false lapsed=false unused=-1",
		"www-data 33/www-data none login=false system=true changed=778 max=99999 expired=false future=false must=false lapsed=false unused=-1",
		"old 1002/ setmd5 login=true system=false changed=-1 max=-1 expired=false future=false must=false lapsed=false unused=-1",
		"lost 1003/ann none login=true system=false changed=-1 max=-1 expired=false future=false must=false lapsed=false unused=-1",
		"toor 0/root empty login=true system=false changed=-1 max=99999 expired=false future=false must=true lapsed=false unused=-1",
		"nobody 65534/ none login=false system=true changed=778 max=99999 expired=false future=false must=false lapsed=false unused=-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	ann := f.Users[1].HomeDir
	if !ann.Exists || ann.Mode != 0o700 || ann.UID != os.Getuid() {
		t.Errorf("%+v", ann)
	}
	var dots []string
	for _, d := range ann.Dot {
		dots = append(dots, fmt.Sprintf("%s %s %o %v", d.Kind, d.Path, d.Mode, d.Plus))
	}
	if diff := cmp.Diff([]string{"netrc /home/ann/.netrc 600 false", "writable /home/ann/.profile 666 false", "rhosts /home/ann/.rhosts 644 true"}, dots); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if h := f.Users[2].HomeDir; h.Exists || h.Error != "the home is no directory" {
		t.Errorf("%+v", h)
	}
	if h := f.Users[5].HomeDir; h.Exists || h.Error != "" || !h.Read {
		t.Errorf("%+v", h)
	}
	for _, secret := range []string{"$y$", "$6$", "$1$"} {
		if strings.Contains(fmt.Sprintf("%+v", f), secret) {
			t.Errorf("the facts hold a hash: %s", secret)
		}
	}
}

func TestLists(t *testing.T) {
	f := read(t, host(), nil)
	var got []string
	for _, d := range f.Duplicates {
		got = append(got, fmt.Sprintf("%s %s %v %s:%d", d.Kind, d.Value, d.Names, d.File, d.Line))
	}
	for _, p := range f.Problems {
		got = append(got, fmt.Sprintf("%s %s:%d", p.Kind, p.File, p.Line))
	}
	for _, g := range f.Groups {
		got = append(got, fmt.Sprintf("%s %s %v", g.Kind, g.Name, g.Members))
	}
	for _, d := range f.Trust {
		got = append(got, fmt.Sprintf("%s %v", d.Path, d.Plus))
	}
	for _, s := range f.Shells {
		got = append(got, s.Value)
	}
	want := []string{
		"uid 0 [root toor] /etc/passwd:7", "gid 1001 [bob bob2] /etc/group:4",
		"compat /etc/passwd:8", "malformed /etc/passwd:9", "no_user /etc/shadow:6", "no_shadow /etc/passwd:6",
		"root root [toor]", "root disk [ann]", "admin sudo [ann]",
		"/etc/hosts.equiv true", "/etc/ssh/shosts.equiv false", "/bin/sh", "/usr/sbin/nologin",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"sss", "ldap"}, f.Directory); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, name := range []string{"/etc/shadow", "/etc/login.defs", "/etc/profile.d/", "/home/ann", "/etc/hosts.equiv", "/root/.bashrc"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("does not depend on %s", name)
		}
	}
}

func TestDefaults(t *testing.T) {
	f := read(t, host(), func(dir string) {
		if err := os.Chmod(dir+"/opt/x", 0o777); err != nil {
			t.Fatal(err)
		}
	})
	max := f.LoginDefs["PASS_MAX_DAYS"]
	if max.Value != "90" || max.Line != 6 || f.Numbers["PASS_MAX_DAYS"] != 90 || f.Numbers["UMASK"] != 0o27 || f.Numbers["INACTIVE"] != 30 {
		t.Errorf("%+v, %v", max, f.Numbers)
	}
	if min := f.LoginDefs["PASS_MIN_DAYS"]; min.Set || min.Value != "-1" {
		t.Errorf("%+v", min)
	}
	if f.Umask.Value != 0o27 || f.Umask.File != "/etc/profile.d/b.sh" || f.Umask.Line != 2 || len(f.Umasks) != 3 {
		t.Errorf("umask %+v of %+v", f.Umask, f.Umasks)
	}
	if f.Timeout.Value != 600 || !f.Timeout.Locked || f.Timeout.File != "/etc/profile.d/a.sh" {
		t.Errorf("timeout %+v", f.Timeout)
	}
	if len(f.RootUmasks) != 1 || f.RootUmasks[0].Value != 0o77 {
		t.Errorf("root's %+v", f.RootUmasks)
	}
	var path []string
	for _, p := range f.RootPath {
		if os.Getuid() != 0 && p.Wrong == "not root's" {
			p.Wrong = "" // the image is the tester's
		}
		path = append(path, fmt.Sprintf("%s:%d %q %s", filepath.Base(p.File), p.Line, p.Dir, p.Wrong))
	}
	want := []string{`login.defs:7 "/usr/sbin" `, `login.defs:7 "/opt/x" writable by others`, `profile:3 "/usr/bin" `, `profile:3 "" empty`, `profile:3 "/opt/x" writable by others`,
		`.bashrc:1 "/root/bin" `, `.bashrc:1 "." relative`}
	if diff := cmp.Diff(want, path); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestUnread: what cannot be had is unknown with a reason, or absent.
func TestUnread(t *testing.T) {
	if f := read(t, map[string]string{"etc/": ""}, nil); f.Meta.State != fact.StateAbsent {
		t.Errorf("no passwd: %+v", f.Meta)
	}
	files := host()
	delete(files, "/etc/shadow")
	if f := read(t, files, nil); f.Shadow.Known || f.Shadow.Reason == "" || f.Users[0].Password.State != "unknown" || f.Users[4].Password.State != "set" {
		t.Errorf("no shadow: %+v, %+v", f.Shadow, f.Users[0].Password)
	}
	delete(files, "/etc/group")
	if f := read(t, files, nil); f.Meta.State != fact.StateError || !strings.Contains(f.Meta.Reason, "read groups") {
		t.Errorf("no group: %+v", f.Meta)
	}
	files = host()
	files["/var/log/lastlog"] = ""
	if f := read(t, files, nil); f.LastLogins.Known || f.Users[1].UnusedDays != -1 {
		t.Errorf("an empty lastlog: %+v", f.LastLogins)
	}
}

func TestHostile(t *testing.T) {
	var many strings.Builder
	many.WriteString("root:x:0:0::/root:/bin/sh\n")
	for i := range maxUsers {
		fmt.Fprintf(&many, "u%d:x:%d:100::/home/u%d:%s\n", i, 2000+i, i, []string{"/bin/sh", "/usr/sbin/nologin"}[i%2])
	}
	many.WriteString("last:x:0:0::/root:/bin/false\n" + strings.Repeat("x", 1<<20) + "\n\xff\xfe:x:5:5::\xff:\xff\n")
	files := host()
	files["/etc/passwd"] = many.String()
	f := read(t, files, nil)
	if len(f.Users) != maxUsers || f.MoreUsers != 3 || f.Meta.Partial["users"] == "" || len(f.Duplicates) > maxList || len(f.Problems) > maxList {
		t.Errorf("%d users, %d more", len(f.Users), f.MoreUsers)
	}
	if !slices.ContainsFunc(f.Users, func(u User) bool { return u.Name == "last" && u.UID == 0 }) {
		t.Error("the second root is among those left out")
	}
	for _, name := range []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/login.defs", "/etc/profile", "/home/ann/.rhosts", "/etc/hosts.equiv", "/var/log/lastlog"} {
		f := read(t, host(), func(dir string) {
			if err := errors.Join(os.Remove(dir+name), unix.Mkfifo(dir+name, 0o600)); err != nil {
				t.Fatal(err)
			}
		})
		if name == "/etc/passwd" && f.Meta.State != fact.StateError || name == "/etc/shadow" && f.Shadow.Known {
			t.Errorf("a FIFO for %s: %+v", name, f.Meta)
		}
	}
	loop := read(t, host(), func(dir string) {
		if err := errors.Join(os.Rename(dir+"/home/ann", dir+"/home/x"), os.Symlink("ann", dir+"/home/ann")); err != nil {
			t.Fatal(err)
		}
	})
	if h := loop.Users[1].HomeDir; h.Exists || h.Error == "" {
		t.Errorf("a loop for a home: %+v", h)
	}
}

// TestBounds: a list that is cut says so, and no other does.
func TestBounds(t *testing.T) {
	for name, tt := range map[string]struct {
		most  int
		files func(n int) map[string]string
		want  string
	}{
		"shells": {maxList, func(n int) map[string]string { return map[string]string{"/etc/shells": strings.Repeat("/bin/sh\n", n)} }, "shells"},
		"umasks": {maxList, func(n int) map[string]string {
			return map[string]string{"/root/.profile": strings.Repeat("umask 027\n", n)}
		}, "root_umasks"},
		"path": {maxList, func(n int) map[string]string {
			return map[string]string{"/root/.profile": "PATH=/bin" + strings.Repeat(":/bin", n-1) + "\n"}
		}, "root_path"},
		"a directory": {maxDir, func(n int) map[string]string {
			return map[string]string{"/root/.profile": "PATH=" + strings.Repeat("/", n) + "\n"}
		}, "root_path"},
		"profile.d": {maxScripts, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n - 2 { // beside /etc/profile and bash.bashrc
				files["/etc/profile.d/"+itoa(i)+".sh"] = ""
			}
			return files
		}, "root_path root_umasks timeout umask"},
		"a script": {scriptLimit, func(n int) map[string]string {
			return map[string]string{"/etc/profile": strings.Repeat("\n", n)}
		}, "root_path root_umasks timeout umask"},
	} {
		for more, want := range []string{"", tt.want} {
			files := tt.files(tt.most + more)
			files["/etc/passwd"], files["/etc/group"] = "root:x:0:0::/root:/bin/sh\n", "root:x:0:\n"
			f := read(t, files, nil)
			if got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " "); got != want {
				t.Errorf("%s, %d more: %q, want %q", name, more, got, want)
			}
		}
	}
	f := read(t, map[string]string{"/etc/passwd": "", "/etc/group": "", "/root/.profile": "PATH=" + strings.Repeat("/bin:", maxText) + "bad\n"}, nil)
	if last := f.RootPath[len(f.RootPath)-1]; last.Dir != "bad" || last.Wrong != "relative" {
		t.Errorf("a long line: got %+v", last)
	}
}

func TestUmask(t *testing.T) {
	for s, want := range map[string]int{"umask 027": 0o27, "umask 0077": 0o77, "umask -S u=rwx,g=rx,o=": 0o27, "umask a=rx": 0o222, "umask u=rwx,g=,o=": 0o77,
		"umask": -1, "umask $x": -1, "umask 999": -1, "umask 7777": -1, "xumask 027": -1, "umask u+rwx": -1} {
		got, ok := umask(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: got %o, %v", s, got, ok)
		}
	}
}

func TestTimeout(t *testing.T) {
	for s, want := range map[string]string{"TMOUT=900": "900 false", "export TMOUT='60'": "60 false", "readonly TMOUT=5": "5 true", "declare -xr TMOUT=7": "7 true",
		"typeset -r TMOUT=8": "8 true", "readonly TMOUT": "0 true", "export TMOUT": "none", "TMOUT=$x": "none", "TMOUT=-1": "none", "export": "none"} {
		s2, ok := timeout(s)
		got := "none"
		if ok {
			got = fmt.Sprint(s2.Value, s2.Locked)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", s, got, want)
		}
	}
}

// FuzzShell: whatever the files say, a umask is nine bits, a timeout no less than 0,
// and a PATH has a bounded number of directories.
func FuzzShell(f *testing.F) {
	f.Add("umask 022; TMOUT=600\nreadonly TMOUT\nexport PATH=/bin:$HOME/x::.\n")
	f.Add("if x; then umask u=rwx,g=rx,o=; fi &&TMOUT=0 # x\nPATH='a b':\"c\"\n")
	f.Add("PASS_MAX_DAYS\t\"90\"\nUMASK=08\n")
	f.Fuzz(func(t *testing.T, text string) {
		f := read(t, map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/profile": text, "etc/login.defs": text, "etc/default/useradd": text}, nil)
		for _, s := range f.Umasks {
			if s.Value < 0 || s.Value > 0o777 {
				t.Errorf("%q: %+v", text, s)
			}
		}
		if f.Timeout.Value < 0 || len(f.RootPath) > maxList || f.Meta.State != fact.StateKnown {
			t.Errorf("%q: %+v", text, f)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	env, _ := image(b, host())
	for b.Loop() {
		Read(context.Background(), env)
	}
}
