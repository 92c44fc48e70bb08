package deb

import (
	"context"
	"slices"
	"strings"
	"testing"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
)

const (
	tarList  = fx2Updates + "main_binary-amd64_Packages"
	statusDB = "var/lib/dpkg/status"
)

func find(t *testing.T, f patch.Facts, name string) patch.Package {
	t.Helper()
	for _, p := range f.Packages {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("%s is not pending: %s %s", name, f.Meta.State, f.Meta.Reason)
	return patch.Package{}
}

// TestDeferredFix: the fix itself is rolled out in steps, and this machine is not
// among the first; a security version below it ends that.
func TestDeferredFix(t *testing.T) {
	dir := unpack(t, "fx2")
	tar := find(t, read(context.Background(), env(t, dir)), "tar")
	for _, ext := range []string{"", ".lz4", ".gz", ".xz", ".zst"} {
		remove(t, dir, tarList+ext)
	}
	entry := "Package: tar\nArchitecture: amd64\nVersion: " + tar.Fixed + "\nPhased-Update-Percentage: 0\n\n"
	write(t, dir, tarList, entry)
	write(t, dir, "etc/apt/apt.conf.d/id", "APT::Machine-ID \"one that has to wait\";\n")
	p := find(t, read(context.Background(), env(t, dir)), "tar")
	if p.Label != patch.LabelDeferred || !strings.Contains(p.Reason, "0 %") {
		t.Errorf("phased: %s %q, want %s", p.Label, p.Reason, patch.LabelDeferred)
	}
	for text, want := range map[string]string{
		"APT::Get::Always-Include-Phased-Updates \"1\";\n":                                  patch.LabelAvailable,
		"Update-Manager::Never-Include-Phased-Updates yes;\n":                               patch.LabelDeferred,
		"APT::Get::Phase-Policy \"true\";\n":                                                patch.LabelDeferred,
		"Update-Manager { Always-Include-Phased-Updates true; };\nAPT::Machine-ID \"x\";\n": patch.LabelAvailable,
	} {
		write(t, dir, "etc/apt/apt.conf", text)
		if p := find(t, read(context.Background(), env(t, dir)), "tar"); p.Label != want {
			t.Errorf("%s is %s, want %s", text, p.Label, want)
		}
	}
	remove(t, dir, "etc/apt/apt.conf")
	write(t, dir, tarList, strings.Replace(entry, tar.Fixed, tar.Fixed+".1", 1))
	if p := find(t, read(context.Background(), env(t, dir)), "tar"); p.Label != patch.LabelMasked {
		t.Errorf("a phased update above a security version is %s, want %s: apt takes it", p.Label, patch.LabelMasked)
	}
	write(t, dir, tarList, entry)
	write(t, dir, "etc/apt/preferences", "Package: tar\nPin: version "+tar.Installed+"\nPin-Priority: 1001\n")
	if p := find(t, read(context.Background(), env(t, dir)), "tar"); p.Label != patch.LabelPinned {
		t.Errorf("pinned and phased is %s, want %s", p.Label, patch.LabelPinned)
	}
}

// TestRunningUpgrade: what dpkg has done since it wrote the status file counts, and
// a file of its that is half-written is an error, not an answer.
func TestRunningUpgrade(t *testing.T) {
	dir := unpack(t, "fx2")
	r, e := patch.NewReader(Read), env(t, dir)
	before := r.Read(context.Background(), e)
	tar := find(t, before, "tar")
	step := "Package: tar\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: " + tar.Fixed + "\n\n"
	write(t, dir, "var/lib/dpkg/updates/tmp.i", "#padding\n")
	write(t, dir, "var/lib/dpkg/updates/0000", strings.Replace(step, tar.Fixed, tar.Installed, 1))
	write(t, dir, "var/lib/dpkg/updates/0001", step)
	after := r.Read(context.Background(), e)
	if label(after, "tar") != "" || len(after.Packages) != len(before.Packages)-1 {
		t.Errorf("tar is pending though it was unpacked: %d then %d", len(before.Packages), len(after.Packages))
	}
	write(t, dir, "var/lib/dpkg/updates/0002", "Package: vim\nStatus: inst")
	broken := r.Read(context.Background(), e)
	if !strings.Contains(broken.Stale.Reason, "updates/0002") || len(broken.Packages) != len(after.Packages) || broken.Meta.State != fact.StateKnown {
		t.Errorf("half-written: state %s, stale %+v, %d pending", broken.Meta.State, broken.Stale, len(broken.Packages))
	}
	truncate(t, dir, statusDB, 1000)
	if f := r.Read(context.Background(), e); !strings.Contains(f.Stale.Reason, "ends within a line") || len(f.Packages) != len(after.Packages) {
		t.Errorf("status cut short: stale %+v, %d pending", f.Stale, len(f.Packages))
	}
	if f := read(context.Background(), e); f.Meta.State != fact.StateError || f.Stale.Reason != "" {
		t.Errorf("without an answer before: state %s, stale %+v", f.Meta.State, f.Stale)
	}
}

// TestFailedRefresh: what a refresh left behind is said of its source.
func TestFailedRefresh(t *testing.T) {
	dir := unpack(t, "fx2")
	write(t, dir, strings.Replace(fx2Security, "lists/", "lists/partial/", 1)+"InRelease", "half")
	f := read(context.Background(), env(t, dir))
	if f.Meta.State != fact.StateKnown || len(f.Packages) != 10 {
		t.Errorf("state %s, %d pending", f.Meta.State, len(f.Packages))
	}
	for _, s := range f.Sources {
		if failed := s.Suite == "noble-security"; failed != strings.Contains(s.Error, "did not finish") {
			t.Errorf("%s %s: error %q", s.URI, s.Suite, s.Error)
		}
	}
}

// TestElsewhere: where apt.conf moves things, nothing is said of what is not read.
func TestElsewhere(t *testing.T) {
	for text, state := range map[string]fact.State{
		"Dir::State::lists \"/srv/lists\";\n":       fact.StateUnknown,
		"Dir::Etc { SourceParts \"/srv/x\"; };\n":   fact.StateUnknown,
		"Dir::State::Lists \"/var/lib/apt/lists\";": fact.StateKnown,
		"Dir::Etc::sourcelist \"sources.list\";\n":  fact.StateKnown,
		"APT { \n": fact.StateKnown,
		"#include \"/etc/apt/none\";\nDPkg::Pre {};": fact.StateError,
	} {
		dir := unpack(t, "fx2")
		write(t, dir, "etc/apt/apt.conf.d/50x", text)
		if f := read(context.Background(), env(t, dir)); f.Meta.State != state {
			t.Errorf("%q: state %s %s, want %s", text, f.Meta.State, f.Meta.Reason, state)
		}
	}
	dir := unpack(t, "fx2")
	write(t, dir, "etc/apt/apt.conf", "A \"b\";\n}{\n")
	f := read(context.Background(), env(t, dir))
	if len(f.Meta.Evidence) != 1 || f.Meta.Evidence[0].File != "/etc/apt/apt.conf" || f.Meta.Evidence[0].Line != 2 {
		t.Errorf("evidence %+v", f.Meta.Evidence)
	}
}

// TestEmptyArchive: of an archive without packages apt keeps the Release file alone;
// nothing is unknown for it, as it is where the list is left out.
func TestEmptyArchive(t *testing.T) {
	for sums, reason := range map[string]string{
		" d41d8cd98f00b204e9800998ecf8427e 0 Packages\n":     "",
		" d41d8cd98f00b204e9800998ecf8427e 0 Packages.gz\n":  "no package list",
		" d41d8cd98f00b204e9800998ecf8427e 700 ./Packages\n": "no package list",
	} {
		dir := unpack(t, "fx2")
		write(t, dir, "etc/apt/sources.list.d/flat.list", "deb [trusted=yes] copy:/srv/flat ./\n")
		write(t, dir, "var/lib/apt/lists/_srv_flat_._Release", "Origin: T\nDate: Sat, 21 Nov 2026 12:00:00 +0000\nMD5Sum:\n"+sums)
		f := read(context.Background(), env(t, dir))
		i := slices.IndexFunc(f.Sources, func(s patch.Source) bool { return s.Suite == "./" })
		if i < 0 || reason == "" && f.Sources[i].Reason != "" || !strings.Contains(f.Sources[i].Reason, reason) {
			t.Errorf("%q: %+v", sums, f.Sources)
		}
	}
}
