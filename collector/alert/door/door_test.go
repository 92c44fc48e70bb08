package door

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestListen: in a folder of any length; a socket that was left is replaced, and
// nothing else is.
func TestListen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	for range 2 {
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
			t.Fatalf("%v, %v", info, err)
		}
		done := make(chan error, 1)
		go func() {
			c, err := l.Accept()
			if err == nil {
				err = c.Close()
			}
			done <- err
		}()
		c, err := Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	if _, err := Dial(t.Context(), path); err == nil {
		t.Error("nobody listens, and there is a connection")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file); err == nil {
		t.Error("a file was replaced")
	}
	if _, err := Listen(filepath.Join(dir, "none", "s")); err == nil {
		t.Error("a folder that is not there")
	}
}
