package image

import "testing"

func TestOf(t *testing.T) {
	root := Of(t, map[string]string{"/etc/a/b": "one", "c": "two"})
	for name, want := range map[string]string{"/etc/a/b": "one", "/c": "two"} {
		if got, err := root.ReadFile(name, 0); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
