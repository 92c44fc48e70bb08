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

// host has files of a host below a directory, which was walked.
func host(t *testing.T, files ...string) (dir string, p *Places) {
	t.Helper()
	dir = t.TempDir()
	for _, f := range files {
		write(t, filepath.Join(dir, f))
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p = New(root)
	t.Cleanup(p.Close)
	walk(p, time.Unix(1000, 0))
	return dir, p
}

// walk says how late it is, and waits for the walk.
func walk(p *Places, now time.Time) {
	p.Tick(now)
	p.Close()
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
	dev := st.Dev
	return p.Name([2]uint32{unix.Major(dev), unix.Minor(dev)}, st.Ino, true)
}

func TestName(t *testing.T) {
	dir, p := host(t, "etc/cron.d/x", "etc/shadow", "root/.ssh/id_x", "root/notes/n", "usr/bin/ls", "var/log/app/a.log", "srv/etc/shadow")
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
	if got := p.Name([2]uint32{}, 0, true); got != "" {
		t.Errorf("no inode is %q", got)
	}
}

// TestChanges: what is new is known after a while, and what is gone is not told.
func TestChanges(t *testing.T) {
	dir, p := host(t, "etc/a", "etc/old/b")
	if got := named(t, p, filepath.Join(dir, "etc/old")); got != "/etc/old" {
		t.Fatalf("got %q", got)
	}
	write(t, filepath.Join(dir, "etc/sudoers.d/x"))
	walk(p, time.Unix(1050, 0))
	if got := named(t, p, filepath.Join(dir, "etc/sudoers.d")); got != "" {
		t.Errorf("walked without need: %q", got)
	}
	walk(p, time.Unix(1059, 0))
	if got := named(t, p, filepath.Join(dir, "etc/sudoers.d")); got != "" {
		t.Errorf("walked again too soon: %q", got)
	}
	walk(p, time.Unix(1060, 0))
	if got := named(t, p, filepath.Join(dir, "etc/sudoers.d")); got != "/etc/sudoers.d" {
		t.Errorf("not walked again: %q", got)
	}
	if err := os.Rename(filepath.Join(dir, "etc/old"), filepath.Join(dir, "etc/new")); err != nil {
		t.Fatal(err)
	}
	if got := named(t, p, filepath.Join(dir, "etc/new")); got != "" {
		t.Errorf("the name that it had is told: %q", got)
	}
	walk(p, time.Unix(1120, 0))
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
	dir, p := host(t, files...)
	if got := named(t, p, filepath.Join(dir, deepest)); got != "" {
		t.Errorf("too deep: %q", got)
	}
	names := *p.names.Load()
	if len(names) > 600 || len(names) < 500 {
		t.Errorf("%d names", len(names))
	}
	names = map[inode]string{}
	for i := range most {
		names[inode{number: uint64(i) << 32}] = "/x"
	}
	p.walk(names, "/etc", inode{1, 2, 3}, true, 6)
	if len(names) > most {
		t.Errorf("%d names, more than %d", len(names), most)
	}
}

// TestNoAllocation: what is not known costs next to nothing.
func TestNoAllocation(t *testing.T) {
	_, p := host(t, "etc/a")
	if n := testing.AllocsPerRun(100, func() { p.Name([2]uint32{1, 2}, 3, true) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
