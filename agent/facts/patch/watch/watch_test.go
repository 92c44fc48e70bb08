package watch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"seawall/pkg/hostfs"
)

// TestUnchanged does to a host what happens to hosts; each of it is seen.
func TestUnchanged(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"nothing":       nil,
		"written again": func(dir string) error { return os.WriteFile(dir+"/f", []byte("y"), 0o644) },
		"replaced by the same": func(dir string) error {
			return errors.Join(os.WriteFile(dir+"/n", []byte("x"), 0o644), os.Rename(dir+"/n", dir+"/f"))
		},
		"removed":                    func(dir string) error { return os.Remove(dir + "/f") },
		"made unreadable":            func(dir string) error { return os.Chmod(dir+"/f", 0) },
		"a file that was not there":  func(dir string) error { return os.WriteFile(dir+"/none", nil, 0o644) },
		"a file in a directory":      func(dir string) error { return os.WriteFile(dir+"/d/x", nil, 0o644) },
		"a directory instead of one": func(dir string) error { return errors.Join(os.Remove(dir+"/f"), os.Mkdir(dir+"/f", 0o755)) },
	} {
		dir := t.TempDir()
		if err := errors.Join(os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644), os.Mkdir(filepath.Join(dir, "d"), 0o755)); err != nil {
			t.Fatal(err)
		}
		root, err := hostfs.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		w, other := New(root), New(root)
		if b, err := w.ReadFile("/f", 0); err != nil || string(b) != "x" {
			t.Fatalf("%q, %v", b, err)
		}
		if _, err := w.Open("/none"); !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if names, err := other.ReadDir("/d"); err != nil || len(names) != 0 {
			t.Fatal(names, err)
		}
		w.Join(other)
		if again := New(root); again.Same("/f", w) || w.Same("/none", w) || !w.Same("/f", w) || !w.Same("/d", other) {
			t.Errorf("%s: same", name)
		}
		if change != nil {
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
		}
		if w.Unchanged() != (change == nil) {
			t.Errorf("%s: unchanged is %v", name, w.Unchanged())
		}
		if w.Root() != root {
			t.Error("another root")
		}
	}
}
