package names

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
)

// host makes a root with the given files in /etc.
func host(t testing.TB, passwd, group, nsswitch string) hostfs.Root {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"passwd": passwd, "group": group, "nsswitch.conf": nsswitch} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	passwd = "root:x:0:0:root:/root:/bin/bash\nmail:x:8:8::/var/mail:\nann:x:1000:1000:Ann,,,:/home/ann:/bin/bash\n" +
		"toor:x:0:0::/root:/bin/sh\n# a comment\n+::::::\nbroken\n:x:5:5:::\nneg:x:-1:5:::\nbob:x:1001:100::/:\n"
	group = "root:x:0:\nmail:x:8:\nsudo:x:27:ann, bob ,\nusers:x:100:ghost\ndocker:x:999:root\nann:x:1000:\nbroken:x:\nempty:x:50:\n"
)

func TestNames(t *testing.T) {
	n, err := Read(host(t, passwd, group, "passwd: files systemd\ngroup: files [SUCCESS=merge] systemd # sss\nhosts: dns\n"))
	if err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[int]string{0: "root", 8: "mail", 1000: "ann", 5: "", -1: ""} {
		if got, ok := n.User(uid); got != want || ok != (want != "") {
			t.Errorf("user %d: %q, %v", uid, got, ok)
		}
	}
	for gid, want := range map[int][]string{27: {"ann", "bob"}, 100: {"bob", "ghost"}, 0: {"root", "toor"}, 50: nil, 4242: nil} {
		if diff := cmp.Diff(want, n.Members(gid)); diff != "" {
			t.Errorf("group %d: %s", gid, diff)
		}
	}
	for gid, want := range map[int]bool{0: false, 8: true, 27: true, 50: false, 100: true, 999: false, 4242: false} {
		if got := n.Shared(gid); got != want {
			t.Errorf("group %d shared: %v", gid, got)
		}
	}
	if g, ok := n.GroupNamed("sudo"); !ok || g.GID != 27 || g.Line != 3 {
		t.Errorf("got %+v", g)
	}
	if uid, ok := n.UID("toor"); !ok || uid != 0 {
		t.Errorf("toor: %d, %v", uid, ok)
	}
	if got := n.Label(1000, 27) + " " + n.Label(4, 4242) + " " + n.Label(0, 0); got != "ann:sudo 4:4242 root:root" {
		t.Error(got)
	}
	if n.Elsewhere != "" {
		t.Errorf("elsewhere: %q", n.Elsewhere)
	}
}

func TestElsewhere(t *testing.T) {
	for text, want := range map[string]string{"passwd: files sss\n": "sss", "group: compat ldap": "ldap", "passwd:files": "", "shadow: sss": "",
		"passwd: winbind files": "winbind", "": ""} {
		n, err := Read(host(t, passwd, group, text))
		if err != nil || n.Elsewhere != want {
			t.Errorf("%q: got %q, %v", text, n.Elsewhere, err)
		}
	}
}

func TestMissing(t *testing.T) {
	for _, r := range []hostfs.Root{host(t, "", group, ""), host(t, passwd, "", "")} {
		if n, err := Read(r); err == nil {
			t.Errorf("got %+v", n)
		}
	}
}

// TestMany: 10,000 accounts in one group are read, and a file without end is not.
func TestMany(t *testing.T) {
	var p, g strings.Builder
	g.WriteString("all:x:100:")
	for i := range 10_000 {
		fmt.Fprintf(&p, "user%d:x:%d:100::/:\n", i, 2000+i)
		fmt.Fprintf(&g, "user%d,", i)
	}
	n, err := Read(host(t, p.String(), g.String()+"\n", ""))
	if err != nil || len(n.Members(100)) != 10_000 || !n.Shared(100) {
		t.Errorf("%d members, %v", len(n.Members(100)), err)
	}
	endless := host(t, passwd, group, "")
	if err := os.Truncate(endless.Path("/etc/group"), 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(endless); err == nil {
		t.Error("a file of a terabyte is read")
	}
	many := host(t, strings.Repeat("a", 1)+":x:1:1:::\n"+strings.Repeat("u:x:1:1\n", 10), group, "")
	if _, err := Read(many); err != nil {
		t.Error(err)
	}
}

// TestThisHost: names are those that getent(1) gives.
func TestThisHost(t *testing.T) {
	n, err := Read(hostfs.Root{})
	if err != nil {
		t.Fatal(err)
	}
	for _, database := range []string{"passwd", "group"} {
		out, err := exec.Command("getent", "-s", "files", database).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSpace(line), ":")
			var id int
			if _, err := fmt.Sscan(f[2], &id); err != nil {
				t.Fatal(err)
			}
			got, ok := n.User(id)
			if database == "group" {
				got, ok = n.Group(id)
			}
			if !ok {
				t.Errorf("%s %s: not found, got %q", database, f[0], got)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(passwd), []byte(group))
	f.Add([]byte("a:b:c\n\xff:x:1:1::\n"), []byte("x:x:4294967296:a\n"))
	f.Fuzz(func(t *testing.T, p, g []byte) {
		n := &Names{users: map[int]string{}, first: map[int][]string{}, uids: map[string]int{}, groups: map[int]Group{}, byName: map[string]Group{}}
		if n.accounts(p) != nil || n.allGroups(g) != nil {
			return
		}
		for name, uid := range n.uids {
			if _, ok := n.User(uid); !ok || name == "" {
				t.Errorf("%q has the number %d, which has no name", name, uid)
			}
		}
		for gid := range n.groups {
			n.Shared(gid)
		}
		elsewhere(p)
	})
}
