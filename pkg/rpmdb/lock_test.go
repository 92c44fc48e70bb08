package rpmdb

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// TestLocked takes rpm's lock as rpm does.
func TestLocked(t *testing.T) {
	folder := t.TempDir()
	var live hostfs.Root
	if locked(live, folder) {
		t.Error("there is no lock file")
	}
	f, err := os.Create(filepath.Join(folder, lockName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	set := func(kind int16) {
		t.Helper()
		if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: kind}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		kind int16
		want bool
	}{{unix.F_UNLCK, false}, {unix.F_RDLCK, false}, {unix.F_WRLCK, true}, {unix.F_UNLCK, false}} {
		set(tt.kind)
		if got := locked(live, folder); got != tt.want {
			t.Errorf("lock of type %d: %v, want %v", tt.kind, got, tt.want)
		}
	}
	set(unix.F_WRLCK)
	image, err := hostfs.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if locked(image, "/") {
		t.Error("an image has no locks")
	}
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"", "\n\n", "1: -> POSIX ADVISORY WRITE 1 2 3\n", "1: POSIX ADVISORY WRITE\n"} {
		if held([]byte(list), stateOf(fi)) {
			t.Errorf("%q", list)
		}
	}
}
