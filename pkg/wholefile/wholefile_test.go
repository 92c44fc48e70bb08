package wholefile

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWrite(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "x")
	for i, mode := range []fs.FileMode{0o600, 0o644, 0o640} {
		text := string(rune('a' + i))
		if err := Write(name, []byte(text), mode, nil); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%v, %v", info, err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := Write(filepath.Join(name, "y"), nil, 0o600, nil); err == nil || err.Error() != "open "+name+"/y: not a directory" {
		t.Errorf("a file is a folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(folder, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(folder, "full"), nil, 0o600, nil); err == nil || err.Error() != "replace "+folder+"/full: file exists" {
		t.Errorf("a folder is replaced: %v", err)
	}
	if left, _ := filepath.Glob(folder + "/.*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestOwner gives a file to whom another belongs, which only root may.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	folder := t.TempDir()
	if err := os.Chown(folder, 1, 2); err != nil {
		t.Fatal(err)
	}
	like, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, "x")
	if err := Write(name, []byte("x"), 0o640, like); err != nil {
		t.Fatal(err)
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(name, &stat); err != nil || stat.Uid != 1 || stat.Gid != 2 || stat.Mode&0o777 != 0o640 {
		t.Errorf("%+v, %v", stat, err)
	}
}
