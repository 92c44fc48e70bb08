// Package image makes the images of hosts that tests of readers read.
package image

import (
	"os"
	"path/filepath"
	"testing"

	"seawall/pkg/hostfs"
)

// Of returns a host of the files, by name, for as long as the test runs.
func Of(t testing.TB, files map[string]string) hostfs.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
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
