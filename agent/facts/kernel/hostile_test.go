package kernel

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"seawall/pkg/hostfs/image"
)

// TestHostile puts what does not end, or is not a file, in the place of each file
// that is read. The reader goes on at once and says so.
func TestHostile(t *testing.T) {
	hostile := image.Hostile("x")
	hostile["binary"] = func(p string) error { return os.WriteFile(p, []byte("\xff\xfe=\x00\n\x1b[2J = \x1b[2J\n"), 0o644) }
	for kind, put := range hostile {
		root := image.Of(t, nil)
		image.Put(t, root, put, "etc/sysctl.d/a.conf", "etc/sysctl.conf", "etc/ufw/ufw.conf", "etc/default/ufw", "etc/modprobe.d/a.conf", "etc/security/limits.conf",
			"etc/security/limits.d/a.conf", "etc/systemd/coredump.conf", "etc/selinux/config", "etc/default/apport", "usr/share/apport/apport",
			"usr/lib/systemd/systemd-sysctl", "lib/modules/6.1/modules.dep", "etc/os-release")
		begin := time.Now()
		f := Read(t.Context(), env(root), nil)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s: took %v", kind, took)
		}
		if kind == "binary" {
			if said := fmt.Sprint(f); strings.Contains(said, "\x00") {
				t.Errorf("%s: %q", kind, said)
			}
			continue
		}
		if f.Config.Known || len(f.Core.Problems) == 0 || f.Modules["cramfs"].InstallNone || f.Core.LimitZero {
			t.Errorf("%s: %+v, %+v", kind, f.Config, f.Core)
		}
		if !f.MAC.SELinux.Installed || f.MAC.SELinux.Reason == "" && kind != "long line" {
			t.Errorf("%s: %+v", kind, f.MAC.SELinux)
		}
	}
}

// TestMany: tens of thousands of lines, files and settings are bounded.
func TestMany(t *testing.T) {
	files := map[string]string{"etc/security/limits.conf": strings.Repeat("* hard core 1\n", 50000)}
	for i := range 600 {
		files[fmt.Sprintf("etc/sysctl.d/%03d.conf", i)] = strings.Repeat(fmt.Sprintf("a.{b,c}*.%d = 1\nkernel.x%d = 1\n", i, i), 20)
		files[fmt.Sprintf("etc/modprobe.d/%03d.conf", i)] = strings.Repeat(fmt.Sprintf("install m%d* /bin/false\nblacklist n%d\n", i, i), 20)
	}
	begin := time.Now()
	f := read(t, files)
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	if f.Config.Known || len(f.Config.Problems) == 0 {
		t.Errorf("%+v", f.Config.Problems)
	}
}
