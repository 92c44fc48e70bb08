package image

import "testing"

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
