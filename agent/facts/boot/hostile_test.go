package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// TestHostile puts what does not end, or is not a file, in the place of each file
// that is read. The reader goes on at once and says so.
func TestHostile(t *testing.T) {
	for kind, put := range map[string]func(string) error{
		"a FIFO":    func(p string) error { return unix.Mkfifo(p, 0o644) },
		"a loop":    func(p string) error { return os.Symlink(filepath.Base(p), p) },
		"a folder":  func(p string) error { return os.Mkdir(p, 0o755) },
		"long line": func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("password root x ", 1<<17)), 0o644) },
	} {
		dir := t.TempDir()
		for _, name := range []string{"boot/grub/grub.cfg", "boot/grub/user.cfg", "boot/vmlinuz-6.1", "etc/default/grub",
			"usr/lib/systemd/system/rescue.service", "usr/lib/systemd/system/debug-shell.service", "usr/lib/systemd/system/ctrl-alt-del.target"} {
			name = filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := put(name); err != nil {
				t.Fatal(err)
			}
		}
		root, err := hostfs.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		f := Read(t.Context(), fact.Env{Root: root, Now: time.Now})
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s: took %v", kind, took)
		}
		if !f.Grub.Installed || f.Grub.Known || f.Grub.Reason == "" || f.NextKnown || f.Reason == "" {
			t.Errorf("%s: %+v, %s", kind, f.Grub, f.Reason)
		}
		if f.DebugShell.Known || f.CtrlAltDel.Known || len(f.Rescue) != 1 || f.Rescue[0].Asks.Known {
			t.Errorf("%s: %+v %+v %+v", kind, f.DebugShell, f.CtrlAltDel, f.Rescue)
		}
	}
}
