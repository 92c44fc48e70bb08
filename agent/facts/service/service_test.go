package service

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs/image"
)

// host has a unit that starts, one that does not, one that is masked, and one that
// cannot be read.
func host(t *testing.T) fact.Env {
	t.Helper()
	root := image.Of(t, map[string]string{
		"/usr/lib/systemd/system/on.service":      "[Service]\nUser=nobody\n",
		"/usr/lib/systemd/system/off.service":     "[Service]\nExecStart=/x\n",
		"/usr/lib/systemd/system/masked.service":  "[Service]\n",
		"/etc/systemd/system/broken.service/file": "",
		"/etc/systemd/system/on.service.d/a.conf": "[Service]\nUser=\nUser=ann\n",
	})
	wants := root.Path("/etc/systemd/system/multi-user.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		filepath.Join(wants, "on.service"):              "/usr/lib/systemd/system/on.service",
		root.Path("/etc/systemd/system/masked.service"): "/dev/null",
	} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	return fact.Env{Root: root, Now: time.Now}
}

func TestRead(t *testing.T) {
	const etc = "/etc/systemd/system/"
	got := Read(t.Context(), host(t), "on.service", "off.service", "masked.service", "none.service", "broken.service")
	image := fact.Tri{Reason: "not the running system"}
	for _, want := range []State{
		{Unit: "on.service", Present: true, File: "/usr/lib/systemd/system/on.service", User: "ann", Active: image,
			Enabled: fact.Tri{Known: true, Yes: true, Reason: etc + "multi-user.target.wants/on.service"}},
		{Unit: "off.service", Present: true, File: "/usr/lib/systemd/system/off.service", Active: image,
			Enabled: fact.Tri{Known: true, Reason: "nothing starts off.service"}},
		{Unit: "masked.service", Present: true, Masked: true, File: etc + "masked.service", Active: image,
			Enabled: fact.Tri{Known: true, Reason: "masked.service is masked by " + etc + "masked.service"}},
		{Unit: "none.service", Active: fact.Tri{Known: true, Reason: "there is no none.service"},
			Enabled: fact.Tri{Known: true, Reason: "there is no none.service"}},
	} {
		if got[want.Unit] != want {
			t.Errorf("got  %+v\nwant %+v", got[want.Unit], want)
		}
	}
	if b := got["broken.service"]; b.Enabled.Known || b.Active.Known || b.Enabled.Reason == "" || b.Active.Reason != b.Enabled.Reason {
		t.Errorf("broken: %+v", b)
	}
}

// TestNoBus: what starts at boot is known where systemd does not answer.
func TestNoBus(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	got := Read(t.Context(), fact.Env{Now: time.Now}, "systemd-journald.service")["systemd-journald.service"]
	if !got.Present || !got.Enabled.Known || got.Active.Known || got.Active.Reason == "" {
		t.Errorf("%+v", got)
	}
}

func TestFiles(t *testing.T) {
	files := Files("a.service", "b.timer")
	for _, want := range []string{"/etc/systemd/system/", "/usr/lib/systemd/system/a.service", "/run/systemd/system/b.timer"} {
		if !slices.Contains(files, want) {
			t.Errorf("%s is not in %q", want, files)
		}
	}
}
