package owner

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

func TestNames(t *testing.T) {
	n := Load(image.Of(t, map[string]string{
		"/etc/passwd": "root:x:0:0::/root:/bin/sh\ntoor:x:0:0:::\nann:x:1000:1000\nbad:x:minus:0:\n:x:5:5:\nbig:x:99999999999:0:\n" +
			strings.Repeat("x", 100) + ":x:7:7:\nann:x:1001:1:::\n",
		"/etc/group": "root:x:0:\nadm:x:4:ann\n\x80\n",
	}))
	if n.User(0) != "root" || n.User(1000) != "ann" || n.User(1001) != "ann" || n.User(7) != "" || n.Group(4) != "adm" || n.Group(5) != "" {
		t.Errorf("%+v", n)
	}
	for name, want := range map[string]int{"toor": 0, "ann": 1000, "bad": -1} {
		if uid, ok := n.UID(name); ok != (want >= 0) || ok && uid != want {
			t.Errorf("%s: %d, %v", name, uid, ok)
		}
	}
	if none := Load(image.Of(t, nil)); none.User(0) != "" {
		t.Error("a name without a file")
	}
}

// tree makes directories, files and links with modes and owners.
func tree(t *testing.T) hostfs.Root {
	t.Helper()
	dir := t.TempDir()
	for _, e := range []struct {
		name     string
		mode     os.FileMode
		uid, gid int
	}{
		{"opt", os.ModeDir | 0o755, 0, 0}, {"opt/good", 0o755, 0, 0}, {"opt/group", 0o775, 0, 50}, {"opt/rootgroup", 0o775, 0, 0}, {"opt/all", 0o757, 0, 0},
		{"home", os.ModeDir | 0o755, 0, 0}, {"home/ann", os.ModeDir | 0o755, 1000, 1000}, {"home/ann/x", 0o755, 1000, 1000},
		{"tmp", os.ModeDir | os.ModeSticky | 0o777, 0, 0}, {"tmp/x", 0o755, 0, 0}, {"open", os.ModeDir | 0o777, 0, 0}, {"open/x", 0o755, 0, 0},
	} {
		name := filepath.Join(dir, e.name)
		var err error
		if e.mode.IsDir() {
			err = os.Mkdir(name, 0o700)
		} else {
			err = os.WriteFile(name, nil, 0o700)
		}
		if err := errors.Join(err, os.Chown(name, e.uid, e.gid), os.Chmod(name, e.mode)); err != nil {
			t.Fatalf("needs root: %v", err)
		}
	}
	for name, target := range map[string]string{"opt/link": "../home/ann/x", "opt/abs": "/open/x", "opt/loop": "loop", "sub": "opt", "opt/dangling": "/none"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestWeak(t *testing.T) {
	root := tree(t)
	// The root of a test's tree is a directory of its own mode.
	if err := os.Chmod(root.Path("/"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		trusted int
		want    []string
		err     error
	}{
		{"/opt/good", 0, nil, nil},
		{"/sub/good", 0, nil, nil},
		{"/opt/group", 0, []string{"/opt/group can be written by group 50"}, nil},
		{"/opt/rootgroup", 0, nil, nil},
		{"/opt/all", 0, []string{"/opt/all can be written by everybody"}, nil},
		{"/home/ann/x", 0, []string{"/home/ann is owned by user 1000", "/home/ann/x is owned by user 1000"}, nil},
		{"/home/ann/x", 1000, nil, nil},
		{"/opt/link", 0, []string{"/home/ann is owned by user 1000", "/home/ann/x is owned by user 1000"}, nil},
		{"/tmp/x", 0, nil, nil}, // sticky: nobody replaces what is root's
		{"/tmp", 0, []string{"/tmp can be written by everybody"}, nil},
		{"/open/x", 0, []string{"/open can be written by everybody"}, nil},
		{"opt/abs", 0, []string{"/open can be written by everybody"}, nil},
		{"/open/none", 0, []string{"/open can be written by everybody"}, fs.ErrNotExist},
		{"/opt/loop", 0, nil, syscall.ELOOP},
		{"/opt/dangling", 0, nil, fs.ErrNotExist},
	} {
		got, err := Weak(root, tt.name, tt.trusted)
		if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v\n%s", tt.name, err, diff)
		}
	}
}

func TestOf(t *testing.T) {
	root := tree(t)
	fi, err := root.Stat("/tmp")
	if err != nil {
		t.Fatal(err)
	}
	if mode, uid, gid := Of(fi); mode != 0o1777 || uid != 0 || gid != 0 {
		t.Errorf("%o %d %d", mode, uid, gid)
	}
}

func FuzzNames(f *testing.F) {
	f.Add([]byte("root:x:0:0:\n"))
	f.Add([]byte(":::\n\n:x:1\nx:y:-1:\n"))
	dir := f.TempDir()
	root, err := hostfs.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	if err := os.Mkdir(dir+"/etc", 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(dir+"/etc/passwd", b, 0o600); err != nil {
			t.Fatal(err)
		}
		for name, uid := range Load(root).ids {
			if name == "" || len(name) > 64 || uid < 0 {
				t.Fatalf("%q %d", name, uid)
			}
		}
	})
}
