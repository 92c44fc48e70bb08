package deb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/pkg/dpkg"
)

const (
	fx2Security = "var/lib/apt/lists/security.ubuntu.com_ubuntu_dists_noble-security_"
	fx2Updates  = "var/lib/apt/lists/archive.ubuntu.com_ubuntu_dists_noble-updates_"
)

func replace(t *testing.T, dir, name, old, new string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("%s has no %q", name, old)
	}
	write(t, dir, name, strings.Replace(string(b), old, new, 1))
}

func TestReaderKeepsItsAnswer(t *testing.T) {
	dir := unpack(t, "fx2")
	r, e := patch.NewReader(Read), env(t, dir)
	first := r.Read(context.Background(), e)
	e.Now = func() time.Time { return day.Add(time.Hour) }
	second := r.Read(context.Background(), e)
	if &second.Packages[0] != &first.Packages[0] {
		t.Error("read again though nothing changed")
	}
	if second.Metadata.AgeSeconds != first.Metadata.AgeSeconds+3600 {
		t.Errorf("age %d, an hour later %d", first.Metadata.AgeSeconds, second.Metadata.AgeSeconds)
	}
	// Each of these is seen, also what was not there before.
	for _, change := range []struct {
		name string
		do   func()
		want func(patch.Facts) bool
	}{
		{"status", func() {
			replace(t, dir, "var/lib/dpkg/status", "Version: 3.0.13-0ubuntu3.1", "Version: 3.0.13-0ubuntu3.9")
		},
			func(f patch.Facts) bool { return len(f.Packages) == 9 }},
		{"new preferences", func() { write(t, dir, "etc/apt/preferences", "Package: vim\nPin: release *\nPin-Priority: -1\n") },
			func(f patch.Facts) bool { return label(f, "vim") == patch.LabelPinned }},
		{"new file in a directory", func() { write(t, dir, "etc/apt/preferences.d/x", "Package: tar\nPin: release *\nPin-Priority: -1\n") },
			func(f patch.Facts) bool { return label(f, "tar") == patch.LabelPinned }},
		{"list", func() {
			replace(t, dir, fx2Security+"main_binary-i386_Packages", "3.0.13-0ubuntu3.5", "3.0.13-0ubuntu3.7")
		},
			func(f patch.Facts) bool { return fixed(f, "libssl3t64", "i386") == "3.0.13-0ubuntu3.7" }},
		{"release", func() { replace(t, dir, fx2Security+"Release", "Suite: noble-security", "Suite: noble") },
			func(f patch.Facts) bool { return f.Meta.State == fact.StateUnknown }},
	} {
		change.do()
		if f := r.Read(context.Background(), e); !change.want(f) {
			t.Errorf("%s: not seen: %+v", change.name, f)
		}
	}
}

func label(f patch.Facts, name string) string {
	for _, p := range f.Packages {
		if p.Name == name {
			return p.Label
		}
	}
	return ""
}

func fixed(f patch.Facts, name, arch string) string {
	for _, p := range f.Packages {
		if p.Name == name && p.Arch == arch {
			return p.Fixed
		}
	}
	return ""
}

func TestNoDatabase(t *testing.T) {
	dir := t.TempDir()
	if f := read(context.Background(), env(t, dir)); f.Meta.State != fact.StateAbsent || f.Meta.Reason != "no package database" {
		t.Errorf("empty root: %+v", f.Meta)
	}
}

// TestBroken damages fx2 in many ways: an error or unknown with a reason, the line
// where there is one, and never a number.
func TestBroken(t *testing.T) {
	const status = "var/lib/dpkg/status"
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		state  fact.State
		reason string
		file   string
		line   int
	}{
		{"status is a FIFO", func(t *testing.T, dir string) { fifo(t, dir, status) }, fact.StateError, "FIFO", "", 0},
		{"status is a directory", func(t *testing.T, dir string) {
			remove(t, dir, status)
			write(t, dir, status+"/x", "")
		}, fact.StateError, "directory", "", 0},
		{"status cut short", func(t *testing.T, dir string) { truncate(t, dir, status, 100) }, fact.StateError, "line 6: file ends within a line", "", 0},
		{"status empty", func(t *testing.T, dir string) { truncate(t, dir, status, 0) }, fact.StateError, "no package in it", "", 0},
		{"status garbage", func(t *testing.T, dir string) { write(t, dir, status, "Package: a\n\x00\xff\x1b[2J\n") }, fact.StateError, "line 2", "/" + status, 2},
		{"status with a line of 100 MB", func(t *testing.T, dir string) {
			truncate(t, dir, status, 0)
			truncate(t, dir, status, 100<<20)
		}, fact.StateError, "line 1: stanza is longer", "", 0},
		{"status with one package many times", func(t *testing.T, dir string) {
			write(t, dir, status, strings.Repeat("Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n", maxArchs+1))
		}, fact.StateError, "a is installed more than 64 times", "", 0},
		{"sources one line", func(t *testing.T, dir string) { write(t, dir, "etc/apt/sources.list", "# x\ndebb http://x y z\n") },
			fact.StateError, `type "debb"`, "/etc/apt/sources.list", 2},
		{"sources deb822", func(t *testing.T, dir string) {
			write(t, dir, "etc/apt/sources.list.d/x.sources", "Types: deb\nURIs: http://x\n")
		}, fact.StateError, "without Suites", "/etc/apt/sources.list.d/x.sources", 1},
		{"preferences", func(t *testing.T, dir string) {
			write(t, dir, "etc/apt/preferences", "Package: *\nPin: release a=x\nPin-Priority: high\n")
		}, fact.StateError, `priority "high"`, "/etc/apt/preferences", 1},
		{"no sources", func(t *testing.T, dir string) { remove(t, dir, "etc/apt") }, fact.StateUnknown, "no package source", "", 0},
		{"no lists directory", func(t *testing.T, dir string) { remove(t, dir, "var/lib/apt/lists") }, fact.StateUnknown, "no package lists", "", 0},
		{"no security release", func(t *testing.T, dir string) { remove(t, dir, fx2Security+"Release") }, fact.StateUnknown, "noble-security", "", 0},
		{"no security list", func(t *testing.T, dir string) {
			remove(t, dir, fx2Security+"main_binary-amd64_Packages.lz4")
			remove(t, dir, fx2Security+"main_binary-i386_Packages")
		}, fact.StateUnknown, "no package list for amd64, i386", "", 0},
		{"security list cut short", func(t *testing.T, dir string) {
			truncate(t, dir, fx2Security+"main_binary-amd64_Packages.lz4", 100)
		}, fact.StateError, "unexpected EOF", "", 0},
		{"security list garbage", func(t *testing.T, dir string) {
			write(t, dir, fx2Security+"main_binary-i386_Packages", "<html>\n")
		}, fact.StateError, "line 1", "", 0},
		{"security list is a FIFO", func(t *testing.T, dir string) { fifo(t, dir, fx2Security+"main_binary-i386_Packages") }, fact.StateError, "FIFO", "", 0},
		{"security list that is no lzma", func(t *testing.T, dir string) {
			remove(t, dir, fx2Security+"main_binary-i386_Packages")
			write(t, dir, fx2Security+"main_binary-i386_Packages.lzma", "x")
		}, fact.StateError, "unexpected EOF", "", 0},
		{"no architecture", func(t *testing.T, dir string) { remove(t, dir, "var/lib/dpkg/arch") }, fact.StateError, "architecture is not known", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := unpack(t, "fx2")
			tt.damage(t, dir)
			f := read(context.Background(), env(t, dir))
			if f.Meta.State != tt.state || !strings.Contains(f.Meta.Reason, tt.reason) {
				t.Errorf("state %s, reason %q; want %s with %q", f.Meta.State, f.Meta.Reason, tt.state, tt.reason)
			}
			if len(f.Packages) != 0 || f.OtherPending != 0 {
				t.Errorf("numbers from damage: %d and %d", len(f.Packages), f.OtherPending)
			}
			if tt.line > 0 && (len(f.Meta.Evidence) != 1 || f.Meta.Evidence[0].File != tt.file || f.Meta.Evidence[0].Line != tt.line) {
				t.Errorf("evidence %+v, want %s line %d", f.Meta.Evidence, tt.file, tt.line)
			}
		})
	}
}

// named makes the Release file name a list with a size.
func named(t *testing.T, dir, list string, size int) {
	t.Helper()
	replace(t, dir, fx2Security+"Release", "Suite:", fmt.Sprintf("SHA256:\n 00 %d %s\nSuite:", size, list))
}

// TestListsThatAreNotWhole: what the Release file names is there, and as long as it
// says, or nothing is said of what is pending.
func TestListsThatAreNotWhole(t *testing.T) {
	const i386, path = fx2Security + "main_binary-i386_Packages", "main/binary-i386/Packages"
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, dir string, size int)
		state  fact.State
		reason string
	}{
		{"whole", func(t *testing.T, dir string, size int) { named(t, dir, path, size) }, fact.StateKnown, ""},
		{"empty", func(t *testing.T, dir string, size int) {
			named(t, dir, path, size)
			truncate(t, dir, i386, 0)
		}, fact.StateError, "has 0 bytes"},
		{"cut between two entries", func(t *testing.T, dir string, size int) {
			write(t, dir, i386, "Package: x\nArchitecture: i386\nVersion: 1\n\n")
			named(t, dir, path, size)
		}, fact.StateError, "it is not whole"},
		{"cut within a line", func(t *testing.T, dir string, size int) { truncate(t, dir, i386, int64(size-2)) }, fact.StateError, "ends within a line"},
		{"removed", func(t *testing.T, dir string, size int) {
			named(t, dir, path, size)
			remove(t, dir, i386)
		}, fact.StateUnknown, path + " is not there"},
		{"removed, and no package has its architecture", func(t *testing.T, dir string, size int) {
			replace(t, dir, "var/lib/dpkg/arch", "i386", "i386\narmhf")
			named(t, dir, "main/binary-armhf/Packages", size)
		}, fact.StateKnown, ""},
		{"named for all and not fetched", func(t *testing.T, dir string, size int) { named(t, dir, "main/binary-all/Packages", size) }, fact.StateKnown, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := unpack(t, "fx2")
			fi, err := os.Stat(filepath.Join(dir, i386))
			if err != nil {
				t.Fatal(err)
			}
			tt.damage(t, dir, int(fi.Size()))
			f := read(context.Background(), env(t, dir))
			if f.Meta.State != tt.state || !strings.Contains(f.Meta.Reason, tt.reason) {
				t.Errorf("state %s, reason %q; want %s with %q", f.Meta.State, f.Meta.Reason, tt.state, tt.reason)
			}
			if known := tt.state == fact.StateKnown; known != (len(f.Packages) == 10) {
				t.Errorf("%d pending", len(f.Packages))
			}
		})
	}
}

// TestTooManyVersions: a list may not take memory and time without end.
func TestTooManyVersions(t *testing.T) {
	dir := unpack(t, "fx2")
	var b strings.Builder
	for i := range maxOffers + 10 {
		fmt.Fprintf(&b, "Package: libssl3t64\nArchitecture: i386\nVersion: %d\n\n", i)
	}
	write(t, dir, fx2Security+"main_binary-i386_Packages", b.String())
	f := read(context.Background(), env(t, dir))
	if f.Meta.State != fact.StateError || !strings.Contains(f.Meta.Reason, "too many versions of one package: libssl3t64") {
		t.Errorf("state %s, reason %q", f.Meta.State, f.Meta.Reason)
	}
}

// TestOtherListsMayBeBroken: the security answer stands, and the source says so.
func TestOtherListsMayBeBroken(t *testing.T) {
	dir := unpack(t, "fx2")
	truncate(t, dir, fx2Updates+"main_binary-amd64_Packages.lz4", 50)
	f := read(context.Background(), env(t, dir))
	if f.Meta.State != fact.StateKnown || len(f.Packages) != 10 {
		t.Fatalf("state %s %s, %d pending", f.Meta.State, f.Meta.Reason, len(f.Packages))
	}
	for _, s := range f.Sources {
		if broken := s.Suite == "noble-updates"; broken != (s.Reason != "") {
			t.Errorf("source %s %s: reason %q", s.URI, s.Suite, s.Reason)
		}
	}
}

func TestPinsAndESM(t *testing.T) {
	dir := unpack(t, "fx2")
	write(t, dir, "etc/apt/preferences.d/ubuntu-pro-esm-apps", "Package: *\nPin: release o=UbuntuESMApps, n=noble\nPin-Priority: never\n")
	write(t, dir, "etc/apt/preferences.d/10-openssl.pref", "# kept\n\nPackage: openssl\nPin: version 3.0.13-0ubuntu3.1\nPin-Priority: 1001\n")
	f := read(context.Background(), env(t, dir))
	for name, want := range map[string]string{"imagemagick": patch.LabelESM, "openssl": patch.LabelPinned, "vim": patch.LabelMasked} {
		if got := label(f, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for _, p := range f.Packages {
		if p.Name == "openssl" && (p.Candidate != p.Installed || !strings.Contains(p.Reason, "10-openssl.pref line 4: Pin: version 3.0.13")) {
			t.Errorf("openssl: candidate %s, reason %q", p.Candidate, p.Reason)
		}
	}
}

// TestESMOfAHostWithoutPro reads the second set of lists that Ubuntu keeps.
func TestESMOfAHostWithoutPro(t *testing.T) {
	dir := unpack(t, "fx2")
	remove(t, dir, "etc/apt/sources.list.d/ppa.list")
	const list = "var/lib/apt/lists/esm.ubuntu.com_apps_ubuntu_dists_noble-apps-security_"
	for _, name := range []string{"Release", "main_binary-amd64_Packages"} {
		b, err := os.ReadFile(filepath.Join(dir, list+name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, esmBase+"/"+list+name, string(b))
	}
	write(t, dir, esmBase+"/etc/apt/sources.list.d/ubuntu-esm-apps.sources",
		"Types: deb\nURIs: https://esm.ubuntu.com/apps/ubuntu\nSuites: noble-apps-security\nComponents: main\n")
	f := read(context.Background(), env(t, dir))
	if got := label(f, "imagemagick"); got != patch.LabelESM || len(f.Packages) != 10 {
		t.Errorf("imagemagick is %q of %d pending, want %s of 10", got, len(f.Packages), patch.LabelESM)
	}
	for _, p := range f.Packages {
		if p.Name == "imagemagick" && (p.Candidate != p.Installed || p.Origin != "UbuntuESMApps/noble-apps-security") {
			t.Errorf("imagemagick: %+v", p)
		}
	}
	if n := len(f.Sources); f.Sources[n-1].Reason != "Ubuntu Pro is not enabled" {
		t.Errorf("last source: %+v", f.Sources[n-1])
	}
}

func TestStoppedReading(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if f := read(ctx, env(t, unpack(t, "fx2"))); f.Meta.State != fact.StateUnknown || len(f.Packages) != 0 {
		t.Errorf("state %s %s, %d pending; want unknown", f.Meta.State, f.Meta.Reason, len(f.Packages))
	}
}

func TestHostileNames(t *testing.T) {
	dir := unpack(t, "fx2")
	evil := "a\x1b[31m\xff" + strings.Repeat("x", 5000)
	stanza := fmt.Sprintf("Package: %s\nArchitecture: amd64\nVersion: %%s\n\n", evil)
	b, err := os.ReadFile(filepath.Join(dir, "var/lib/dpkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "var/lib/dpkg/status", string(b)+strings.Replace(fmt.Sprintf(stanza, "1"), "\n", "\nStatus: install ok installed\n", 1))
	write(t, dir, fx2Security+"main_binary-i386_Packages", fmt.Sprintf(stanza, "2"))
	f := read(context.Background(), env(t, dir))
	if len(f.Packages) != 10 { // libssl3t64:i386 went with the list
		t.Fatalf("%d pending, want 10", len(f.Packages))
	}
	if n := f.Packages[0].Name; len(n) > maxWord || !strings.Contains(n, `\xff`) {
		t.Errorf("name of %d bytes: %.20q", len(n), n)
	}
}

func TestDepends(t *testing.T) {
	f := read(context.Background(), env(t, unpack(t, "fx2")))
	for _, want := range []string{dpkg.StatusFile, dpkg.ArchFile, "/etc/apt/", "/var/lib/apt/lists/"} {
		if !strings.Contains(strings.Join(f.Meta.Depends, "\n")+"\n", want+"\n") {
			t.Errorf("does not depend on %s: %q", want, f.Meta.Depends)
		}
	}
}

func fifo(t *testing.T, dir, name string) {
	t.Helper()
	remove(t, dir, name)
	if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, dir, name string, size int64) {
	t.Helper()
	if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
		t.Fatal(err)
	}
}
