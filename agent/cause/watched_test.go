package cause

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// TestHas compares with the definition, which walks all names.
func TestHas(t *testing.T) {
	name := rapid.Custom(func(t *rapid.T) string {
		return "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab"}), 1, 4).Draw(t, "parts"), "/")
	})
	rapid.Check(t, func(t *rapid.T) {
		var names []string
		for range rapid.IntRange(0, 8).Draw(t, "names") {
			names = append(names, name.Draw(t, "name")+rapid.SampledFrom([]string{"", "/"}).Draw(t, "tree"))
		}
		w := Watch(names)
		for range 10 {
			asked, want := name.Draw(t, "asked"), false
			for _, n := range names {
				want = want || path.Clean(n) == asked || strings.HasPrefix(path.Clean(n), asked+"/") ||
					strings.HasSuffix(n, "/") && strings.HasPrefix(asked, n)
			}
			if got := w.Has([]byte(asked)); got != want {
				t.Fatalf("%s of %q: %v, want %v", asked, names, got, want)
			}
		}
		if w.Has(nil) || w.Has([]byte("/")) {
			t.Fatal("nothing, or the root, is watched")
		}
	})
}

// TestLocate finds a directory that the kernel told by number alone, and one that took its
// place.
func TestLocate(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "sub")
	w := Watch([]string{sub + "/file"})
	change := func() unix.Stat_t {
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Stat(sub, &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	locate := func(st unix.Stat_t, now time.Time) string {
		return w.Locate(st.Ino, [2]uint32{unix.Major(st.Dev), unix.Minor(st.Dev)}, "file", now)
	}
	now := time.Unix(1795289500, 0)
	if got, want := locate(change(), now), sub+"/file"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := os.Rename(sub, sub+".old"); err != nil {
		t.Fatal(err)
	}
	again := change()
	if got := locate(again, now.Add(oldDirs/2)); got != "" {
		t.Errorf("at once: %q", got)
	}
	if got, want := locate(again, now.Add(2*oldDirs)), sub+"/file"; got != want {
		t.Errorf("later: %q, want %q", got, want)
	}
}
