package boot

import (
	"testing"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs/image"
)

// TestHostile puts what does not end, or is not a file, in the place of each file
// that is read. The reader goes on at once and says so.
func TestHostile(t *testing.T) {
	hostile := image.Hostile("password root x ")
	for kind, put := range hostile {
		root := image.Of(t, nil)
		image.Put(t, root, put, "boot/grub/grub.cfg", "boot/grub/user.cfg", "boot/vmlinuz-6.1", "etc/default/grub",
			"usr/lib/systemd/system/rescue.service", "usr/lib/systemd/system/debug-shell.service", "usr/lib/systemd/system/ctrl-alt-del.target")
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
