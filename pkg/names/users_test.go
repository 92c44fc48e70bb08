package names

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"seawall/pkg/hostfs"
)

func TestUsers(t *testing.T) {
	dir := t.TempDir()
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	passwd := func(text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "etc/passwd"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		u := Users{Root: root}
		if got := u.Name(0); got != "" {
			t.Errorf("without a file: %q", got)
		}
		passwd("root:x:0:0::/root:/bin/sh\ntoor:x:0:0\n:x:5:\nx\n\xff:y:7\nbig:x:4294967296:\nann:x:1000:")
		<-time.After(lookSoon)
		for id, want := range map[uint32]string{0: "root", 5: "", 7: "\xff", 1000: "ann", 4294967295: ""} {
			if got := u.Name(id); got != want {
				t.Errorf("%d: got %q, want %q", id, got, want)
			}
		}
		passwd("root:x:0:0::/root:/bin/sh\nbob:x:1000:\nnew:x:1001:")
		if got := u.Name(1000); got != "ann" {
			t.Errorf("looked at once: %q", got)
		}
		<-time.After(lookSoon)
		if got := u.Name(1001); got != "new" || u.Name(1000) != "bob" {
			t.Errorf("a new user: %q", got)
		}
		if err := os.Remove(filepath.Join(dir, "etc/passwd")); err != nil {
			t.Fatal(err)
		}
		<-time.After(lookAgain)
		if got := u.Name(1000); got != "bob" {
			t.Errorf("while the file is replaced: %q", got)
		}
	})
}
