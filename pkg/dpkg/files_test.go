package dpkg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
)

// lists makes a root with the given files; those of dpkg are named without their
// directory.
func lists(t testing.TB, files map[string]string, links ...string) hostfs.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, "var/lib/dpkg", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range links {
		if err := os.Symlink("usr/"+l, filepath.Join(dir, l)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOwners(t *testing.T) {
	files := map[string]string{
		"info/login.list":        "/.\n/bin\n/bin/su\n/usr/bin/newgrp\n",
		"info/libc6:amd64.list":  "/lib/x86_64-linux-gnu/libc.so.6",
		"info/mine.list":         "/opt/mine\n/usr/bin/vi\n",
		"info/mine.md5sums":      "0  usr/bin/su\n",
		"info/long.list":         strings.Repeat("x", 1<<20) + "\n/usr/bin/after\n",
		"diversions":             "/usr/bin/dash-old\n/usr/bin/dash-old.distrib\nother\n/usr/bin/vi\n/usr/bin/vi.mine\n:\n",
		"info/dash.list":         "/usr/bin/dash-old\n",
		"info/not-a-list.postrm": "/usr/bin/x\n",
	}
	wanted := []string{"/usr/bin/su", "/usr/bin/newgrp", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/opt/mine", "/usr/bin/after",
		"/usr/bin/dash-old.distrib", "/usr/bin/vi.mine", "/usr/bin/x", "/opt/other", "/bin/su"}
	got, err := Owners(lists(t, files, "bin", "lib"), wanted)
	want := map[string]string{"/usr/bin/su": "login", "/bin/su": "login", "/usr/bin/newgrp": "login", "/usr/lib/x86_64-linux-gnu/libc.so.6": "libc6",
		"/opt/mine": "mine", "/usr/bin/after": "long", "/usr/bin/dash-old.distrib": "dash", "/usr/bin/vi.mine": "mine"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	// Where /bin is no link, /usr/bin/su is another file than /bin/su.
	got, err = Owners(lists(t, files), []string{"/usr/bin/su"})
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Owners(lists(t, nil), wanted); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
}

// TestOwnersAgainstDpkg: packages are those that dpkg-query names.
func TestOwnersAgainstDpkg(t *testing.T) {
	programs, err := filepath.Glob("/usr/sbin/*")
	if err != nil || len(programs) < 50 {
		t.Fatal(len(programs), err)
	}
	programs = append(programs[:50], "/usr/bin/su", "/usr/bin/dpkg", "/usr/local/none")
	got, err := Owners(hostfs.Root{}, programs)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		want := ""
		for _, name := range []string{p, strings.TrimPrefix(p, "/usr")} {
			out, err := exec.Command("dpkg-query", "-S", name).Output()
			if err == nil && want == "" && !strings.HasPrefix(string(out), "diversion ") {
				want, _, _ = strings.Cut(string(out), ": ")
				want, _, _ = strings.Cut(want, ",")
				want, _, _ = strings.Cut(want, ":")
			}
		}
		if got[p] != want {
			t.Errorf("%s: got %q, dpkg says %q", p, got[p], want)
		}
	}
}

// TestOwnersHostile: a FIFO in place of a list, and a list without end, are errors.
func TestOwnersHostile(t *testing.T) {
	r := lists(t, map[string]string{"info/a.list": "/x\n"})
	if err := os.Truncate(r.Path("/var/lib/dpkg/info/a.list"), 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := Owners(r, []string{"/x"}); err == nil {
		t.Error("a list of a terabyte is read")
	}
	r = lists(t, map[string]string{"info/a.list": "/x\n"})
	if err := exec.Command("mkfifo", r.Path("/var/lib/dpkg/info/b.list")).Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := Owners(r, []string{"/x"}); !errors.Is(err, hostfs.ErrNotRegular) {
		t.Errorf("a FIFO: %v", err)
	}
}

func TestReadOverrides(t *testing.T) {
	got := ReadOverrides([]byte("root crontab 2755 /usr/bin/crontab\nroot root 4755 /opt/a b\n#0 #42 640 /etc/x\nbroken\nroot root 99 /x\nroot root 4755 relative\n"))
	want := []Override{{"root", "crontab", 0o2755, "/usr/bin/crontab"}, {"root", "root", 0o4755, "/opt/a b"}, {"#0", "#42", 0o640, "/etc/x"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOverridesAgainstDpkg: what dpkg-statoverride writes is read.
func TestOverridesAgainstDpkg(t *testing.T) {
	dir := t.TempDir()
	for i, path := range []string{"/usr/bin/tool", "/srv/with blank"} {
		cmd := exec.Command("dpkg-statoverride", "--admindir", dir, "--add", "root", "root", fmt.Sprintf("475%d", i), path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "statoverride"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint32{}
	for _, o := range ReadOverrides(text) {
		got[o.Path] = o.Mode
	}
	if diff := cmp.Diff(map[string]uint32{"/usr/bin/tool": 0o4750, "/srv/with blank": 0o4751}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzOverrides(f *testing.F) {
	f.Add([]byte("root root 4755 /x\n"))
	f.Add([]byte("/a\n/b\nc\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, o := range ReadOverrides(text) {
			if !strings.HasPrefix(o.Path, "/") || o.Mode > 0o7777 {
				t.Errorf("%+v", o)
			}
		}
		diversions(text)
	})
}
