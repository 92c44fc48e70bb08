package packaging

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// made is where the packages are, once a test has wanted them, until the last test ended.
var made struct {
	once sync.Once
	dir  string
}

func TestMain(m *testing.M) {
	status := m.Run()
	os.RemoveAll(made.dir)
	os.Exit(status)
}

// build makes the packages of two versions for this machine, as little compressed as is quick, or
// takes those of the folder that PACKAGES names.
func build(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("PACKAGES"); dir != "" {
		return dir
	}
	made.once.Do(func() {
		dir, err := os.MkdirTemp("", "seawall-packages-")
		if err != nil {
			t.Fatal(err)
		}
		made.dir = dir
		cmd := exec.Command("../scripts/packages")
		cmd.Env = append(os.Environ(), "VERSION=1.0.0 2.0.0", "ARCHS="+runtime.GOARCH, "XZ_LEVEL=-0", "DIST="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("scripts/packages: %v\n%s", err, out)
		}
	})
	if list, err := filepath.Glob(filepath.Join(made.dir, "seawall*")); err != nil || len(list) != 8 {
		t.Fatalf("%d packages: %v, want 8", len(list), err)
	}
	return made.dir
}

// root is this machine's file system with a layer above it that takes every change: what a package
// does to a real Debian, and what it leaves, is what lies in the layer. Neither /proc, /sys nor /run
// is there, as in the chroot of an image builder.
type root struct {
	dir, packages string
}

// newRoot keeps the layer in memory where it can: dpkg waits for the disk after each file.
func newRoot(t *testing.T, packages string) root {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "seawall-root-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range []string{"upper/packages", "work", "merged"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := root{dir, packages}
	// What is for every package, and takes longer than all that is for ours: the index of all man pages.
	r.run(t, "rm -f /var/lib/man-db/auto-update")
	return r
}

// run runs a script in the root, where the packages are /packages.
func (r root) run(t *testing.T, script string) string {
	t.Helper()
	const enter = `set -e
mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/merged"
mount --bind "$2" "$1/merged/packages"
mount -t devtmpfs none "$1/merged/dev" 2>/dev/null || mount --rbind /dev "$1/merged/dev"
exec chroot "$1/merged" /bin/sh -ec "$3"`
	cmd := exec.Command("unshare", "--mount", "sh", "-c", enter, "sh", r.dir, r.packages, script)
	// Debian keeps the database of rpm packages in the home: an empty one, whatever this machine has.
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/tmp", "DEBIAN_FRONTEND=noninteractive"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}

// bookkeeping is what a package manager itself writes.
var bookkeeping = regexp.MustCompile(`^/(packages|work|tmp|dev)(/|$)|^/var/(lib/(dpkg|rpm|dnf|man-db)|log|cache)/|^/var/lib/systemd/deb-systemd-helper-[a-z]+(/[a-z-]+\.[a-z]+)?$|^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|^/etc/\.pwd\.lock$|^/root/|^/usr/lib/sysimage/`)

// changes lists the files that were made or changed in the root and are still there.
func (r root) changes(t *testing.T) []string {
	t.Helper()
	upper := filepath.Join(r.dir, "upper")
	var list []string
	err := filepath.WalkDir(upper, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, upper)
		if err != nil || name == "" || bookkeeping.MatchString(name) {
			return err
		}
		if _, err := os.Lstat(name); d.IsDir() && err == nil {
			return nil // a folder of the machine below, in which something changed
		}
		if d.Type()&fs.ModeCharDevice != 0 {
			name = "-" + name // taken away
		}
		list = append(list, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// accounts lists what the root's user database has of ours.
func (r root) accounts(t *testing.T) []string {
	return strings.Fields(r.run(t, `cut -d: -f1 /etc/passwd /etc/group | grep ^seawall | sort -u || true`))
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func has(t *testing.T, list []string, names ...string) {
	t.Helper()
	for _, name := range names {
		if !slices.Contains(list, name) {
			t.Errorf("%s is not there", name)
		}
	}
}
