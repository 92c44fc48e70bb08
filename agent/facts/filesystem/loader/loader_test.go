package loader

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs/image"
)

func TestReadPreload(t *testing.T) {
	p := ReadPreload(image.Of(t, map[string]string{"etc/ld.so.preload": "# x\n/lib/a.so:/lib/b.so # y\n\n/lib/c.so\t/lib/d.so\n"}))
	var got []string
	for _, l := range p.Libraries {
		got = append(got, fmt.Sprint(l.Value, " ", l.Line))
	}
	if diff := cmp.Diff([]string{"/lib/a.so 2", "/lib/b.so 2", "/lib/c.so 4", "/lib/d.so 4"}, got); diff != "" || !p.Known {
		t.Error(p.Known, diff)
	}
	if p := ReadPreload(image.Of(t, nil)); !p.Known || len(p.Libraries) != 0 {
		t.Errorf("without the file: %+v", p)
	}
}

// TestDirectories: what files include is read in their place, and nothing of hidden
// files.
func TestDirectories(t *testing.T) {
	directories, files, left := Directories(image.Of(t, map[string]string{"etc/ld.so.conf": "include ld.so.conf.d/*.conf\n/last\n", "etc/ld.so.conf.d/.hidden.conf": "/none\n",
		"etc/ld.so.conf.d/x.conf": "# c\n/opt/lib/ # d\nhwcap 1 x\n/usr/lib=libc6\nrelative\n", "etc/ld.so.conf.d/y.txt": "/none\n"}))
	var got []string
	for _, d := range directories {
		got = append(got, fmt.Sprintf("%s %s:%d", d.Value, d.File, d.Line))
	}
	want := []string{"/opt/lib /etc/ld.so.conf.d/x.conf:2", "/usr/lib /etc/ld.so.conf.d/x.conf:4", "/last /etc/ld.so.conf:2"}
	if diff := cmp.Diff(want, got); diff != "" || left != "" {
		t.Error(diff, left)
	}
	if diff := cmp.Diff([]string{"/etc/ld.so.conf", "/etc/ld.so.conf.d/x.conf"}, files); diff != "" {
		t.Error(diff)
	}
}

// TestBounds: what is left out is said, and nothing else.
func TestBounds(t *testing.T) {
	for name, tt := range map[string]struct {
		most int
		text func(n int) string
	}{
		"directories": {maxList, func(n int) string { return strings.Repeat("/lib\n", n) }},
		"patterns":    {maxIncludes, func(n int) string { return strings.Repeat("include none\n", n) }},
		"one line":    {maxIncludes - 1, func(n int) string { return "include" + strings.Repeat(" none", n) }},
	} {
		for more, want := range []string{"", "names more than"} {
			_, _, left := Directories(image.Of(t, map[string]string{"etc/ld.so.conf": tt.text(tt.most + more)}))
			if !strings.Contains(left, want) || want == "" && left != "" {
				t.Errorf("%s, %d more: %q", name, more, left)
			}
		}
	}
	for more, want := range []string{"", "names more than"} {
		files := map[string]string{"etc/ld.so.conf": "include x/*.conf\n", "etc/x/README": ""}
		for i := range maxIncludes - 1 + more {
			files[fmt.Sprintf("etc/x/%d.conf", i)] = ""
		}
		if _, read, left := Directories(image.Of(t, files)); len(read) != maxIncludes || !strings.Contains(left, want) || want == "" && left != "" {
			t.Errorf("%d more: %d files, %q", more, len(read), left)
		}
	}
}

// TestHostile: files that include each other without end, and a FIFO.
func TestHostile(t *testing.T) {
	root := image.Of(t, map[string]string{"etc/ld.so.conf": strings.Repeat("include /etc/ld.so.conf\ninclude *\n", 300) + strings.Repeat("/x\n", 100_000), "etc/b": "include ld.so.conf\n"})
	if err := unix.Mkfifo(filepath.Join(root.Path("/etc"), "ld.so.preload"), 0o644); err != nil {
		t.Fatal(err)
	}
	if directories, files, left := Directories(root); len(directories) > maxList || len(files) > 2 || left == "" {
		t.Errorf("%d directories of %d files, %q", len(directories), len(files), left)
	}
	if p := ReadPreload(root); p.Known || p.Reason == "" {
		t.Errorf("of a FIFO: %+v", p)
	}
}

// FuzzRead: whatever the files say, the lists are bounded and have lines.
func FuzzRead(f *testing.F) {
	f.Add("include *.conf\n/lib\n", "/lib/a.so:/lib/b.so # c\n")
	f.Add("include\ninclude /\ninclude [\n", "\x00:\xff")
	f.Fuzz(func(t *testing.T, conf, preload string) {
		root := image.Of(t, map[string]string{"etc/ld.so.conf": conf, "etc/ld.so.preload": preload})
		directories, _, _ := Directories(root)
		p := ReadPreload(root)
		if len(directories) > maxList || len(p.Libraries) > maxList {
			t.Errorf("%d directories, %d libraries", len(directories), len(p.Libraries))
		}
		for _, one := range append(directories, p.Libraries...) {
			if one.Line < 1 || one.File == "" {
				t.Errorf("%+v has no place", one)
			}
		}
	})
}
