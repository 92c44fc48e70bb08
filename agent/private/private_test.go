package private

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWriteAndRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	for _, text := range []string{"one", "another, longer", ""} {
		if err := WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		b, err := ReadFile(name, 100)
		if err != nil || string(b) != text {
			t.Errorf("%q, %v; want %q", b, err, text)
		}
	}
	fi, err := os.Stat(name)
	if err != nil || fi.Mode() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestReadFileRefuses gives it what may be in the place of a private file.
func TestReadFileRefuses(t *testing.T) {
	tests := []struct {
		name string
		make func(name string) error
		want string
	}{
		{"open to its group", func(name string) error { return os.WriteFile(name, nil, 0o640) }, "chmod 600"},
		{"open to all", func(name string) error { return os.WriteFile(name, nil, 0o604) }, "chmod 600"},
		{"link", func(name string) error {
			return errors.Join(os.WriteFile(name+"2", nil, 0o600), os.Symlink(name+"2", name))
		}, "symbolic link"},
		{"directory", func(name string) error { return os.Mkdir(name, 0o700) }, "plain file"},
		{"pipe that nobody writes", func(name string) error { return syscall.Mkfifo(name, 0o600) }, "plain file"},
		{"too large", func(name string) error { return os.WriteFile(name, make([]byte, 101), 0o600) }, "larger than 100"},
		{"somebody else's", func(name string) error {
			return errors.Join(os.WriteFile(name, nil, 0o600), os.Chown(name, 12345, 12345))
		}, "belongs to user 12345"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			if err := tt.make(name); err != nil {
				t.Fatal(err)
			}
			b, err := ReadFile(name, 100)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q, %v; want %q", b, err, tt.want)
			}
		})
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none"), 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

// TestRootWritesForTheOwner checks whose a file is that root writes beside a
// service of another user.
func TestRootWritesForTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 12345, 12346); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "key")
	if err := WriteFile(name, []byte("x")); err != nil {
		t.Fatal(err)
	}
	lock, err := Lock(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for _, file := range []string{name, filepath.Join(dir, "lock")} {
		var stat syscall.Stat_t
		if err := syscall.Stat(file, &stat); err != nil || stat.Uid != 12345 || stat.Gid != 12346 {
			t.Errorf("%s belongs to %d:%d, %v", file, stat.Uid, stat.Gid, err)
		}
	}
	if _, err := ReadFile(name, 10); err != nil {
		t.Error(err)
	}
}

// TestRootGivesNothingAway puts a link to a file of root's where root locks.
func TestRootGivesNothingAway(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "shadow")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, link := range []func(from, to string) error{os.Link, os.Symlink} {
		dir := t.TempDir()
		name := filepath.Join(dir, "lock")
		if err := errors.Join(link(secret, name), os.Chown(dir, 12345, 12345)); err != nil {
			t.Fatal(err)
		}
		if lock, err := Lock(name); err == nil {
			lock.Close()
			t.Error("locked what is linked to")
		}
		var stat syscall.Stat_t
		if err := syscall.Stat(secret, &stat); err != nil || stat.Uid != 0 {
			t.Errorf("root's file belongs to %d, %v", stat.Uid, err)
		}
	}
}

// TestWriteFileKeepsTheOld checks that a write that fails changes nothing.
func TestWriteFileKeepsTheOld(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	if err := WriteFile(name, []byte("old")); err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	small := syscall.Rlimit{Cur: 10, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(name, bytes.Repeat([]byte("new"), 100))
	if undo := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); undo != nil {
		t.Fatal(undo)
	}
	if err == nil {
		t.Error("a file beyond the limit was written")
	}
	b, err := ReadFile(name, 1000)
	if err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(name)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// TestWriteFileNames: an error is the same each time, and has no temporary name.
func TestWriteFileNames(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none", "state")
	first, second := WriteFile(name, nil), WriteFile(name, nil)
	if first == nil || second == nil || first.Error() != second.Error() || strings.Contains(first.Error(), "state-") {
		t.Errorf("%v, then %v", first, second)
	}
}

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	lock, err := Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(name); !errors.Is(err, ErrBusy) {
		t.Errorf("a second time: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if lock, err = Lock(name); err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	lock.Close()
	if _, err := Lock(filepath.Join(name, "below")); err == nil || errors.Is(err, ErrBusy) {
		t.Errorf("below a file: %v", err)
	}
}

func TestWipe(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "key")
	for _, file := range []string{"key", ".key-123", "key2", ".key2-1"} {
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := Wipe(name); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}
