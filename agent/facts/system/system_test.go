package system

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/distro"
	"seawall/pkg/hostfs"
	"seawall/pkg/rpmdb"
)

var today = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// tree makes a root of files.
func tree(t *testing.T, files map[string]string) string {
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
	return dir
}

func env(t *testing.T, dir string) fact.Env {
	t.Helper()
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: func() time.Time { return today }}
}

const bookworm = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION_CODENAME=bookworm
ID=debian
`

func TestRead(t *testing.T) {
	f := Read(context.Background(), env(t, tree(t, map[string]string{"etc/os-release": bookworm})))
	f.Meta.Took = 0
	want := Facts{
		Meta: fact.Meta{State: fact.StateKnown, Depends: slices.Concat([]string{"/etc/os-release", "/usr/lib/os-release",
			"/run/reboot-required", "/run/reboot-required.pkgs", "/var/lib/dpkg/status"}, rpmdb.Files(hostfs.Root{}), []string{"/usr/share/distro-info/debian.csv"})},
		ID: "debian", VersionID: "12", Codename: "bookworm", Name: "Debian GNU/Linux 12 (bookworm)", Family: "debian",
		Life: Life{State: LifeExtended, Ends: "2026-07-11", ExtendedEnds: "2028-06-30", ExtendedKind: "LTS", DaysLeft: -133,
			Source:  "https://wiki.debian.org/LTS, as of 2026-11-21",
			Reason:  "standard support ended on 2026-07-11, LTS support ends on 2028-06-30",
			Upgrade: "debian 13 by apt full-upgrade with the new release in the sources, as its release notes say", UpgradeTo: "debian 13", UpgradeTool: "apt",
			Covered: fact.Tri{Known: true, Yes: true, Reason: "LTS is free and comes from the same archive"}},
	}
	want.Reboot.Required.Reason = "an image is not running"
	want.Reboot.Packages, want.Reboot.Evidence = f.Reboot.Packages, f.Reboot.Evidence
	if d := cmp.Diff(want, f); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestDistroInfoIsHeard(t *testing.T) {
	const name = "usr/share/distro-info/debian.csv"
	dir := tree(t, map[string]string{
		"usr/lib/os-release": strings.ReplaceAll(bookworm, "12", "99"),
		name:                 "version,codename,series,created,release,eol,eol-lts\n99,X,x,2026-01-01,2026-01-01,2027-01-01,2029-01-01\n",
	})
	touch := func(at time.Time) {
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	touch(today.AddDate(0, -1, 0))
	if l := Read(context.Background(), env(t, dir)).Life; l.State != LifeEnding || l.Ends != "2027-01-01" || l.DaysLeft != 41 {
		t.Errorf("%+v, want ending on 2027-01-01", l)
	}
	touch(today.AddDate(-2, 0, 0))
	if l := Read(context.Background(), env(t, dir)).Life; l.State != LifeUnknown || l.Reason == "" {
		t.Errorf("with a file two years old: %+v, want unknown", l)
	}
}

// TestNewerTable: a table that a newer package brought is believed.
func TestNewerTable(t *testing.T) {
	e := env(t, tree(t, map[string]string{"etc/os-release": bookworm}))
	e.Now = func() time.Time { return today.AddDate(1, 0, 0) }
	o := distro.ParseOS([]byte(bookworm))
	if l := life(e, o, []byte("# 2027-11-01\ndebian\t12\t2026-07-11\t2028-12-31\tLTS\thttps://x\tdebian 14\tapt\n")); l.ExtendedEnds != "2028-12-31" || l.UpgradeTo != "debian 14" {
		t.Errorf("%+v", l)
	}
	e.Now = func() time.Time { return today.AddDate(2, 0, 0) }
	if l := life(e, o, nil); l.State != LifeUnknown || !strings.Contains(l.Reason, "too old") {
		t.Errorf("two years later with the built-in table: %+v, want unknown", l)
	}
}

func TestNoOSRelease(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"missing": {"etc/hostname": "x"}, "without ID": {"etc/os-release": "NAME=x\n"}, "empty": {"etc/os-release": ""},
	} {
		f := Read(context.Background(), env(t, tree(t, files)))
		if f.Meta.State != fact.StateUnknown || f.Meta.Reason == "" || f.Life.State != LifeUnknown {
			t.Errorf("%s: %+v %+v, want unknown with a reason", name, f.Meta, f.Life)
		}
	}
}

func TestHostileOSRelease(t *testing.T) {
	dir := tree(t, map[string]string{"etc/hostname": "x"})
	if err := syscall.Mkfifo(filepath.Join(dir, "etc/os-release"), 0o644); err != nil {
		t.Fatal(err)
	}
	if f := Read(context.Background(), env(t, dir)); f.Meta.State != fact.StateError || !strings.Contains(f.Meta.Reason, "FIFO") {
		t.Errorf("FIFO: %+v, want an error", f.Meta)
	}
	dir = tree(t, map[string]string{"etc/os-release": "ID=debian\nPRETTY_NAME=\"" + strings.Repeat("x", 1<<21) + "\"\n"})
	if f := Read(context.Background(), env(t, dir)); f.Meta.State != fact.StateError {
		t.Errorf("2 MB: %+v, want an error", f.Meta)
	}
	dir = tree(t, map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=13\nPRETTY_NAME=\"\xff" + strings.Repeat("x", 10_000) + "\"\n"})
	if f := Read(context.Background(), env(t, dir)); len(f.Name) > maxWord || !strings.HasPrefix(f.Name, `\xff`) {
		t.Errorf("name of %d bytes: %.20q", len(f.Name), f.Name)
	}
}

// TestThisHost only says that the running system is read without trouble.
func TestThisHost(t *testing.T) {
	f := Read(context.Background(), fact.Env{Now: time.Now})
	if f.Meta.State != fact.StateKnown {
		t.Fatalf("%+v", f.Meta)
	}
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		t.Fatal(err)
	}
	var release strings.Builder
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		release.WriteByte(byte(c))
	}
	if !strings.HasPrefix(f.Reboot.Running, release.String()) {
		t.Errorf("running kernel %q, uname says %q", f.Reboot.Running, release.String())
	}
	if !f.Reboot.Required.Known && f.Reboot.Required.Reason == "" {
		t.Errorf("reboot neither known nor explained: %+v", f.Reboot)
	}
}
