// Package image makes the images of hosts that tests of readers read.
package image

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// Of returns a host of the files, by name, for as long as the test runs. A name that
// ends in "/" is a directory.
func Of(t testing.TB, files map[string]string) hostfs.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		folder := strings.HasSuffix(name, "/")
		name = filepath.Join(dir, name)
		if folder {
			if err := os.MkdirAll(name, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// Exact is Of where modes and links count: the name "600 /etc/x" sets a mode, and the
// content "@TARGET" makes a link.
func Exact(t testing.TB, files map[string]string) hostfs.Root {
	t.Helper()
	root := Of(t, nil)
	for name, content := range files {
		mode := uint32(0o644)
		if m, rest, ok := strings.Cut(name, " "); ok {
			if _, err := fmt.Sscanf(m, "%o", &mode); err != nil {
				t.Fatal(err)
			}
			name = rest
		}
		Put(t, root, func(file string) error {
			if to, ok := strings.CutPrefix(content, "@"); ok {
				return os.Symlink(to, file)
			}
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				return err
			}
			return unix.Chmod(file, mode)
		}, name)
	}
	return root
}

// Put puts something in the place of files of a host.
func Put(t testing.TB, root hostfs.Root, put func(file string) error, names ...string) {
	t.Helper()
	for _, name := range names {
		name = filepath.Join(root.Path("/"), name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := put(name); err != nil {
			t.Fatal(err)
		}
	}
}

// Hostile are things to put in the place of a file: what does not end, or is no file;
// text is what a file of one long line repeats, about 2 MB of it.
func Hostile(text string) map[string]func(file string) error {
	return map[string]func(string) error{
		"a FIFO":    func(p string) error { return unix.Mkfifo(p, 0o644) },
		"a loop":    func(p string) error { return os.Symlink(filepath.Base(p), p) },
		"a folder":  func(p string) error { return os.Mkdir(p, 0o755) },
		"long line": func(p string) error { return os.WriteFile(p, []byte(strings.Repeat(text, 2<<20/len(text))), 0o644) },
	}
}
