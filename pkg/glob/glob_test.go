package glob

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a file system of names, as a Lister.
type tree struct{ fstest.MapFS }

func (t tree) ReadDir(dir string) ([]string, error) {
	if dir == "/secret" {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrPermission}
	}
	entries, err := t.MapFS.ReadDir(name(dir))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (t tree) Lstat(file string) (fs.FileInfo, error) { return t.Stat(name(file)) }

func name(s string) string {
	if s = strings.Trim(s, "/"); s == "" {
		return "."
	}
	return s
}

func of(files ...string) tree {
	t := tree{fstest.MapFS{}}
	for _, f := range files {
		t.MapFS[f] = &fstest.MapFile{}
	}
	return t
}

func TestExpand(t *testing.T) {
	files := of("etc/a.conf", "etc/b.conf", "etc/.c.conf", "etc/d/x", "etc/e/x", "etc/[f", "secret/x")
	for _, tt := range []struct{ pattern, want, searched string }{
		{"/etc/*.conf", "/etc/a.conf /etc/b.conf", "/etc"},
		{"/etc/.*.conf", "/etc/.c.conf", "/etc"},
		{"/etc/?/x", "/etc/d/x /etc/e/x", "/etc"},
		{"/*/?/x", "/etc/d/x /etc/e/x", "/ /etc"},
		{"/etc/[!a].conf", "/etc/b.conf", "/etc"},
		{"/etc/[ab].conf", "/etc/a.conf /etc/b.conf", "/etc"},
		{"/etc/[f", "/etc/[f", "/etc"},
		{`/etc/\a.conf`, "/etc/a.conf", ""},
		{"/none/*", "", ""},
		{"/etc/*.none", "", "/etc"},
		{"//etc///a.conf", "/etc/a.conf", ""},
	} {
		if tt.pattern == "/*/?/x" {
			delete(files.MapFS, "secret/x")
		}
		names, searched, err := Expand(files, tt.pattern)
		if err != nil || strings.Join(names, " ") != tt.want || strings.Join(searched, " ") != tt.searched {
			t.Errorf("%s: got %q, searched %q, %v", tt.pattern, names, searched, err)
		}
	}
	files.MapFS["secret/x"] = &fstest.MapFile{}
	if _, searched, err := Expand(files, "/secret/*"); !errors.Is(err, fs.ErrPermission) || !slices.Equal(searched, []string{"/secret"}) {
		t.Errorf("got %q, %v", searched, err)
	}
}

// TestLimit: a pattern of many directories ends.
func TestLimit(t *testing.T) {
	files := of()
	for i := range 320 {
		for j := range 320 {
			files.MapFS[fmt.Sprintf("d%d/f%d", i, j)] = &fstest.MapFile{}
		}
	}
	if _, _, err := Expand(files, "/*/*"); !errors.Is(err, ErrLimit) {
		t.Errorf("got %v", err)
	}
}

func TestBase(t *testing.T) {
	for pattern, want := range map[string]string{"/etc/nginx/*.conf": "/etc/nginx/", "/etc/*/x": "/etc/", "/*": "/", "/a/b": "/a/"} {
		if got := Base(pattern); got != want {
			t.Errorf("%s: got %s", pattern, got)
		}
	}
}

// FuzzExpand compares with Go's own, whose patterns are much the same.
func FuzzExpand(f *testing.F) {
	f.Add("*.conf", "a.conf", "b.txt")
	f.Add("[a-", "[a-", "a")
	f.Add("?", "é", ".x")
	f.Fuzz(func(t *testing.T, pattern, one, two string) {
		for _, s := range []string{pattern, one, two} {
			if s == "" || s == "." || s == ".." || len(s) > 100 || strings.ContainsAny(s, "/\x00") {
				return
			}
		}
		if strings.ContainsAny(pattern, `\[`) || strings.HasPrefix(pattern, ".") {
			return // a leading dot and broken brackets are glob(3)'s alone
		}
		dir := t.TempDir()
		for _, n := range []string{one, two} {
			if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
				return
			}
		}
		want, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return
		}
		want = slices.DeleteFunc(want, func(n string) bool { return strings.HasPrefix(filepath.Base(n), ".") })
		got, _, err := Expand(osFiles{}, filepath.Join(dir, pattern))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", pattern, got, err, want)
		}
	})
}

type osFiles struct{}

func (osFiles) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }
func (osFiles) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}
