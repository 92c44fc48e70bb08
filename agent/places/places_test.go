package places

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// host has files of a host below a directory, and a clock.
func host(t *testing.T, files ...string) (dir string, p *Places, now *time.Time) {
	t.Helper()
	dir = t.TempDir()
	for _, f := range files {
		write(t, filepath.Join(dir, f))
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	now = new(time.Time)
	*now = time.Unix(1000, 0)
	p = New(root)
	p.now = func() time.Time { return *now }
	return dir, p, now
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// named returns what p calls a file, as kernel audit would tell of it.
func named(t *testing.T, p *Places, name string) string {
	t.Helper()
	fi, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	st := fi.Sys().(*syscall.Stat_t)
	dev := uint64(st.Dev)
	return p.Name([2]uint32{unix.Major(dev), unix.Minor(dev)}, st.Ino)
}

func TestName(t *testing.T) {
	dir, p, _ := host(t, "etc/cron.d/x", "etc/shadow", "root/.ssh/id_x", "root/notes/n", "usr/bin/ls", "var/log/app/a.log", "srv/etc/shadow")
	if err := os.Symlink("shadow", filepath.Join(dir, "etc/link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"etc": "/etc", "etc/cron.d": "/etc/cron.d", "etc/cron.d/x": "/etc/cron.d/x", "etc/shadow": "/etc/shadow",
		"root/.ssh": "/root/.ssh", "root/.ssh/id_x": "/root/.ssh/id_x", "root/notes": "/root/notes", "root/notes/n": "",
		"usr/bin": "/usr/bin", "usr/bin/ls": "", "var/log/app": "/var/log/app", "var/log/app/a.log": "", "srv/etc/shadow": "", "etc/link": "",
	} {
		if got := named(t, p, filepath.Join(dir, name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := p.Name([2]uint32{}, 0); got != "" {
		t.Errorf("no inode is %q", got)
	}
}

// TestChanges: what is new is known after a while, and what is gone is not told.
func TestChanges(t *testing.T) {
	dir, p, now := host(t, "etc/a", "etc/old/b")
	if got := named(t, p, filepath.Join(dir, "etc/old")); got != "/etc/old" {
		t.Fatalf("got %q", got)
	}
	write(t, filepath.Join(dir, "etc/sudoers.d/x"))
	if got := named(t, p, filepath.Join(dir, "etc/sudoers.d")); got != "" {
		t.Errorf("walked again at once: %q", got)
	}
	*now = now.Add(again)
	if got := named(t, p, filepath.Join(dir, "etc/sudoers.d")); got != "/etc/sudoers.d" {
		t.Errorf("not walked again: %q", got)
	}
	if err := os.Rename(filepath.Join(dir, "etc/old"), filepath.Join(dir, "etc/new")); err != nil {
		t.Fatal(err)
	}
	if got := named(t, p, filepath.Join(dir, "etc/new")); got != "" {
		t.Errorf("the name that it had is told: %q", got)
	}
	*now = now.Add(again)
	if got := named(t, p, filepath.Join(dir, "etc/new")); got != "/etc/new" {
		t.Errorf("got %q", got)
	}
}

// TestBounds: a deep and wide tree is walked no further than is said.
func TestBounds(t *testing.T) {
	var files []string
	deepest := "etc"
	for range 30 {
		deepest += "/d"
	}
	files = append(files, deepest+"/x")
	for i := range 500 {
		files = append(files, fmt.Sprintf("etc/many/%d", i))
	}
	dir, p, _ := host(t, files...)
	if got := named(t, p, filepath.Join(dir, deepest)); got != "" {
		t.Errorf("too deep: %q", got)
	}
	if len(p.names) > 600 || len(p.names) < 500 {
		t.Errorf("%d names", len(p.names))
	}
	p.names = map[inode]string{}
	for i := range most {
		p.names[inode{number: uint64(i) << 32}] = "/x"
	}
	p.walk("/etc", inode{1, 2, 3}, true, 6)
	if len(p.names) > most {
		t.Errorf("%d names, more than %d", len(p.names), most)
	}
}
