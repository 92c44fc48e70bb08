package witness

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"seawall/pkg/audit"
	"seawall/pkg/effect"
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
		w := newWatched(names)
		for range 10 {
			asked, want := name.Draw(t, "asked"), false
			for _, n := range names {
				want = want || path.Clean(n) == asked || strings.HasPrefix(path.Clean(n), asked+"/") ||
					strings.HasSuffix(n, "/") && strings.HasPrefix(asked, n)
			}
			if got := w.has([]byte(asked)); got != want {
				t.Fatalf("%s of %q: %v, want %v", asked, names, got, want)
			}
		}
		if w.has(nil) || w.has([]byte("/")) {
			t.Fatal("nothing, or the root, is watched")
		}
	})
}

// TestLocate finds a directory that the kernel told by number alone, and one that took its
// place.
func TestLocate(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "sub")
	w := newWatched([]string{sub + "/file"})
	change := func() *effect.Change {
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Stat(sub, &st); err != nil {
			t.Fatal(err)
		}
		return &effect.Change{Path: "file", Relative: true, Dir: st.Ino, DirDev: [2]uint32{unix.Major(st.Dev), unix.Minor(st.Dev)}}
	}
	now := time.Unix(1795289500, 0)
	if got, want := w.locate(change(), now), sub+"/file"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := os.Rename(sub, sub+".old"); err != nil {
		t.Fatal(err)
	}
	again := change()
	if got := w.locate(again, now.Add(oldDirs/2)); got != "" {
		t.Errorf("at once: %q", got)
	}
	if got, want := w.locate(again, now.Add(2*oldDirs)), sub+"/file"; got != want {
		t.Errorf("later: %q, want %q", got, want)
	}
}

// TestConcernsAllocatesNothing: most events change what nobody asked for.
func TestConcernsAllocatesNothing(t *testing.T) {
	w := newWatched([]string{"/etc/ssh/sshd_config", "/etc/pam.d/"})
	e := &audit.Event{HasSyscall: true, Success: true, Arch: 0xc000003e, Syscall: 257, CWD: []byte("/srv"), Args: [4]uint64{0xffffff9c, 0, 1},
		Paths: []audit.Path{{Name: []byte("data/file"), Nametype: audit.NametypeNormal}}}
	var buf []byte
	var may bool
	if n := testing.AllocsPerRun(100, func() { may, buf = w.concerns(e, buf) }); n > 0 || may {
		t.Errorf("%v allocations, %v", n, may)
	}
	for _, name := range []string{"/etc/pam.d/sshd", "/etc/ssh", "../etc/ssh//sshd_config"} {
		e.Paths[0].Name = []byte(name)
		if may, _ = w.concerns(e, nil); !may {
			t.Errorf("%s does not matter", name)
		}
	}
	e.Paths[0].Name, e.Args[0] = []byte("sshd"), 5
	if may, _ = w.concerns(e, nil); !may {
		t.Error("a file below a directory that the kernel did not name does not matter")
	}
}
