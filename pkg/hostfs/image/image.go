// Package image makes the images of hosts that tests of readers read.
package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
