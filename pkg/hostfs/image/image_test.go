package image

import (
	"os"
	"testing"
)

func TestOf(t *testing.T) {
	root := Of(t, map[string]string{"/etc/a/b": "one", "c": "two", "/d/e/": ""})
	for name, want := range map[string]string{"/etc/a/b": "one", "/c": "two"} {
		if got, err := root.ReadFile(name, 0); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if fi, err := root.Stat("/d/e"); err != nil || !fi.IsDir() {
		t.Errorf("a name that ends in a slash is no directory: %v", err)
	}
}

func TestExact(t *testing.T) {
	root := Exact(t, map[string]string{"600 /etc/key": "k", "/etc/link": "@key", "4755 usr/bin/x": ""})
	for name, want := range map[string]os.FileMode{"/etc/key": 0o600, "/etc/link": 0o600, "/usr/bin/x": 0o755 | os.ModeSetuid} {
		if fi, err := root.Stat(name); err != nil || fi.Mode() != want {
			t.Errorf("%s: %v, %v", name, fi, err)
		}
	}
	if to, err := root.Readlink("/etc/link"); err != nil || to != "key" {
		t.Errorf("got a link to %q, %v", to, err)
	}
}

// TestHostile: none of it is a file of ordinary size.
func TestHostile(t *testing.T) {
	for kind, put := range Hostile("word ") {
		root := Of(t, nil)
		Put(t, root, put, "etc/a/b", "c")
		for _, name := range []string{"/etc/a/b", "/c"} {
			if _, err := root.ReadFile(name, 0); err == nil {
				t.Errorf("%s is read in place of %s", kind, name)
			}
		}
	}
}
